"""The first burst of failures after a gateway's start is seen by Prometheus: two scrapes of a real gateway, one before
and one after it, given to promtool (Debian: `prometheus`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.doubles.fault_pod import fault_pods
from tests.system.callers import ask, job
from tests.system.running_gateway import configuration, running_gateway
from tests.system.shell import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.anyio

_DENIED = b"GET /sdapi/v1/cmd-flags HTTP/1.1\r\nHost: sd\r\n\r\n"


async def test_increase_sees_the_first_failures(tmp_path: Path) -> None:
    async with fault_pods(1) as (pod,):
        pool = {"profile": "a1111", "backends": {"static": [pod.url]}}
        async with running_gateway(tmp_path, configuration(pool)) as gateway:
            await gateway.ready(1)
            before = counters((await gateway.ask("/metrics")).text)
            assert (await ask(gateway, job("poisoned", behave="fails"))).status == 500
            assert (await ask(gateway, job("broken", behave="reset_before"))).status == 502
            assert (await ask(gateway, _DENIED)).status == 403
            assert (await ask(gateway, b"BAD\r\n\r\n")).status == 400
            after = counters((await gateway.ask("/metrics")).text)

    assert {series for series, value in after.items() if value and series not in before} == set()
    expected = [
        seen('sum by (code) (increase(gateway_requests_total{status="5xx"}[5m]) > 0)', {"code": "--"}, {"code": "SH"}),
        seen('sum by (code) (increase(gateway_requests_total{status="4xx"}[5m]) > 0)', {"code": "PR"}),
        seen("sum by (pool) (increase(gateway_backend_errors_total[5m]) / 2)", {"pool": "sd"}),
        seen("sum by (reason) (increase(gateway_protocol_refused_total[5m]) > 0)", {"reason": "malformed"}),
    ]
    series = [told(series, before[series], after[series]) for series in before]
    situation = {"interval": "1m", "input_series": series, "promql_expr_test": expected}
    (tmp_path / "tests.yaml").write_text(json.dumps({"tests": [situation]}))
    await run("promtool", "test", "rules", str(tmp_path / "tests.yaml"))


def counters(exposed: str) -> dict[str, float]:
    """Every counter of ours, by the series as it is written."""
    return {
        f"{sample.name}{{{labels(sample.labels)}}}": sample.value
        for family in text_string_to_metric_families(exposed)
        for sample in family.samples
        if family.type == "counter" and sample.name.startswith("gateway_") and sample.name.endswith("_total")
    }


def labels(given: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in given.items())


def told(series: str, before: float, after: float) -> dict[str, str]:
    """Scraped once a minute; what the second scrape showed shows from the sixth minute on."""
    return {"series": series, "values": f"{before:g}x5 {after:g}x9"}


def seen(expression: str, *of: Mapping[str, str]) -> dict[str, Any]:
    """One of each is counted, over five minutes with the change in their middle."""
    samples = [{"labels": f"{{{labels(each)}}}", "value": 1} for each in of]
    return {"expr": expression, "eval_time": "8m", "exp_samples": samples}
