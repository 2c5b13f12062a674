"""A put that has arrived, in whole or in part, and has not been parsed."""

from __future__ import annotations

__all__ = ["Connection", "HeldPut"]

from typing import Protocol

from rum_bridge.errors import HttpError
from rum_bridge.puts.accounting import PutInProgress
from rum_bridge.puts.raw_request import RawPut
from rum_bridge.request_id import new_request_id


class Connection(Protocol):
    """The connection that a held put came from. One of these methods is called, once."""

    def continue_held(self) -> None:
        """Parse the put."""

    def reject_held(self) -> None:
        """Respond with 429."""


class HeldPut:
    """The put."""

    __slots__ = ("connection", "error", "line", "pieces", "put", "raw", "received", "rest", "size")

    def __init__(
        self, connection: Connection, raw: RawPut, line: str, error: HttpError | None = None
    ) -> None:
        self.connection: Connection | None = connection
        """None once the put has been parsed or rejected, or its client has disconnected."""
        self.raw = raw
        self.line = line
        self.error = error
        """Why the put is rejected, if not for the wait."""
        self.put = PutInProgress(raw.app_monitor_id, new_request_id())
        self.pieces: list[bytes] = []
        """What has arrived of the put. Empty if there was no room for it."""
        self.rest = b""
        """What has arrived after the put."""
        self.received = 0
        """How many bytes of the put have arrived."""
        self.size = 0
        """How many bytes are held."""

    @property
    def missing(self) -> int:
        """How many bytes of the put have not arrived."""
        return self.raw.size - self.received
