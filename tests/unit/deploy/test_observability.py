"""Alerts, dashboard, metrics and the operator's manual speak of the same things."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from shared.telemetry import names

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy/prometheus/alerts.yaml"
MANUAL = (ROOT / "docs/operations.md").read_text()
DASHBOARD = json.loads((ROOT / "deploy/grafana/kaifu.json").read_text())
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
# What Prometheus and its client library say of every process.
GENERAL = {"up", "ALERTS", "process_start_time_seconds", "process_cpu_seconds_total"}
GENERAL |= {"process_resident_memory_bytes"}
ADDED = {"job", "instance", "le", "alertname", "alertstate"}  # by the scrape, a histogram, an alert
GRAFANA = {"$__rate_interval": "5m", "$__range": "3h"}


def series() -> dict[str, set[str]]:
    """Each name that `/metrics` shows of our metrics, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in vars(names).values():
        if isinstance(metric, MetricWrapperBase):
            suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
            for suffix in suffixes.get(metric._type, [""]):
                found[metric._name + suffix] = set(metric._labelnames)
    return found


SERIES = series()


def queries() -> Iterator[tuple[str, str]]:
    """Every PromQL expression: where it stands, and itself with Grafana's variables filled in."""
    for alert in ALERTS:
        yield alert["alert"], alert["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            expr = target["expr"]
            for variable, value in GRAFANA.items():
                expr = expr.replace(variable, value)
            yield panel["title"], expr


QUERIES = list(queries())


def selectors(expr: str) -> list[Any]:
    """The series that an expression asks for. ValueError for what is no PromQL."""
    found: list[Any] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        if isinstance(node, promql.MatrixSelector):
            found.append(node.vector_selector)
        return True

    promql.walk(promql.parse(expr), visit)
    return found


def grouped(expr: str) -> set[str]:
    """The labels that an expression groups by or joins on."""
    lists = re.findall(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)", expr)
    return {label.strip() for one in lists for label in one.split(",") if label.strip()}


@pytest.mark.parametrize(("place", "expr"), QUERIES, ids=[place for place, _ in QUERIES])
def test_a_query_asks_for_metrics_and_labels_that_exist(place: str, expr: str) -> None:
    asked = selectors(expr)
    assert asked, place
    known: set[str] = set(ADDED)
    for selector in asked:
        assert selector.name in SERIES.keys() | GENERAL, f"{place}: no metric {selector.name}"
        of_metric = SERIES.get(selector.name, set()) | ADDED
        named = {matcher.name for matcher in selector.matchers.matchers}
        assert named <= of_metric, f"{place}: {selector.name} has no label {named - of_metric}"
        known |= of_metric
    assert grouped(expr) <= known, f"{place}: no label {grouped(expr) - known}"


def test_every_metric_is_shown_or_alarms() -> None:
    asked = {selector.name for _, expr in QUERIES for selector in selectors(expr)}
    shown = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in asked}
    measured = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in SERIES}
    assert measured - shown == set()
    assert len(measured) > 30


@pytest.mark.parametrize("alert", ALERTS, ids=[alert["alert"] for alert in ALERTS])
def test_an_alert_says_how_bad_what_and_where_to_read_on(alert: dict[str, Any]) -> None:
    assert alert["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    told = alert["annotations"]
    assert set(told) == {"summary", "description", "runbook_url"}
    assert all(told.values())
    assert told["runbook_url"] == f"docs/operations.md#{alert['alert'].lower()}"
    labels = set(re.findall(r"\$labels\.(\w+)", told["summary"] + told["description"]))
    known = {label for selector in selectors(alert["expr"]) for label in SERIES.get(selector.name, set())}
    assert labels <= known | ADDED


def sections() -> dict[str, str]:
    """The manual's pages of alerts, by name."""
    _, _, part = MANUAL.partition("\n## Alerts\n")
    found = re.split(r"^### (.+)$", part.split("\n## ")[0], flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert sorted(sections()) == sorted(alert["alert"] for alert in ALERTS)


@pytest.mark.parametrize("name", sections())
def test_a_page_says_what_to_do(name: str) -> None:
    parts = re.findall(r"^- \*\*(.+?)\*\*: \S", sections()[name], re.MULTILINE)
    assert parts == ["Means", "Reps notice", "Look", "Do", "Over"]


def test_the_manual_names_what_exists() -> None:
    named = set(re.findall(r"kaifu_[a-z_]+", MANUAL))
    known = SERIES.keys() | {name.removesuffix("_count") for name in SERIES}
    assert named <= known, named - known
    anchors = {
        heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", MANUAL, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", MANUAL)) <= anchors


def test_every_alert_is_tried_by_promtool_s_tests() -> None:
    tests = (ROOT / "deploy/prometheus/alerts.test.yaml").read_text()
    assert {alert["alert"] for alert in ALERTS} == set(re.findall(r'ALERTS\{alertname="(\w+)"', tests))


@pytest.mark.parametrize(
    "expr", ["rate(kaifu_hits_total)", "sum by topic (kaifu_consumer_lag)", "kaifu_ready =="]
)
def test_what_is_no_promql_is_noticed(expr: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        selectors(expr)
