"""What a Service says of sessions, as on Alibaba Cloud."""

from __future__ import annotations

from typing import Any

from gateway.knative.service import PREFIX, ServiceFacts, read_service


def service(annotations: dict[str, str], template: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"name": "sd", "namespace": "default", "annotations": annotations},
        "spec": {"template": {"metadata": {"annotations": template}}},
    }


def test_the_cookie() -> None:
    told = {PREFIX + "affinity": "cookie", PREFIX + "cookie-name": "sd", PREFIX + "cookie-timeout": "1800"}
    expected = ServiceFacts("sd", "default", "sd", 1800)
    assert read_service(service(told)) == read_service(service({}, told)) == expected


def test_the_service_goes_before_its_template() -> None:
    told = read_service(service({PREFIX + "cookie-name": "a"}, {PREFIX + "cookie-name": "b"}))
    assert told.cookie == "a"


def test_a_service_may_say_nothing() -> None:
    assert read_service({"metadata": {"name": "sd", "namespace": "default"}}) == ServiceFacts("sd", "default")


def test_what_makes_no_sense_is_told() -> None:
    told = {PREFIX + "affinity": "ip", PREFIX + "cookie-name": "a b", PREFIX + "cookie-timeout": "30m"}
    facts = read_service(service(told))
    assert (facts.cookie, facts.session_ttl) == (None, None)
    assert [f"{each.of} {each.key.removeprefix(PREFIX)}: {each.expected}" for each in facts.ignored] == [
        "service sd affinity: cookie",
        "service sd cookie-name: a cookie name: letters, digits and !#$%&'*+-.^_`|~",
        "service sd cookie-timeout: a whole number, at least 1",
    ]
