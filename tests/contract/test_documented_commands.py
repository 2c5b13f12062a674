"""Every `openrum` command in the guides exists, with the options that it is shown with."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from pathlib import Path

import click
import pytest

from rum_cli.__main__ import main

_ROOT = Path(__file__).parents[2]
_FILES = [
    _ROOT / "README.md",
    _ROOT / "proto" / "README.md",
    *sorted((_ROOT / "docs").rglob("*.md")),
    *sorted((_ROOT / "deploy").rglob("*.md")),
]
# A command in a block of a terminal, or between backticks in a text.
_IN_BLOCK = re.compile(r"^\$ ((?:.*\\\n)*.*)", re.MULTILINE)
_IN_TEXT = re.compile(r"`((?:\.venv/bin/)?openrum [^`]+)`")
_ENDS = {"|", "<", ">", "&&", ";", "&"}


def _documented() -> list[tuple[str, list[str]]]:
    """Return the arguments of each documented command, with the file that documents it."""
    found = []
    for file in _FILES:
        text = file.read_text()
        for line in [*_IN_BLOCK.findall(text), *_IN_TEXT.findall(text)]:
            words = shlex.split(line.replace("\\\n", " "), comments=True)
            # Before the last one, "openrum" is the name of a container.
            places = [at for at, word in enumerate(words) if Path(word).name == "openrum"]
            if places and words[:2] != ["docker", "build"]:
                rest = words[places[-1] + 1 :]
                end = next((n for n, word in enumerate(rest) if word in _ENDS), len(rest))
                found.append((str(file.relative_to(_ROOT)), rest[:end]))
    return found


def _parse(arguments: list[str]) -> None:
    """Raise click.UsageError for an unknown command or option."""
    command: click.Command = main
    context = click.Context(command, info_name="openrum")
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        found = command.get_command(context, name)
        if found is None:
            raise click.UsageError(f"no command {name}")
        command, context = found, click.Context(found, info_name=name, parent=context)
    with suppress(click.BadOptionUsage):  # a text may name an option without its value
        command.make_parser(context).parse_args(list(arguments))


@pytest.mark.parametrize(("file", "arguments"), _documented(), ids=str)
def test_a_documented_command_exists_with_its_options(file: str, arguments: list[str]) -> None:
    if "..." not in arguments and "COMMAND" not in arguments:
        _parse(arguments)


def test_commands_are_found() -> None:
    assert len(_documented()) > 100


@pytest.mark.parametrize("line", ["sent", "events shop --user x", "tail shop --unknown"])
def test_an_unknown_command_or_option_is_noticed(line: str) -> None:
    with pytest.raises(click.UsageError):
        _parse(line.split())
