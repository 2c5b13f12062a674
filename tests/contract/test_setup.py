"""The lock files and the check of the Python version, which `make` uses to set up `.venv`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_LOCKS = ("requirements.lock", "requirements-dev.lock")


def _lines(lock: str) -> list[str]:
    return (_ROOT / lock).read_text().splitlines()


def test_the_lock_of_the_server_is_part_of_the_lock_of_the_tests() -> None:
    server, everything = map(_lines, _LOCKS)

    assert set(server) < set(everything)


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_lock_holds_only_names_with_exact_versions(lock: str) -> None:
    """No registry, no path and no address of a package."""
    for line in _lines(lock):
        requirement, _, marker = line.partition(" ; ")

        assert requirement.count("==") == 1
        assert "/" not in line
        assert "@" not in requirement
        assert not marker or "'" in marker


def _check(python: str) -> tuple[int, str]:
    done = subprocess.run(
        ["make", "-s", "python", f"PYTHON={python}"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()[0] if done.stderr else ""


def test_an_old_python_is_named_with_the_version_that_is_needed(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit 0\nexit 1\n')
    old.chmod(0o755)

    message = f"OpenRUM needs Python 3.11 or later, but {old} is Python 3.9.2."
    assert _check(str(old)) == (2, message)


def test_a_missing_python_is_named() -> None:
    message = "OpenRUM needs Python 3.11 or later, but no-such-python is missing."
    assert _check("no-such-python") == (2, message)


def test_the_python_of_the_tests_is_new_enough() -> None:
    assert _check(sys.executable) == (0, "")
