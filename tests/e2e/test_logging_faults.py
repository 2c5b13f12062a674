"""Logging stops nothing: full and closed pipes, lines that cannot be rendered, outages."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import structlog

from rum_cli.log_repeats import Repeats
from rum_cli.log_writer import LogWriter
from tests.support.batches import batch, new_id
from tests.support.metrics import page_addresses, read_values
from tests.support.running import OpenRum, wait_until


class Clock:
    """A clock that stands still until a test moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Recorded:
    """A logger that keeps what was logged."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def error(self, event: str, **members: object) -> None:
        self.lines.append({"event": event, **members})

    info = error


def passes(repeats: Repeats, event: str, **members: object) -> bool:
    """Return whether a line is written."""
    try:
        repeats(None, "error" if "exc_info" in members else "info", {"event": event, **members})
    except structlog.DropEvent:
        return False
    return True


def test_an_outage_is_one_traceback_and_then_a_count() -> None:
    clock, logger = Clock(), Recorded()
    repeats = Repeats(clock, window_s=10)
    error = OSError("down")
    written = [passes(repeats, "commit failed", exc_info=error) for _ in range(1000)]
    repeats.report(logger)
    clock.now = 10
    repeats.report(logger)
    continued = passes(repeats, "commit failed", exc_info=error)
    clock.now = 20
    repeats.report(logger)
    clock.now = 30
    repeats.report(logger)

    assert written == [True] + [False] * 999
    assert not continued
    assert logger.lines == [
        {"event": "commit failed", "repeated": 999, "exception": "OSError"},
        {"event": "commit failed", "repeated": 1, "exception": "OSError"},
    ]
    assert passes(repeats, "commit failed", exc_info=error)


def test_lines_of_other_kinds_are_written_during_an_outage() -> None:
    repeats = Repeats(Clock(), max_lines=2)
    rejected = [passes(repeats, "call rejected") for _ in range(4)]

    assert passes(repeats, "commit failed", exc_info=OSError())
    assert passes(repeats, "commit failed", exc_info=ValueError())
    assert rejected == [True, True, False, False]


def test_lines_that_are_sampled_are_all_written() -> None:
    repeats = Repeats(Clock(), sampled={"request"}, max_lines=2)

    assert all(passes(repeats, "request") for _ in range(10))


def test_a_full_pipe_drops_and_counts_lines_and_the_count_is_reported_later() -> None:
    reading, writing = os.pipe()
    reported: list[int] = []
    writer = LogWriter(writing, report_dropped=reported.append, max_lines=100)
    for number in range(2000):
        writer.msg(f"{number} {'x' * 1000}")
    dropped = writer.dropped
    received: list[bytes] = []
    reader = threading.Thread(
        target=lambda: received.extend(iter(lambda: os.read(reading, 1 << 16), b""))
    )
    reader.start()
    wait_until(lambda: reported)
    writer.drain(10)
    os.close(writing)
    reader.join(10)
    os.close(reading)
    lines = b"".join(received).splitlines()

    assert 1000 < dropped < 2000
    assert sum(reported) == writer.dropped
    assert len(lines) == 2000 - writer.dropped


def test_lines_to_a_closed_pipe_are_counted() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    writer = LogWriter(writing, report_dropped=lambda _: None)
    for _ in range(3):
        writer.msg("line")
    writer.drain(10)
    os.close(writing)

    assert writer.dropped == 3


def test_a_line_that_cannot_be_rendered_does_not_raise() -> None:
    program = (
        "import structlog\n"
        "from rum_cli.process import configure_logs\n"
        "class Broken:\n"
        "    def __repr__(self): raise MemoryError\n"
        "configure_logs()\n"
        "logger = structlog.get_logger()\n"
        "logger.info('first', value=Broken())\n"
        "logger.info('second')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert [json.loads(line)["event"] for line in run.stderr.splitlines()] == ["second"]


class Unread(OpenRum):
    """`openrum up` whose output is read until it is ready, and then no more."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], **settings: str) -> None:
        self.arguments = arguments
        super().__init__(folder, **settings)

    def close_output(self) -> None:
        """Close the end of the pipe that this process reads."""
        assert self._process.stdout
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, self._process.stdout.fileno())
        os.close(nowhere)

    def fill_output(self) -> None:
        """Write to the pipe until nothing fits."""
        descriptor = os.open(f"/proc/{self.pid}/fd/2", os.O_WRONLY | os.O_NONBLOCK)
        for size in (4096, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(descriptor, b"x" * size)
        os.close(descriptor)

    def _read(self, ready: threading.Event) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.output.append(line)
            if self._is_ready(line):
                break
        ready.set()


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")], ids=["one-process", "workers"])
@pytest.mark.parametrize("fault", ["closed", "full"])
def test_output_that_is_closed_or_full_stops_no_put(
    tmp_path: Path, fault: str, arguments: tuple[str, ...]
) -> None:
    with Unread(tmp_path, arguments) as server:
        if fault == "closed":
            server.close_output()
        else:
            server.fill_output()
        # Each unknown app monitor is logged as a rejected call.
        unknown = {server.get(f"/appmonitor/{new_id()}")[0] for _ in range(20)}
        statuses = {
            server.post(f"/appmonitors/{server.monitor_id()}", batch())[0] for _ in range(20)
        }

        assert unknown == {404}
        assert statuses == {200}
        assert server.stop() == 0


def test_a_metric_counts_the_lines_that_were_dropped(tmp_path: Path) -> None:
    with Unread(tmp_path, (), OPENRUM_METRICS="127.0.0.1:0") as server:
        (address,) = page_addresses(server)
        dropped = ("openrum_log_dropped_lines_total",)
        before = read_values(address)[dropped]
        server.close_output()
        server.get(f"/appmonitor/{new_id()}")  # is logged
        wait_until(lambda: read_values(address)[dropped] > before)

        assert before == 0
        assert server.stop() == 0


def test_an_outage_of_the_store_is_logged_in_a_few_lines(tmp_path: Path) -> None:
    with OpenRum(tmp_path) as server:
        monitor_id = server.monitor_id()
        breaking = sqlite3.connect(server.database)
        breaking.execute("ALTER TABLE batches RENAME TO other")
        breaking.close()
        statuses = {server.post(f"/appmonitors/{monitor_id}", batch())[0] for _ in range(300)}
        output = "".join(server.output)

        assert statuses == {500}
        assert output.count("Traceback") <= 2  # of the kinds of failure, each once
        assert len(output) < 100_000
        assert server.stop() == 0
        assert '"repeated": 299' in "".join(server.output)
