"""k8s/README.md leads to what there is, and leaves no overlay out."""

from __future__ import annotations

import re

from tests.k8s.rendered import K8S, KUSTOMIZATIONS

README = (K8S / "README.md").read_text()


def test_it_leads_to_what_there_is() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    applied = re.findall(r"apply -k k8s/(\S+)", README)

    assert links
    assert [link for link in links if not (K8S / link).exists()] == []
    assert applied
    assert [path for path in applied if path not in KUSTOMIZATIONS] == []


def test_it_leaves_no_overlay_out() -> None:
    assert [path for path in KUSTOMIZATIONS if path.startswith("overlays/") and path not in README] == []
