"""The service maintains the log again and again, whatever happens."""

from __future__ import annotations

import threading

from structlog.testing import capture_logs

from rum_service.ingest.log_maintenance import LogMaintenance
from tests.support.running import wait_until


def test_the_log_is_maintained_again_after_a_failure() -> None:
    calls: list[int] = []

    def maintain() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise RuntimeError("secret")

    with capture_logs() as logs, LogMaintenance(maintain, interval_s=0.001):
        wait_until(lambda: len(calls) >= 3)
    ended = len(calls)

    assert [(line["log_level"], line["error"]) for line in logs] == [("warning", "RuntimeError")]
    assert "secret" not in str(logs)
    assert len(calls) == ended


def test_stopping_does_not_wait_for_the_next_time() -> None:
    maintained = threading.Event()
    with LogMaintenance(maintained.set, interval_s=3600) as maintenance:
        assert maintained.wait(10)

    assert not maintenance._thread.is_alive()
