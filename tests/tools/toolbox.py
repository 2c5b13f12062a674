"""Installs each tool once, below one folder, and skips the tests whose tool is missing."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = [
    "TOOLS",
    "ToolMissingError",
    "announce",
    "install_once",
    "locked",
    "package_path",
    "run_installer",
    "tools_needed",
]

TOOLS = Path(__file__).resolve().parents[2] / ".tools"
"""Folder of the tools: inside the checkout, ignored by git, removed by `make clean`."""

_FAILED: dict[tuple[Path, str], str] = {}


class ToolMissingError(Exception):
    """A tool is missing on this machine; the message is one sentence that names it."""


def announce(sentence: str) -> None:
    """Print what is about to be installed. `make test` shows it; pytest alone captures it."""
    print(sentence, file=sys.stderr, flush=True)


@contextmanager
def tools_needed() -> Iterator[None]:
    """Skip the test if the block raises ToolMissingError; with CI=true, fail it."""
    missing = ""
    try:
        yield
    except ToolMissingError as error:
        missing = str(error)
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the lock beside `target`, so that one process at a time works on it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_once(target: Path, stamp: str, install: Callable[[Path], None]) -> Path:
    """Fill the folder `target` by `install(target)`, unless it was already filled for this `stamp`.

    A folder that was filled for another stamp, or only partly, is emptied first.
    Several processes may call it at once: the first installs, the others wait.
    A process does not try a failed install again: without a network, each try would last as long
    as the installer's own retries.
    """
    done = target / ".installed"
    with locked(target):
        if done.is_file() and done.read_text() == stamp:
            return target
        if (target, stamp) in _FAILED:
            raise ToolMissingError(_FAILED[target, stamp])
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        try:
            install(target)
        except ToolMissingError as error:
            _FAILED[target, stamp] = str(error)
            raise
        done.write_text(stamp)
    return target


def package_path(package: str, *parts: str) -> Path | None:
    """Return a file inside an installed Python package, or None if there is none.

    The package is only looked up, never imported, so its import-time effects stay away.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, *parts)
        if path.exists():
            return path
    return None


def run_installer(
    command: Sequence[str | Path],
    missing: str,
    *,
    timeout_s: float = 600,
    env: dict[str, str] | None = None,
) -> str:
    """Run one installing command to its end and return its output.

    Args:
        command: Program and arguments.
        missing: Text of the ToolMissingError; the end of the command's output is added to it.
        timeout_s: Time limit in seconds.
        env: The command's whole environment; this process's by default.

    Raises:
        ToolMissingError: The command failed or took too long.
    """
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            text=True,
            env=env,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissingError(f"{missing}: {error}") from error
    if done.returncode != 0:
        last_output = " ".join(done.stdout.split())[-300:]
        raise ToolMissingError(f"{missing}: {last_output}")
    return done.stdout
