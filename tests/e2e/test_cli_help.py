"""The help of the command: complete, up to date and 80 columns wide."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from rum_bridge.settings import BridgeSettings
from rum_cli.__main__ import main
from rum_cli.commands import SECTIONS
from rum_projector.settings import ProjectorSettings
from rum_service.settings import ServiceSettings
from tests.support.running import environment, run_openrum


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every command, `()` for `openrum` itself."""
    yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            subcommand = command.commands[name]
            yield from _commands(subcommand, (*path, name))


_PATHS = list(_commands(main))


def _help(*path: str) -> str:
    result = CliRunner().invoke(main, [*path, "--help"], prog_name="openrum")
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: " ".join(path) or "openrum")
def test_the_help_of_a_command_fits_80_columns_and_is_not_cut(path: tuple[str, ...]) -> None:
    text = _help(*path)

    assert text.startswith(f"Usage: {' '.join(('openrum', *path))} ")
    assert max(map(len, text.splitlines())) <= 80
    # click ends a truncated summary with three dots.
    summaries = text.partition("\nCommands:\n")[2].splitlines()
    assert [line for line in summaries if line.endswith("...")] == []


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        ("up", [ServiceSettings, BridgeSettings, ProjectorSettings]),
        ("service", [ServiceSettings]),
        ("bridge", [BridgeSettings]),
        ("projector run", [ProjectorSettings]),
    ],
)
def test_the_help_of_a_server_lists_its_settings(command: str, settings: list[type]) -> None:
    listed = _help(*command.split()).partition("\nEnvironment:\n")[2]
    names = {line.split()[0] for line in listed.splitlines() if line.startswith("  OPENRUM_")}

    assert names == {
        f"OPENRUM_{name.upper()}"
        for kind in settings
        for name in kind.model_fields  # type: ignore[attr-defined]
    }


_OF_CLIENTS = [path for path in _PATHS if len(path) == 2 and path[0] not in ("db", "projector")]


@pytest.mark.parametrize("path", _OF_CLIENTS, ids=" ".join)
def test_the_help_of_a_client_command_lists_the_connection_options(path: tuple[str, ...]) -> None:
    listed = _help(*path).partition("\nEnvironment:\n")[2]

    assert "OPENRUM_SERVICE " in listed
    assert "OPENRUM_OPERATOR_TOKEN_FILE " in listed


def test_every_command_module_is_in_the_list_of_commands() -> None:
    names = [summary.name for section in SECTIONS.values() for summary in section]

    assert [main.commands[name].name for name in names] == names  # type: ignore[attr-defined]


def test_the_list_of_commands_imports_neither_grpc_nor_a_server() -> None:
    code = (
        "import sys; from rum_cli.__main__ import main; main(['--help'], standalone_mode=False);"
        "print({'grpc', 'rich', 'pydantic', 'rum_service', 'rum_bridge'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("path", [("up",), ("monitors",), ("monitors", "update"), ("help",)])
def test_help_prints_the_help_of_a_command(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, ["help", *path], prog_name="openrum")

    assert (result.exit_code, result.output) == (0, _help(*path))


def test_help_alone_prints_the_list_of_commands() -> None:
    result = CliRunner().invoke(main, ["help"], prog_name="openrum")

    assert (result.exit_code, result.output) == (0, _help())


@pytest.mark.parametrize("path", [("nope",), ("monitors", "nope"), ("send", "nope")])
def test_help_for_an_unknown_command_is_wrong_usage(path: tuple[str, ...]) -> None:
    ran = run_openrum("help", *path)

    assert ran.returncode == 2
    assert "nope" in ran.stderr.splitlines()[-1]
