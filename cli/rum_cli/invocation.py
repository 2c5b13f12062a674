"""Command lines for people to paste: they call `openrum` the way it was called."""

from __future__ import annotations

__all__ = ["command_line"]

import shlex
import shutil
import sys
from pathlib import Path


def command_line(*arguments: str) -> str:
    """Return a line that runs `openrum` with these arguments in the same folder."""
    return " ".join([_program(), *(shlex.quote(argument) for argument in arguments)])


def _program() -> str:
    called = sys.argv[0]
    if Path(called).name != "openrum":
        return f"{shlex.quote(sys.executable)} -m rum_cli"
    found = shutil.which("openrum")
    if found and Path(found).resolve() == Path(called).resolve():
        return "openrum"
    return shlex.quote(called)
