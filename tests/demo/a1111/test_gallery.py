"""Pictures by their names, on the pod that painted them alone."""

from __future__ import annotations

import base64

from gateway.demo.a1111.gallery import Gallery


def test_a_picture_is_known_to_its_pod_and_the_latest_are_kept() -> None:
    gallery, other = Gallery(), Gallery()
    names = [str(gallery.keep(base64.b64encode(b"%d" % number).decode())["name"]) for number in range(65)]
    assert len(set(names)) == 65
    assert [gallery.picture(name) for name in (names[0], names[1], names[64])] == [None, b"1", b"64"]
    assert other.picture(names[64]) is None
    assert other.would_have(names[64])
    assert not other.would_have("config.json")
