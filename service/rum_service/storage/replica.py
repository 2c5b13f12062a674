"""Reads the log from a standby of PostgreSQL, and tells how far behind it is."""

from __future__ import annotations

__all__ = ["SqlReplica"]

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from rum_service.storage.base import ReplicaUnavailableError
from rum_service.storage.damage import DamagedBatches
from rum_service.storage.database import Database
from rum_service.storage.records import FoundBatches
from rum_service.storage.sql_reads import LogReader

_POSITION = text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
# The age is at least the lag: older transactions have been replayed.
_REPLAYED = text("""
SELECT pg_is_in_recovery(),
       pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint,
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8
""")
# These span at least a minute. Older positions give no better limit than the age.
_POSITIONS = 240
_POSITION_AGE_S = 0.25


class SqlReplica:
    """Implements `Replica`.

    The primary's position in its write-ahead log is read with the lag, at most four times a second.
    The standby has everything up to a position that it has replayed, so it is at most as far
    behind as that position is old. This holds while nothing is stored, too.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        primary: Database,
        replica: Database,
        damaged: DamagedBatches,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._clock = clock
        self._log = LogReader(replica, damaged)
        self._positions: deque[tuple[float, int]] = deque(maxlen=_POSITIONS)

    def lag_s(self) -> float:
        self._note_position()
        now = self._clock()
        try:
            with self._replica.read() as connection:
                is_standby, replayed, age_s = connection.execute(_REPLAYED).one()
        except SQLAlchemyError as error:
            raise ReplicaUnavailableError(type(error).__name__) from None
        if not is_standby:  # it has been promoted
            return 0.0
        bounds = [now - noted for noted, position in self._positions.copy() if position <= replayed]
        if age_s is not None:
            bounds.append(age_s)
        if not bounds:
            raise ReplicaUnavailableError("nothing replayed yet")
        return max(0.0, min(bounds))

    def read(self, app_monitor: int, **bounds: Any) -> FoundBatches:
        try:
            return self._log.read(app_monitor, **bounds)
        except SQLAlchemyError as error:
            raise ReplicaUnavailableError(type(error).__name__) from None

    def close(self) -> None:
        self._replica.close()

    def _note_position(self) -> None:
        now = self._clock()
        if self._positions and now - self._positions[-1][0] < _POSITION_AGE_S:
            return
        # Without the primary, older positions and the age still bound the lag.
        with suppress(SQLAlchemyError), self._primary.read() as connection:
            self._positions.append((now, connection.execute(_POSITION).scalar_one()))
