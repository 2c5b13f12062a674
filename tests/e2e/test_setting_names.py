"""A variable that starts with OPENRUM_ and that no process reads is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from rum_cli.client import CLIENT_ENVIRONMENT
from rum_cli.setting_names import COMMAND_NAMES
from tests.support.running import OpenRum, run_openrum


@pytest.mark.parametrize("command", [["up"], ["service"], ["bridge"], ["monitors", "list"]])
def test_a_misspelled_setting_is_reported_with_the_right_name(
    tmp_path: Path, command: list[str]
) -> None:
    ran = run_openrum(*command, cwd=tmp_path, OPENRUM_MAX_BODY_BYTE="1")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[-1] == (
        "Error: OPENRUM_MAX_BODY_BYTE: there is no such setting; did you mean"
        " OPENRUM_MAX_BODY_BYTES?"
    )


def test_a_name_like_no_setting_is_reported_with_where_to_look(tmp_path: Path) -> None:
    ran = run_openrum("service", cwd=tmp_path, openrum_xyzzy="1")

    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == (
        "Error: openrum_xyzzy: there is no such setting; `openrum help up` lists the settings"
    )


def test_the_help_is_printed_in_spite_of_an_unknown_setting() -> None:
    ran = run_openrum("help", "up", OPENRUM_XYZZY="1")

    assert ran.returncode == 0
    assert "OPENRUM_DATABASE_URL" in ran.stdout


def test_the_names_of_other_processes_are_accepted(tmp_path: Path) -> None:
    with OpenRum(tmp_path, OPENRUM_TOKEN="t", OPENRUM_TOKEN_FILE="f") as server:
        listed = run_openrum(
            "monitors",
            "list",
            cwd=tmp_path,
            OPENRUM_SERVICE=server.grpc,
            OPENRUM_MAX_EVENTS="5",
            OPENRUM_HTTP="127.0.0.1:1",
        )
        assert server.stop() == 0

    assert (listed.returncode, listed.stderr) == (0, "")


def test_every_variable_in_the_help_of_commands_is_accepted() -> None:
    assert {name for name, _ in CLIENT_ENVIRONMENT} <= COMMAND_NAMES
