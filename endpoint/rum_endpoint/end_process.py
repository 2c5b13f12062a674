"""End the process at once, for a failure after which it could only look healthy."""

from __future__ import annotations

__all__ = ["SOFTWARE_FAULT", "end_process"]

import contextlib
import os
import select
from typing import NoReturn

SOFTWARE_FAULT = 70
"""The exit code, EX_SOFTWARE of sysexits.h."""
_STANDARD_ERROR = 2


def end_process(reason: str) -> NoReturn:
    """Print a line to standard error, if it takes one now, and exit. Safe on any thread."""
    with contextlib.suppress(Exception):
        if select.select([], [_STANDARD_ERROR], [], 0)[1]:
            os.write(_STANDARD_ERROR, f"Error: {reason}\n".encode())
    os._exit(SOFTWARE_FAULT)
