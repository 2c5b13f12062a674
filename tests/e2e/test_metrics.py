"""The metrics of running processes: the documented ones, with the counts of what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rum_bridge import metrics as bridge
from rum_cli.log_writer import DROPPED_LINES
from rum_endpoint.metrics_page import Metric
from rum_service.composition import metrics as service
from tests.support.batches import batch
from tests.support.metrics import page_addresses, read_page, read_values
from tests.support.running import Bridge, OpenRum, Service, wait_until


def _labels(page: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the kind and the labels of each metric of OpenRUM by its name."""
    return {
        family.name + "_total" * (family.type == "counter"): (
            family.type,
            tuple(label for label in family.samples[0].labels if label != "le"),
        )
        for family in text_string_to_metric_families(page)
        if family.name.startswith("openrum_")
    }


def _declared(*metrics: Metric) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {metric.name: (metric.kind, metric.labels) for metric in metrics}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OpenRum]:
    """A server with an app monitor that had a batch when it started."""
    with OpenRum(tmp_path) as first:
        assert first.post(f"/appmonitors/{first.monitor_id()}", batch(1))[0] == 200
        first.stop()
    settings = {"OPENRUM_METRICS": "127.0.0.1:0", "OPENRUM_STORED_BYTES_QUOTA": "1000000"}
    with OpenRum(tmp_path, **settings) as running:
        yield running
        running.stop()


def test_one_page_has_all_metrics_of_the_service_and_the_bridge(server: OpenRum) -> None:
    path = f"/appmonitors/{server.monitor_id()}"
    statuses = [
        server.post(path, batch(3))[0],
        server.post(path, batch(2))[0],
        server.post(path, batch([{}]))[0],
        server.post(path, [])[0],
    ]
    (address,) = page_addresses(server)
    stored = ("openrum_service_stored_bytes", "my-app")
    kept = ("openrum_service_retention_seconds", "my-app")
    wait_until(lambda: {stored, kept} <= read_values(address).keys())
    page, values = read_page(address), read_values(address)

    assert statuses == [200, 200, 400, 400]
    assert _labels(page) == _declared(*service.METRICS, *bridge.METRICS, DROPPED_LINES)
    assert values["openrum_bridge_received_batches_total",] == 4
    assert values["openrum_bridge_received_events_total",] == 6
    assert values["openrum_bridge_events_total", "accepted", "", ""] == 5
    invalid = ("rejected", "ValidationException")
    assert values["openrum_bridge_events_total", *invalid, "service"] == 1
    assert values["openrum_bridge_batches_total", *invalid, "service"] == 1
    assert values["openrum_bridge_batches_total", *invalid, "bridge"] == 1
    assert values["openrum_bridge_responses_total", "put", "200"] == 2
    assert values["openrum_bridge_responses_total", "put", "400"] == 2
    assert values["openrum_bridge_put_duration_seconds_count",] == 4
    assert values["openrum_bridge_waiting_batches",] == 0
    assert values["openrum_service_commit_batches_sum",] == 2
    assert values["openrum_service_calls_total", "ListAppMonitors", "OK"] >= 1


def test_the_page_is_not_part_of_the_public_address(server: OpenRum) -> None:
    assert server.get("/metrics")[0] == 404


def test_each_process_has_its_own_page(tmp_path: Path) -> None:
    with Service(tmp_path, OPENRUM_METRICS="127.0.0.1:0") as first:
        settings = {"OPENRUM_SERVICE": first.grpc, "OPENRUM_METRICS": "127.0.0.1:0"}
        with Bridge(tmp_path, **settings) as second:
            wait_until(lambda: page_addresses(first) and page_addresses(second))
            pages = [read_page(page_addresses(process)[0]) for process in (first, second)]
            second.stop()
        first.stop()
    found = [set(_labels(page)) for page in pages]
    without_values = {m.name for m in (*service.METRICS, *bridge.METRICS) if m.labels}

    assert found[0] >= {metric.name for metric in service.METRICS} - without_values
    assert found[1] >= {metric.name for metric in bridge.METRICS} - without_values
    of_process = {DROPPED_LINES.name}
    assert all(name.startswith("openrum_service_") for name in found[0] - of_process)
    assert all(name.startswith("openrum_bridge_") for name in found[1] - of_process)
    assert found[0] & found[1] == of_process


class _TwoWorkers(OpenRum):
    arguments = ("--workers", "2")


def test_each_worker_has_its_own_page(tmp_path: Path) -> None:
    with _TwoWorkers(tmp_path, OPENRUM_METRICS="127.0.0.1:0") as running:
        wait_until(lambda: len(page_addresses(running)) == 3)
        pages = [read_page(address) for address in page_addresses(running)]
        running.stop()

    assert sorted("openrum_bridge_connections" in page for page in pages) == [False, True, True]
    assert all("openrum_log_dropped_lines_total 0.0" in page for page in pages)


def test_on_postgresql_each_worker_has_the_metrics_of_its_service(
    tmp_path: Path, empty_postgres: str
) -> None:
    settings = {"OPENRUM_METRICS": "127.0.0.1:0", "OPENRUM_DATABASE_URL": empty_postgres}
    with _TwoWorkers(tmp_path, **settings) as running:
        wait_until(lambda: len(page_addresses(running)) == 3)
        pages = [read_page(address) for address in page_addresses(running)]
        running.stop()

    assert all("openrum_service_received_events_total" in page for page in pages)
    assert sorted("openrum_bridge_connections" in page for page in pages) == [False, True, True]
