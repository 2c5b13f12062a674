"""Exit codes, and the one line that a command prints when it cannot do its work."""

from __future__ import annotations

__all__ = ["NO_SERVICE", "REJECTED", "WRONG_USAGE", "Failure"]

import click

REJECTED = 1
WRONG_USAGE = 2
NO_SERVICE = 3


class Failure(click.ClickException):
    """Ends the command with the line `Error: MESSAGE` and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click declares it for the class
