"""Grafana's dashboard asks for series that there are, says what it shows, and is one by Grafana's own schema.

No Grafana has shown it: none can be had from a registry of packages. What is known of it is its schema, in the models
that its makers generate from it, and Prometheus's grammar.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.doubles.exposition import labels_of_samples
from tests.k8s.promql import selected_by
from tests.k8s.rendered import K8S, named

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = K8S / "overlays/monitoring/dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES: list[dict[str, Any]] = DASHBOARD["templating"]["list"]

#: Of Knative's autoscaler, from 1.19 on, where Prometheus scrapes it: knative.dev, "Knative Serving Metrics".
KNATIVES_OWN = dict.fromkeys(
    (
        "kn_revision_pods_desired",
        "kn_revision_pods_count",
        "kn_revision_pods_pending_count",
        "kn_revision_pods_not_ready_count",
        "kn_revision_concurrency_stable",
        "kn_revision_concurrency_panic",
        "kn_revision_concurrency_target",
        "kn_revision_panic_mode",
    ),
    frozenset(("kn_service_name", "kn_configuration_name", "kn_revision_name", "k8s_namespace_name")),
)
#: What Prometheus puts on each sample of ours: where it was scraped.
OF_TARGETS = {"namespace", "job"}
#: What the data source reads of an annotation, and the schema does not know.
OF_PROMETHEUS = {"titleFormat", "tagKeys"}


def queries() -> Iterator[str]:
    """All that panels and variables ask Prometheus."""
    yield from (target["expr"] for panel in PANELS for target in panel["targets"])
    for variable in VARIABLES:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"]["query"])
            assert asked, variable
            yield asked[1]


def filled_in(query: str) -> str:
    """As Grafana sends it."""
    filled = re.sub(r"\$__(rate_interval|range)\b", "5m", query)
    return re.sub(r"\$[a-z]\w*", ".*", filled)


def test_every_query_asks_for_series_that_there_are_by_labels_that_they_have() -> None:
    there = {name: labels | OF_TARGETS for name, labels in labels_of_samples().items()} | KNATIVES_OWN
    asked = [selector for query in queries() for selector in selected_by(filled_in(query))]

    assert len(asked) > len(PANELS)
    assert [each.name for each in asked if each.name not in there] == []
    assert [each for each in asked if not each.labels <= there[each.name]] == []


def test_all_that_is_told_for_operators_is_on_the_page() -> None:
    """New series do not stay unseen. Left out: the interpreter's, Knative's older names, and what the scaler took for
    ready, which `gateway_backends` tells, too."""
    told = {name for name in labels_of_samples() if name.startswith(("gateway_", "kn_"))}
    parts = {name for name in told if re.search(r"_(sum|count|created)$", name)}
    asked = {selector.name for query in queries() for selector in selected_by(filled_in(query))}

    assert told - parts - asked == {"gateway_autoscaler_ready_backends"}


def test_each_panel_says_what_it_is() -> None:
    unsaid = [
        panel["title"]
        for panel in PANELS
        if not (panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"])
    ]
    assert unsaid == []
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)


def test_ids_are_unique_and_nothing_lies_on_anything() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    cells = [
        (column, line)
        for where in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for column in range(where["x"], where["x"] + where["w"])
        for line in range(where["y"], where["y"] + where["h"])
    ]
    assert len(ids) == len(set(ids))
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


def test_every_variable_that_is_used_is_there_and_the_other_way_round() -> None:
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD["panels"]) + json.dumps(VARIABLES)))
    assert used == {variable["name"] for variable in VARIABLES}


def test_a_provider_of_files_takes_it_and_every_panel_asks_the_chosen_source() -> None:
    """No id of some Grafana's own in it, and no inputs that somebody would have to fill in by hand."""
    sources = {json.dumps(panel["datasource"]) for panel in PANELS}
    assert DASHBOARD["id"] is None
    assert DASHBOARD["uid"]
    assert "__inputs" not in DASHBOARD
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}


def test_it_is_one_by_grafanas_schema() -> None:
    """What its models do not know is lost on the way through them."""
    known = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert [path for path in lost(DASHBOARD, known) if path.rpartition(".")[2] not in OF_PROMETHEUS] == []


def test_the_schema_sees_a_slip() -> None:
    slip = {**DASHBOARD, "refesh": "5s"}
    assert list(lost(slip, json.loads(JSONEncoder().encode(Dashboard.from_json(slip))))) != []


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key not in after and value is not None:
                yield f"{path}.{key}"
            elif key in after:
                yield from lost(value, after[key], f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif before != after:
        yield path


def test_the_sidecars_find_the_same_file() -> None:
    found = named("overlays/monitoring", "ConfigMap", "gateway-dashboard", "v1")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["data"] == {"gateway.json": FILE.read_text()}
    assert len(yaml.safe_dump(found)) < 200_000  # `kubectl apply` keeps it in an annotation, too: 256 KiB at most
