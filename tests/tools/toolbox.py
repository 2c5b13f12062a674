"""Says where self-installed tools lie, installs each once, and what follows when one cannot be had."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = [
    "TOOLS",
    "ToolMissingError",
    "install_once",
    "locked",
    "package_path",
    "run_installer",
    "tools_needed",
]

TOOLS = Path(__file__).resolve().parents[2] / ".tools"
"""Where tools are kept: one folder of the checkout, ignored by git, removed by `make clean`."""

_NOT_TO_BE_HAD: dict[tuple[Path, str], str] = {}


class ToolMissingError(Exception):
    """A tool cannot be had on this machine; the message is one sentence saying what is missing."""


@contextmanager
def tools_needed() -> Iterator[None]:
    """Skips the test if a tool that the block asks for cannot be had, or fails it where CI=true."""
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
    """Holds the lock beside `target`: one process at a time works on it, others wait."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_once(target: Path, stamp: str, install: Callable[[Path], None]) -> Path:
    """Fills the folder `target` by `install(target)`, unless it was already filled for this `stamp`.

    A folder that was filled for another stamp, or only partly, is emptied first.
    Safe when several processes call it at once: the first installs, the others wait for it.
    A tool that could not be had is not tried again by this process: without a network each try
    would last as long as the installer's own retries.
    """
    done = target / ".installed"
    with locked(target):
        if done.is_file() and done.read_text() == stamp:
            return target
        if (target, stamp) in _NOT_TO_BE_HAD:
            raise ToolMissingError(_NOT_TO_BE_HAD[target, stamp])
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        try:
            install(target)
        except ToolMissingError as error:
            _NOT_TO_BE_HAD[target, stamp] = str(error)
            raise
        done.write_text(stamp)
    return target


def package_path(package: str, *parts: str) -> Path | None:
    """Returns a file inside an installed Python package, or None if there is none.

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
) -> None:
    """Runs one installing command to its end; if it fails, raises ToolMissingError.

    Args:
        command: Program and arguments.
        missing: The sentence for ToolMissingError; the command's last words are added to it.
        timeout_s: When to give up.
        env: The command's whole environment; by default this process's.
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
        last_words = " ".join(done.stdout.split())[-300:]
        raise ToolMissingError(f"{missing}: {last_words}")
