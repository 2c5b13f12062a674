"""The first steps of the README, in a fresh clone of this repository."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.running import wait_until

_ROOT = Path(__file__).parents[2]
_SETUP_TIMEOUT_S = 600


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with only the committed files."""
    folder = tmp_path / "openrum"
    subprocess.run(["git", "clone", "-q", _ROOT, folder], check=True)
    return folder


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a user: without this test run's Python, and with free addresses."""
    removed = ("OPENRUM_", "VIRTUAL_ENV", "PYTHON", "MAKE", "MFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
    path = [part for part in kept["PATH"].split(os.pathsep) if ".venv" not in part]
    return {
        **kept,
        "PATH": os.pathsep.join(path),
        "OPENRUM_HTTP": _free_address(),
        "OPENRUM_GRPC": _free_address(),
    }


@contextmanager
def _make_run(
    clone: Path, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Yield `make run`, in its own process group, and the file with its output."""
    log = clone.parent / "log"
    with log.open("w") as output:
        make = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        yield make, log
    finally:
        if make.poll() is None:
            os.killpg(make.pid, signal.SIGKILL)
            make.wait()


def _server_of(make: subprocess.Popen[str]) -> int:
    """Return the process ID of the server, which is the only child of make."""
    children = Path(f"/proc/{make.pid}/task/{make.pid}/children").read_text().split()
    (server,) = children
    return int(server)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
def test_two_commands_and_the_printed_lines_work_in_a_fresh_clone(
    clone: Path, environment: dict[str, str]
) -> None:
    with _make_run(clone, environment) as (make, log):
        wait_until(
            lambda: "Connect your clients:" in log.read_text() or make.poll() is not None,
            timeout_s=_SETUP_TIMEOUT_S,
        )
        printed = log.read_text().splitlines()
        assert make.poll() is None, log.read_text()
        curl = next(line for line in printed if line.startswith("curl "))
        sample = next(line for line in printed if line.startswith(".venv/bin/openrum send"))
        response = _run_line(curl, clone, environment)
        sent = _run_line(sample, clone, environment)
        events = sent.splitlines()[-1].removeprefix("See the stored events: ")
        table = _run_line(events, clone, environment)
        documents = _run_line(f"{events} --json", clone, environment).splitlines()
        os.kill(_server_of(make), signal.SIGTERM)
        code = make.wait(60)

    assert response.startswith("HTTP/1.1 200 OK")
    assert sent.startswith("Batches: 1 stored, ")
    assert "TypeError: Cannot read properties of undefined" in table
    assert len(documents) == 6
    assert json.loads(documents[-1])["event_details"] == {"version": "1.0.0", "pageId": "/"}
    assert code == 0, log.read_text()
    assert (clone / "var" / "openrum.sqlite3").is_file()
    assert _run_line("git status --porcelain", clone, environment) == ""


def _run_line(line: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a shell line as a user would and return its output."""
    done = subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout
