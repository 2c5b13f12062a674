"""A share of the requests is logged, chosen by their IDs."""

from __future__ import annotations

import subprocess
import sys
import uuid
from time import perf_counter

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from rum_endpoint.operating import OperatingSettings
from rum_endpoint.request_log import RequestLog


def _logged(part: str, share: float, ids: list[str]) -> list[str]:
    log = RequestLog(part, share)  # type: ignore[arg-type]
    with capture_logs() as lines:
        for request_id in ids:
            log.write(request_id, "PutRumEvents", perf_counter(), "accepted", events=3)
    return [line["request_id"] for line in lines]


def test_both_parts_log_the_same_share_of_the_requests() -> None:
    ids = [str(uuid.UUID(int=number * 7919, version=4)) for number in range(5000)]
    of_bridge, of_service = _logged("bridge", 0.1, ids), _logged("service", 0.1, ids)

    assert of_bridge == of_service
    assert len(of_bridge) == pytest.approx(500, rel=0.2)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (1.0, 100)])
def test_none_or_all_requests_can_be_logged(share: float, count: int) -> None:
    assert len(_logged("bridge", share, [str(uuid.uuid4()) for _ in range(100)])) == count
    assert RequestLog("bridge", share).is_on == bool(count)


def test_a_line_has_the_outcome_and_the_duration() -> None:
    with capture_logs() as lines:
        RequestLog("service", 1.0).write("an-id", "GetAppMonitor", perf_counter(), "OK")

    (line,) = lines
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "part": "service",
        "request_id": "an-id",
        "operation": "GetAppMonitor",
        "outcome": "OK",
    }


def test_traces_without_their_packages_are_an_error_at_the_start() -> None:
    program = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from rum_endpoint.operating import OperatingSettings\n"
        "from rum_endpoint.request_log import RequestLog\n"
        "RequestLog.of('bridge', OperatingSettings(traces='http://127.0.0.1:4318/v1/traces'))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert "StartError: OPENRUM_TRACES needs the packages of openrum[traces]" in ran.stderr


def test_traces_that_are_not_a_url_are_rejected() -> None:
    with pytest.raises(ValidationError):
        OperatingSettings(traces="127.0.0.1:4318")
