"""Prometheus's own tests of rules (Debian: `prometheus`) on the alerts of k8s/overlays/monitoring, and on the query
that its adapter is given for the autoscaler of overlays/hpa. The situations are in alerts.yaml."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.k8s.rendered import K8S, of_kind

if TYPE_CHECKING:
    from tests.k8s.rendered import Manifest

SITUATIONS = Path(__file__).parent / "alerts.yaml"


def prove(directory: Path, rules: Manifest, tests: str) -> None:
    (directory / "rules.yaml").write_text(json.dumps(rules))
    (directory / "tests.yaml").write_text(tests)
    proved = subprocess.run(
        ["promtool", "test", "rules", directory / "tests.yaml"], capture_output=True, text=True, timeout=30, check=False
    )
    assert proved.returncode == 0, proved.stdout + proved.stderr


def alerts() -> Manifest:
    [rules] = of_kind("overlays/monitoring", "PrometheusRule")
    spec: Manifest = rules["spec"]
    return spec


def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    prove(tmp_path, alerts(), SITUATIONS.read_text())


def test_each_alert_fires_in_one_of_the_situations() -> None:
    situations = SITUATIONS.read_text()

    assert [
        rule["alert"]
        for group in alerts()["groups"]
        for rule in group["rules"]
        if f'alertname="{rule["alert"]}"' not in situations
    ] == []


def test_the_adapters_query_sums_a_pools_demand(tmp_path: Path) -> None:
    """As the adapter fills it in: the series, and matchers for the namespace and for the autoscaler's selector."""
    [rule] = yaml.safe_load((K8S / "overlays/hpa/adapter-rules.yaml").read_text())["externalRules"]
    query = rule["metricsQuery"].replace("<<.Series>>", "gateway_demand_requests")
    query = query.replace("<<.LabelMatchers>>", 'namespace="default",pool="sd"')
    series = [
        {"series": f'gateway_demand_requests{{namespace="{namespace}",pool="{pool}"}}', "values": "3x5"}
        for namespace, pool in (("default", "sd"), ("default", "other"), ("elsewhere", "sd"))
    ]
    expected = {"expr": query, "eval_time": "1m", "exp_samples": [{"labels": '{pool="sd"}', "value": 3}]}
    tests = {
        "rule_files": ["rules.yaml"],
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [expected]}],
    }

    prove(tmp_path, {"groups": []}, json.dumps(tests))
