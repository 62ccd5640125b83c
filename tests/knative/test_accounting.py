"""Who counts what is in flight."""

from __future__ import annotations

from typing import Literal

import pytest

from gateway.core.scaling.report import Accounting
from gateway.knative.accounting import AccountingChoice, choose_accounting
from gateway.knative.autoscaling import PREFIX, read_autoscaling, read_config_autoscaler
from gateway.knative.precedence import Origin, Sourced


@pytest.mark.parametrize(
    ("wish", "capacity", "expected"),
    [
        ("auto", -1, Accounting.PROXIED),
        ("auto", 0, Accounting.WAITING),
        ("auto", 211, Accounting.WAITING),
        ("waiting", 211, Accounting.WAITING),
        ("proxied", 211, Accounting.PROXIED),
        ("proxied", -1, Accounting.PROXIED),
    ],
)
def test_whoever_hears_of_it_counts(
    wish: Literal["auto", "waiting", "proxied"], capacity: float, expected: Accounting
) -> None:
    assert choose_accounting(wish, Sourced(capacity, Origin.DEFAULT)) == AccountingChoice(expected)


def test_waiting_beside_minus_one_is_refused_and_both_are_named() -> None:
    choice = choose_accounting("waiting", Sourced(-1, Origin.ANNOTATION))
    assert choice.accounting is Accounting.PROXIED
    assert choice.problem == (
        "backends.knative.accounting: found waiting, expected auto or proxied beside target-burst-capacity -1 "
        "(revision annotation): nobody scrapes the pods then"
    )


@pytest.mark.parametrize(
    ("annotation", "config", "expected"),
    [
        ("-1", "0", Accounting.PROXIED),
        ("0", "-1", Accounting.WAITING),
        (None, "-1", Accounting.PROXIED),
        (None, None, Accounting.WAITING),
        ("nonsense", "-1", Accounting.PROXIED),
    ],
)
def test_the_annotation_counts_then_the_cluster_then_211(
    annotation: str | None, config: str | None, expected: Accounting
) -> None:
    cluster = read_config_autoscaler({} if config is None else {"target-burst-capacity": config})
    told = {} if annotation is None else {f"{PREFIX}target-burst-capacity": annotation}
    autoscaling, _ = read_autoscaling(told, 1, cluster, "revision sd")
    assert choose_accounting("auto", autoscaling.target_burst_capacity).accounting is expected
