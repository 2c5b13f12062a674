"""The names of the metrics follow the conventions of Prometheus."""

from __future__ import annotations

import re

import pytest

from rum_bridge import metrics as bridge
from rum_bridge.operations import insight_metrics
from rum_cli.log_writer import DROPPED_LINES
from rum_endpoint.metrics_page import Metric
from rum_service.composition import metrics as service

_ALL = [*service.METRICS, *bridge.METRICS, *insight_metrics.METRICS, DROPPED_LINES]


@pytest.mark.parametrize("metric", _ALL, ids=lambda metric: metric.name)
def test_a_name_tells_the_kind_and_the_unit(metric: Metric) -> None:
    assert re.fullmatch(r"openrum_(service|bridge|log|rum)(_[a-z]+)+", metric.name)
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert ("Time " in metric.help or "Age " in metric.help) == ("_seconds" in metric.name)
    assert metric.help.startswith("Size ") == ("_bytes" in metric.name)
    assert not set(metric.labels) & {"le", "quantile", "job", "instance"}


def test_every_metric_has_one_name() -> None:
    assert len({metric.name for metric in _ALL}) == len(_ALL)
