"""A forked command behaves like a new process."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from subprocess import TimeoutExpired

import pytest

from tests.support.command_server import command_server
from tests.support.running import Bridge, environment, run_in_new_process, run_openrum


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["--version"], ""),
        (["bogus"], ""),
        (["send", "-"], "no JSON"),
    ],
    ids=str,
)
def test_a_fork_prints_and_returns_what_a_new_process_does(
    tmp_path: Path, arguments: list[str], stdin: str
) -> None:
    settings = {"OPENRUM_DATABASE_URL": "sqlite:///none", "OPENRUM_SERVICE": "127.0.0.1:1"}
    forked = run_openrum(*arguments, stdin=stdin, cwd=tmp_path, **settings)
    new = run_in_new_process(*arguments, stdin=stdin, cwd=tmp_path, **settings)

    assert (forked.returncode, forked.stdout, forked.stderr) == (
        new.returncode,
        new.stdout,
        new.stderr,
    )


def test_a_command_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutExpired):
        command_server().run(
            ("monitors", "list"),
            environment=environment(OPENRUM_SERVICE=f"127.0.0.1:{silent.getsockname()[1]}"),
            folder=tmp_path,
            stdin="",
            timeout_s=0.2,
        )


def test_a_forked_server_has_its_own_process_and_ends_with_the_code_of_its_signal(
    tmp_path: Path,
) -> None:
    with Bridge(tmp_path, OPENRUM_SERVICE="127.0.0.1:1") as bridge:
        first, (status, _) = bridge.pid, bridge.get("/healthz")
        stopped = bridge.stop()
        bridge.start()
        second, killed = bridge.pid, bridge.kill()

    assert status == 200
    assert first != second
    assert (stopped, killed) == (0, -signal.SIGKILL)
    assert "Traceback" not in "".join(bridge.output)
