"""Keeps a projection in step with its log, on a thread."""

from __future__ import annotations

__all__ = ["Runner", "collect_rarely", "rebuild_marker"]

import gc
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import DBAPIError

from rum_projector.engines.base import BrokenError
from rum_projector.projection import Projection
from rum_service.storage.damage import advice_for
from rum_service.storage.database_lock import LockLostError

logger = structlog.get_logger()

# Small commits cost 47 µs per event. One commit per second costs 7 µs per event (2026-11).
_INTERVAL_S = 1.0
_RETRY_S = 5.0
_CLEANING_S = 60.0
_SUMMING_S = 60.0
_REMOVING_S = 600.0
_LOCK_CHECK_S = 5.0
_STOP_S = 20.0


def rebuild_marker(projection: Path) -> Path:
    """Return the file whose existence asks for a rebuild: it survives a crash of the projector."""
    return projection.with_name(f"{projection.name}.rebuild")


def collect_rarely() -> None:
    """Let the garbage collector of this process run less often.

    Rows are many objects without reference cycles. Looking for cycles among them took a fifth of
    the time.
    """
    gc.set_threshold(200_000, 20, 20)


class Runner:
    """The context manager projects on its own thread until it ends.

    Args:
        hold: makes sure that this process holds the lock of the database.
        marker: if this file exists, the projection is built again. It is created if the projection
            is damaged.
        fail: is called on the thread when the projection cannot be written.
    """

    def __init__(
        self,
        projection: Projection,
        *,
        hold: Callable[[], object],
        marker: Path,
        fail: Callable[[Exception], object],
    ) -> None:
        self._projection = projection
        self._hold = hold
        self._marker = marker
        self._fail = fail
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        collect_rarely()
        try:
            self._projection.start()
            self._repeat()
        except BrokenError as error:
            self._marker.touch()  # the next process sets the file aside
            self._fail(error)
        except Exception as error:
            self._fail(error)

    def _repeat(self) -> None:
        cleaned_s = removed_s = held_s = time.monotonic()
        summed_s = -math.inf
        while not self._stop.is_set():
            began_s = time.monotonic()
            if self._marker.exists():
                logger.info("projection is built again")
                self._projection.rebuild()
                self._marker.unlink(missing_ok=True)
            try:
                if began_s - held_s > _LOCK_CHECK_S:
                    self._hold()
                    held_s = began_s
                more = self._projection.step()
                if began_s - cleaned_s > _CLEANING_S:
                    self._projection.delete_absent()
                    cleaned_s = began_s
                if began_s - removed_s > _REMOVING_S:
                    self._projection.delete_removed()
                    removed_s = began_s
            except DBAPIError as error:
                reason = type(error.orig).__name__
                logger.error("log cannot be read", reason=reason, **advice_for(error))
                self._stop.wait(_RETRY_S)
                continue
            except LockLostError as error:
                logger.error("database does not answer", reason=str(error))
                self._stop.wait(_RETRY_S)
                continue
            if not more and began_s - summed_s > _SUMMING_S:
                more = self._projection.add_up_hours()
                summed_s = -math.inf if more else began_s
            if not more:
                self._stop.wait(max(0.0, began_s + _INTERVAL_S - time.monotonic()))
