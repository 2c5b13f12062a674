"""How a command ends when it cannot do its work: one line, and an exit code."""

from __future__ import annotations

__all__ = ["NO_SERVICE", "REFUSED", "WRONG_USAGE", "Failure"]

import click

REFUSED = 1
WRONG_USAGE = 2
NO_SERVICE = 3


class Failure(click.ClickException):
    """Ends the command with `Error: message` and the exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click declares it for the class
