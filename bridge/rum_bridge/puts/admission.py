"""Decides which puts are parsed now, and which ones are held as bytes until it is their turn.

Parsing and decoding take most of the bridge's time for a put. If it parses puts before it rejects
them, no time remains for accepted puts: docs/decisions/0017-queues-are-bounded-in-time.md.

arrives → parsed                if the event loop and the queue for the service have room
        → held → parsed         when it is the turn of its app monitor
               → 429            after 1.5 s
        → 429 after 3 to 9 s    if it would wait for too long, if too many bytes are held, or if its
                                address has sent too much: the body is discarded
"""

from __future__ import annotations

__all__ = ["Admission"]

import asyncio

from rum_bridge.cors import CorsHeaders
from rum_bridge.http.disconnects import disconnected
from rum_bridge.limits.address_limits import AddressLimits
from rum_bridge.limits.deadlines import Deadlines
from rum_bridge.limits.drain_rate import DrainRate
from rum_bridge.limits.fair_queue import FairQueue
from rum_bridge.limits.rejections import Rejections
from rum_bridge.limits.throttled import Throttled
from rum_bridge.puts.accounting import PutAccounting
from rum_bridge.puts.coalesce import Coalescer
from rum_bridge.puts.held_put import Connection, HeldPut
from rum_bridge.puts.put_queue import ENTRY_COST
from rum_bridge.puts.raw_request import RawPut

_MAX_WAIT_S = 1.5
# A new put that would wait longer is not held.
_MAX_EXPECTED_S = 1.2
# However low the rate is: a few calls.
_ALWAYS_HELD = 128
# What may begin in one turn of the event loop: 50 puts of one event, or 25 of ten.
_TURN_COST = 512 << 10
# The turns are shorter while puts are held, so that a new one in a short line is soon seen.
_HELD_TURN_COST = 128 << 10
_REQUEST_COST = 8 << 10
# One app monitor leaves a ninth of the bytes to the others.
_MAX_SHARE_OF_FREE = 8


class Admission:
    """The gate in front of the parser. Use it from one event loop only."""

    def __init__(
        self,
        coalescer: Coalescer,
        accounting: PutAccounting,
        cors: CorsHeaders,
        limits: AddressLimits,
    ) -> None:
        self._limits = limits
        self.throttled = Throttled(cors)
        self.rejected = 0
        """How many puts were rejected without being parsed."""
        self._queue = coalescer.queue
        self._budget = coalescer.budget
        self.accounting = accounting
        self._held: FairQueue[HeldPut] = FairQueue()
        self._rate = DrainRate()
        self._deadlines = Deadlines(_MAX_WAIT_S, self._expire)
        self._unheld = Rejections(self._reject)
        self._turn_cost = 0
        self._turn_ends = False
        """Whether the end of the turn is scheduled."""
        coalescer.on_room = self._on_room

    def __len__(self) -> int:
        """Return the number of puts that are held."""
        return len(self._held)

    def must_wait(self, size: int) -> bool:
        """Count a request that begins. Return whether it is to be held if it is a put.

        Args:
            size: the bytes that have arrived.
        """
        if self._held or not self._queue.has_room:
            return True
        self._turn_cost += size + _REQUEST_COST
        self._end_turn_later()
        return self._turn_cost > _TURN_COST

    def hold(self, connection: Connection, raw: RawPut, data: bytes, address: str) -> HeldPut:
        """Hold a put of which some data has arrived.

        Args:
            address: of the client, or empty: a proxy's address says nothing about its clients.
        """
        line = self._queue.line_of(raw.app_monitor_id)
        # Otherwise the puts from one address make others of the app monitor wait, although they
        # are rejected when it is their turn.
        held = HeldPut(connection, raw, line, self._limits.reached(address))
        if held.error is None and self._is_in_time(line) and self._may_hold(line, len(data)):
            self._rate.wait()
            self._held.add(line, held, len(data) + ENTRY_COST)
            self._deadlines.add(held)
            self._keep(held, data[: raw.size])
        else:
            self._unheld.add(held)
        held.received = min(len(data), raw.size)
        if len(data) > raw.size:
            self.add_rest(held, data[raw.size :])
        return held

    def add(self, held: HeldPut, data: bytes) -> bool:
        """Add data that has arrived later. Return False if the connection sends too much."""
        missing = held.missing
        if missing and held.pieces:
            if self._may_hold(held.line, len(data)):
                self._keep(held, data[:missing])
            else:
                self._forget(held)
        held.received += min(len(data), missing)
        return len(data) <= missing or self.add_rest(held, data[missing:])

    def add_rest(self, held: HeldPut, data: bytes) -> bool:
        """Add data that follows the put. Return False if the data exceeds the budget."""
        if len(data) > self._budget.free_to_hold:
            return False
        self._budget.hold(len(data))
        held.size += len(data)
        held.rest += data
        return True

    def drop(self, held: HeldPut) -> None:
        """Forget a put whose client has disconnected."""
        # Its place in the line goes when its time is over, or when it would be next.
        held.connection = None
        self._forget(held)
        self._unheld.remove(held)
        self.accounting.reject(held.put, disconnected())

    def close(self) -> None:
        """Reject everything that is held."""
        for held in [*self._deadlines, *self._unheld]:
            self._reject(held)

    def _is_in_time(self, line: str) -> bool:
        """Whether it will probably be the turn of a new put before it has to be rejected."""
        # While calls are slow, each takes many puts at once, and the rate says little.
        return self._queue.is_slow or self._held.before(line) <= max(
            _ALWAYS_HELD, _MAX_EXPECTED_S * self._rate.per_s
        )

    def _may_hold(self, line: str, size: int) -> bool:
        free = self._budget.free_to_hold - size
        of_line = self._held.cost_of(line) - ENTRY_COST * self._held.count_of(line)
        return free >= 0 and of_line <= _MAX_SHARE_OF_FREE * free

    def _keep(self, held: HeldPut, data: bytes) -> None:
        self._budget.hold(len(data))
        held.size += len(data)
        held.pieces.append(data)

    def _forget(self, held: HeldPut) -> None:
        self._budget.release(held.size)
        held.size = 0
        held.pieces = []
        held.rest = b""

    def _on_room(self) -> None:
        if self._held:
            self._end_turn_later()

    def _end_turn_later(self) -> None:
        if not self._turn_ends:
            self._turn_ends = True
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        """Begin the next turn with puts that are held."""
        self._turn_cost = 0
        self._turn_ends = False
        while self._turn_cost < _HELD_TURN_COST and self._queue.has_room:
            held = self._held.first()
            if held is None:
                break
            self._held.remove_first()
            if held.connection is not None and held.pieces:
                self._rate.leave()
                self._turn_cost += held.size + _REQUEST_COST
                self._continue(held, held.connection)
        if not self._held:
            self._rate.empty()
        if self._turn_cost:
            self._end_turn_later()

    def _continue(self, held: HeldPut, connection: Connection) -> None:
        self._deadlines.remove(held)
        held.connection = None
        connection.continue_held()
        self._forget(held)

    def _expire(self, held: HeldPut) -> None:
        self._reject(held)
        # All that wait longer have ended, too.
        self._held.remove_first_while(held.line, _has_ended)

    def _reject(self, held: HeldPut) -> None:
        connection = held.connection
        if connection is None:
            return
        held.connection = None
        error = held.error or self.throttled.error
        self.rejected += 1
        self.accounting.reject(held.put, error)
        if self.accounting.requests.is_on:
            self.accounting.log(held.put, error.status, error.error_type)
        connection.reject_held()
        self._forget(held)


def _has_ended(held: HeldPut) -> bool:
    return held.connection is None
