"""A forked command behaves like a new process."""

from __future__ import annotations

import socket
from pathlib import Path
from subprocess import TimeoutExpired

import pytest

from tests.support.command_server import command_server
from tests.support.running import environment, run_in_new_process, run_openrum


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
