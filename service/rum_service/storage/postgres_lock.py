"""An advisory lock in PostgreSQL, on a separate connection.

The server releases it when the connection ends, so a process that is killed keeps no lock.
"""

from __future__ import annotations

__all__ = ["PostgresLock"]

from contextlib import suppress

import psycopg
from sqlalchemy.engine import URL

from rum_service.storage.database_lock import LockHeldError, LockLostError, holder_name
from rum_service.storage.postgres_connection import BoundedConnection, connect

_TIMEOUT_S = 5.0
_MAX_NAME = 63  # of application_name
# The server notices within 25 s that the holder's host has vanished.
_OPTIONS = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    " -c idle_session_timeout=0 -c statement_timeout=0"  # an administrator may have set them
)
# pg_locks shows a key of 64 bits in two parts.
_HOLDER = """
SELECT coalesce(nullif(activity.application_name, ''), 'process ' || pid || ' of the database')
FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid = 0 AND objid = %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class PostgresLock:
    """Implements `DatabaseLock`. Use it on one thread at a time.

    Args:
        key: identifies the lock in the database, below 2**31.
        name: the kind of process, such as "projector", for messages to other processes.
    """

    def __init__(self, url: URL, *, key: int, name: str) -> None:
        self._url = url
        self._key = key
        self._name = holder_name(name)[:_MAX_NAME]
        self._connection: BoundedConnection | None = None

    def hold(self) -> None:
        try:
            if self._connection is None:
                self._take()
            else:
                self._connection.execute("SELECT 1")
        except psycopg.Error as error:
            self.close()
            raise LockLostError(type(error).__name__) from error

    def close(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _take(self) -> None:
        arguments, parameters = self._url.get_dialect()().create_connect_args(self._url)
        own = {"autocommit": True, "application_name": self._name, "options": _OPTIONS}
        connection = connect(_TIMEOUT_S, *arguments, **{**parameters, **own})
        try:
            (is_taken,) = self._row(connection, "SELECT pg_try_advisory_lock(%s)")
            if not is_taken:
                (holder,) = self._row(connection, _HOLDER) or ("a process that has just ended",)
                raise LockHeldError(holder)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _row(self, connection: BoundedConnection, statement: str) -> tuple[object, ...]:
        return connection.execute(statement, [self._key]).fetchone() or ()
