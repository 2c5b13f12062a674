"""Count batches and events: how many were received, and how each one ended.

    received = stored + duplicate + dropped + rejected + in progress      (service)
    received = accepted + rejected + in progress                          (bridge)

The counts are plain integers, because a locked counter costs 1 µs for each update (2026-11).
"""

from __future__ import annotations

__all__ = [
    "ACCEPTED",
    "DROPPED",
    "DUPLICATE",
    "REJECTED",
    "STORED",
    "Amount",
    "Ledger",
]

STORED = "stored"
"""The service stored the batch."""
DUPLICATE = "duplicate"
"""The batch was stored already."""
DROPPED = "dropped"
"""The batch was stored without the event, for the reason."""
REJECTED = "rejected"
"""The caller got an exception, whose name is the reason."""
ACCEPTED = "accepted"
"""The bridge got the answer that the batch is on disk."""

_End = tuple[str, str, str]
"""In the service the app monitor, in the bridge the source of an error, or an empty string; the
outcome; the reason."""


class Amount:
    """A number of batches, with their events and bytes."""

    __slots__ = ("batches", "bytes", "events")

    def __init__(self, batches: int = 0, events: int = 0, bytes_: int = 0) -> None:
        self.batches = batches
        self.events = events
        self.bytes = bytes_

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Amount) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment] # amounts change

    def __repr__(self) -> str:
        return "Amount(batches={}, events={}, bytes={})".format(*self._values())

    def _values(self) -> tuple[int, int, int]:
        return self.batches, self.events, self.bytes


class Ledger:
    """The counts of one process since its start. Use it from one event loop only.

    Each batch is passed to `receive` once, and its events to `end` until all have ended.
    """

    def __init__(self) -> None:
        self.received = Amount()
        self.ended: dict[_End, Amount] = {}

    def receive(self, events: int, size: int) -> None:
        """Count a batch that has arrived."""
        received = self.received
        received.batches += 1
        received.events += events
        received.bytes += size

    def end(self, end: _End, events: int, size: int, batches: int = 1) -> None:
        """Count a batch's end.

        Args:
            batches: 0 for some of a batch's events, if its other events end differently.
        """
        ended = self.ended.get(end)
        if ended is None:
            ended = self.ended[end] = Amount()
        ended.batches += batches
        ended.events += events
        ended.bytes += size

    def in_progress(self) -> Amount:
        """Return the amount that was received and has not ended."""
        received, ended = self.received, self.ended.values()
        return Amount(
            received.batches - sum(amount.batches for amount in ended),
            received.events - sum(amount.events for amount in ended),
            received.bytes - sum(amount.bytes for amount in ended),
        )

    def total(self, outcome: str) -> Amount:
        """Return an outcome's sum, with all reasons."""
        found = [amount for end, amount in self.ended.items() if end[1] == outcome]
        return Amount(
            sum(amount.batches for amount in found),
            sum(amount.events for amount in found),
            sum(amount.bytes for amount in found),
        )

    def events(self) -> dict[str, int]:
        """Return the number of events received, and the number with each outcome."""
        found = {"received": self.received.events}
        for (_, outcome, _), amount in self.ended.items():
            found[outcome] = found.get(outcome, 0) + amount.events
        return found
