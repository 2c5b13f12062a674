"""The page that Prometheus reads."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from rum_endpoint.address import Address
from rum_endpoint.histogram import Histogram
from rum_endpoint.metrics_page import Metric, Sample, metrics_page
from rum_endpoint.operating import OperatingSettings
from rum_endpoint.start_error import StartError

_REQUESTS = Metric("openrum_requests_total", "counter", "Requests.", ("status",))
_SECONDS = Metric("openrum_request_duration_seconds", "histogram", "Time of a request.")
_WAITING = Metric("openrum_waiting", "gauge", "Requests that wait.")
_LOOPBACK = Address("127.0.0.1", 0)


def _samples() -> Iterator[Sample]:
    seconds = Histogram((0.1, 1))
    seconds.observe(0.5)
    yield Sample(_REQUESTS, 3, ("200",))
    yield Sample(_REQUESTS, 1, ("500",))
    yield Sample(_SECONDS, seconds)
    yield Sample(_WAITING, 7)


def _address(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr().out
    return printed.partition("metrics=")[2].split()[0]


async def _read(address: str) -> str:
    def read() -> str:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as response:
            text: str = response.read().decode()
        return text

    return await asyncio.to_thread(read)


async def test_the_page_has_the_samples_and_those_of_the_process(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with metrics_page(_LOOPBACK, _samples):
        page = await _read(_address(capsys))
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }

    assert values["openrum_requests_total", "200"] == 3
    assert values["openrum_requests_total", "500"] == 1
    assert values["openrum_request_duration_seconds_bucket", "0.1"] == 0
    assert values["openrum_request_duration_seconds_bucket", "+Inf"] == 1
    assert values["openrum_request_duration_seconds_sum",] == 0.5
    assert values["openrum_waiting",] == 7
    assert values["process_cpu_seconds_total",] > 0
    assert "# HELP openrum_requests_total Requests." in page


async def test_the_samples_are_read_on_the_event_loop(capsys: pytest.CaptureFixture[str]) -> None:
    found = []

    def samples() -> list[Sample]:
        found.append(asyncio.get_running_loop())
        return []

    async with metrics_page(_LOOPBACK, samples):
        await _read(_address(capsys))

    assert found == [asyncio.get_running_loop()]


async def test_an_address_in_use_names_the_setting() -> None:
    with _LOOPBACK.bind("OPENRUM_METRICS") as taken:
        taken.listen()
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(StartError, match=f"OPENRUM_METRICS: cannot listen on {address}: "):
            async with metrics_page(address, _samples):
                pass


async def test_a_rolling_process_serves_the_page_when_the_address_is_free(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with _LOOPBACK.bind("OPENRUM_METRICS") as taken:
        taken.listen()
        address = Address("127.0.0.1", taken.getsockname()[1])
        async with metrics_page(address, _samples, rolling=True):
            assert capsys.readouterr().out == ""
            taken.close()
            async with asyncio.timeout(30):
                while "metrics served" not in (printed := capsys.readouterr().out):
                    await asyncio.sleep(0.01)
            page = await _read(str(address))

    assert f"metrics={address}" in printed
    assert "openrum_waiting 7.0" in page


async def test_a_rolling_process_can_stop_while_the_address_is_in_use(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with _LOOPBACK.bind("OPENRUM_METRICS") as taken:
        taken.listen()
        address = Address("127.0.0.1", taken.getsockname()[1])
        async with metrics_page(address, _samples, rolling=True):
            pass

    assert capsys.readouterr().out == ""


async def test_without_an_address_nothing_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    async with metrics_page(None, _samples):
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("value", "worker", "address"),
    [
        ("", 0, None),
        ("9464", 0, "127.0.0.1:9464"),
        ("9464", 2, "127.0.0.1:9466"),
        ("0.0.0.0:9464", 0, "0.0.0.0:9464"),
        ("[::1]:9464", 1, "[::1]:9465"),
        ("127.0.0.1:0", 2, "127.0.0.1:0"),
    ],
)
def test_a_port_without_a_host_is_on_loopback_and_workers_add_their_number(
    value: str, worker: int, address: str | None
) -> None:
    parsed = OperatingSettings(metrics=value).metrics_address(worker)

    assert (str(parsed) if parsed else None) == address


def test_an_address_that_is_not_one_is_rejected() -> None:
    with pytest.raises(ValidationError, match="must be host:port"):
        OperatingSettings(metrics="localhost")
