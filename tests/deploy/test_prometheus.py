"""The dashboards and the alerts use metrics and labels that exist, and the docs list the alerts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from rum_bridge import metrics as bridge
from rum_bridge.operations import insight_metrics
from rum_cli.log_writer import DROPPED_LINES
from rum_endpoint.metrics_page import Metric
from rum_service.composition import metrics as service
from tests.deploy.files import DEPLOY

_FOLDER = DEPLOY / "prometheus"
_ALL = (*service.METRICS, *bridge.METRICS, *insight_metrics.METRICS, DROPPED_LINES)
_METRICS = {metric.name: metric for metric in _ALL}
_DASHBOARDS = sorted(_FOLDER.glob("grafana-*.json"))
_SUFFIXES = ("_bucket", "_sum", "_count")
_OWN = {"instance", "job"}
_PAGE = (DEPLOY.parent / "docs" / "how-to" / "monitor.md").read_text()


def _alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load((_FOLDER / "openrum.rules.yaml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def _panels(dashboard: Path) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(dashboard.read_text())["panels"]
    return [panel for panel in panels if panel["type"] != "row"]


def _expressions() -> Iterator[str]:
    yield from (alert["expr"] for alert in _alerts())
    for dashboard in _DASHBOARDS:
        yield from (target["expr"] for p in _panels(dashboard) for target in p["targets"])


def _metric(name: str) -> Metric | None:
    """Return the metric of a series."""
    if found := _METRICS.get(name):
        return None if found.kind == "histogram" else found
    base = name
    for suffix in _SUFFIXES:
        base = base.removesuffix(suffix)
    found = _METRICS.get(base)
    return found if found and found.kind == "histogram" else None


@pytest.mark.parametrize("expression", sorted(set(_expressions())))
def test_an_expression_uses_series_and_labels_that_exist(expression: str) -> None:
    found = [_metric(name) for name in re.findall(r"openrum_\w+", expression)]
    known = {label for metric in found if metric for label in metric.labels} | _OWN
    if any(metric and metric.kind == "histogram" for metric in found):
        known |= {"le"}
    grouped = {
        label
        for labels in re.findall(r"\b(?:by|on|without) \(([^)]+)\)", expression)
        for label in labels.split(", ")
    }
    selected = set(re.findall(r"(\w+)(?:=~|!=|=)\"", expression))

    assert None not in found
    assert grouped | selected <= known
    # Grafana replaces the variable.
    promql_parser.parse(expression.replace("$__rate_interval", "1m"))  # raises an error


def test_every_alert_is_explained_in_its_annotations_and_listed_in_the_docs() -> None:
    alerts = _alerts()

    assert len(alerts) > 8
    assert len({alert["alert"] for alert in alerts}) == len(alerts)
    for alert in alerts:
        row = f"| {alert['alert']} | {alert['labels']['severity']} | "
        assert row + alert["annotations"]["summary"] in _PAGE
        assert len(alert["annotations"]["description"].split()) > 10


@pytest.mark.parametrize("dashboard", _DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_is_explained(dashboard: Path) -> None:
    panels = _panels(dashboard)

    assert len(panels) > 12
    assert [panel["title"] for panel in panels if not panel["description"].endswith(".")] == []


@pytest.mark.parametrize("dashboard", _DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_named_in_the_docs_and_its_panels_do_not_overlap(dashboard: Path) -> None:
    cells = [
        (place["x"] + column, place["y"] + line)
        for panel in json.loads(dashboard.read_text())["panels"]
        for place in [panel["gridPos"]]
        for column in range(place["w"])
        for line in range(place["h"])
    ]

    assert f"`deploy/prometheus/{dashboard.name}`" in _PAGE
    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) < 24


def test_the_values_of_labels_that_the_users_alerts_select_exist() -> None:
    """The bridge gives these values to the labels; a typing error would never fire."""
    values = {
        (label, value)
        for expression in _expressions()
        if "openrum_rum_" in expression
        for label, found in re.findall(
            r"(vital|rating|reason|percentile)=~?\"([^\"]+)\"", expression
        )
        for value in found.split("|")
    }
    sent = {
        *(("vital", vital) for vital in (*insight_metrics.VITALS, "cls")),
        *(("rating", rating) for rating in insight_metrics.RATINGS),
        *(("reason", reason) for reason in insight_metrics.REASONS),
        *(("percentile", percentile) for percentile in insight_metrics.PERCENTILES),
    }

    assert values <= sent
    assert len(values) > 6


def test_every_metric_of_the_product_is_on_the_dashboard_or_in_an_alert() -> None:
    shown = {
        metric.name
        for e in _expressions()
        for n in re.findall(r"openrum_\w+", e)
        if (metric := _metric(n))
    }
    # The sums over their ends show the same.
    totals = {"openrum_service_received_batches_total", "openrum_service_received_events_total"}
    totals |= {"openrum_bridge_received_batches_total", "openrum_bridge_received_events_total"}

    assert _METRICS.keys() - shown - totals == {
        "openrum_service_batches_total",
        "openrum_service_bytes_total",
        "openrum_service_queued_puts",
        "openrum_service_waiting_calls",
        "openrum_service_call_duration_seconds",
        "openrum_bridge_call_duration_seconds",
        "openrum_bridge_waiting_batches",
        "openrum_service_unfinished_erasures",
        "openrum_service_erased_events_total",
    }
