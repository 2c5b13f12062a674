"""Maintains the log once a minute, in a separate thread because a step may take minutes."""

from __future__ import annotations

__all__ = ["LogMaintenance"]

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

logger = structlog.get_logger()

_INTERVAL_S = 60.0
# At a stop, wait this long for the current step. A longer step ends with the process.
_STOP_S = 2.0


class LogMaintenance:
    """A context manager that calls `maintain` immediately, and then once per interval.

    Args:
        maintain: blocks. If it fails, it is called again after `interval_s`.
    """

    def __init__(self, maintain: Callable[[], None], *, interval_s: float = _INTERVAL_S) -> None:
        self._maintain = maintain
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log maintenance", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while True:
            try:
                self._maintain()
            except Exception as error:
                # Not the text, which can contain names of the operator's database.
                logger.warning("log not maintained; trying again", error=type(error).__name__)
            if self._stopping.wait(self._interval_s):
                return
