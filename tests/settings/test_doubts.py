"""What works, and perhaps not as it is meant."""

from __future__ import annotations

from gateway.settings.doubts import doubts
from gateway.settings.file import dotted
from tests.settings.test_cluster_checks import KUBERNETES, of_knative, settings


def test_polls_that_would_wait_behind_pictures() -> None:
    queue, exempt = {"exempt_via": "queue"}, [{"match": "GET /poll", "lane": "passive"}]
    doubtful = [of_knative(queue, profile="a1111"), of_knative(queue, rules=exempt)]
    for pool in doubtful:
        [doubt] = doubts(settings(pool))
        assert dotted(doubt.at) == "pools.a.backends.knative.exempt_via"
        assert doubt.expected.startswith("user-port, or kubelet-probe")
    for pool in (of_knative(queue), of_knative(profile="a1111"), {"backends": KUBERNETES}):
        assert list(doubts(settings(pool))) == []


def test_a_rule_that_names_the_prefix_as_well() -> None:
    pool = {"backends": KUBERNETES, "path_prefix": ["/x", "/sd/"]}
    rules = [{"match": f"GET {path}", "lane": "exempt"} for path in ("/sd/poll", "/poll", "/sdapi", "/sd")]
    found = list(doubts(settings({**pool, "rules": rules})))
    assert [dotted(each.at) for each in found] == ["pools.a.rules[0].match", "pools.a.rules[3].match"]
    assert found[0].expected == "the path behind path_prefix /sd/: that is what rules are matched with"


def test_what_knatives_autoscaler_does_not_hear() -> None:
    (found,) = doubts(settings(of_knative(autoscaling={"max_scale": 3})))
    assert dotted(found.at) == "pools.a.autoscaling"
    assert list(doubts(settings(of_knative()))) == []
