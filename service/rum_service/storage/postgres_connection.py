"""Connections to PostgreSQL that give up on a server that does not answer.

A host that vanished, or a standby that does not confirm, must not stop the one thread that writes.
"""

from __future__ import annotations

__all__ = ["BoundedConnection", "NoAnswerError", "NotConfirmedError", "connect"]

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")

# A host that vanished costs at most 15 s, connecting to another one included.
_LINK = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 9000,  # milliseconds, for data that the host does not acknowledge
    # After a failover, the old server may accept connections but no writes.
    "target_session_attrs": "read-write",
    # By default it is the encoding of the database. With SQL_ASCII, texts would be bytes.
    "client_encoding": "utf8",
    "fallback_application_name": "openrum",
}


class NoAnswerError(psycopg.OperationalError):
    """The server did not answer in time, and the connection is closed. The outcome is unknown."""


class NotConfirmedError(psycopg.OperationalError):
    """The transaction is committed here, but a synchronous standby may not have it."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose statements have a deadline, and which remembers a warning.

    The deadline works with any kind of silence: a proxy's kernel acknowledges data that the server
    never receives. It needs no thread: psycopg wakes up ten times a second while it waits.
    """

    statement_timeout_s: float | None = None
    """How long a statement may take. None: any time."""
    _warning: str | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        limit = self.statement_timeout_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except psycopg.errors._WaitTimeout:
            self.close()
            raise NoAnswerError(f"no answer in {limit:g} seconds") from None

    def remember_warning(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        """Remember a message of the server if it is a warning."""
        # Not the text, which depends on lc_messages. A statement of the service causes no other.
        if diagnostic.severity_nonlocalized == "WARNING":
            self._warning = diagnostic.message_primary

    def check_confirmed(self) -> None:
        """Raise NotConfirmedError if the server warned since the last check.

        A commit whose wait for a standby is canceled succeeds, with a warning.
        """
        warning, self._warning = self._warning, None
        if warning:
            raise NotConfirmedError(warning)


def connect(statement_timeout_s: float | None, *args: Any, **parameters: Any) -> BoundedConnection:
    """Open a connection. Parameters in the URL replace those of this module."""
    connection = BoundedConnection.connect(*args, **{**_LINK, **parameters})
    connection.statement_timeout_s = statement_timeout_s
    connection.add_notice_handler(connection.remember_warning)
    return connection
