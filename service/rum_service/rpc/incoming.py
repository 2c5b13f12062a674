"""Receives messages, and bounds the memory that they take together.

gRPC receives a call's message when the method asks for it. Until then it holds about 256 KiB
for each connection, and the client waits. So a method authenticates its caller first, and few
messages arrive at the same time. docs/decisions/0037-messages-are-received-in-turns.md
"""

from __future__ import annotations

__all__ = ["Incoming"]

import asyncio
from collections import deque
from typing import Any, cast

import grpc.aio

from rum_service.errors import RumError, ThrottlingException, ValidationException
from rum_service.ingest.overload import too_many_waiting
from rum_service.rpc.call_context import Context, counted_address

# A message that takes longer to arrive is given up if others wait for their turn.
_SLOW_S = 0.25
# Of calls that wait for their turn.
_MAX_WAITING = 1024
_TICK_S = 0.1
# How long a message may take when the service stops.
_STOPPING_S = 1.0


class _Message:
    """A message that is being received, or waits for its turn."""

    __slots__ = ("_address", "_connection", "context", "error", "since_s", "task", "turn")

    def __init__(self, context: Context, task: asyncio.Task[Any], since_s: float) -> None:
        self.context = context
        self.task = task
        self.since_s = since_s
        self._address = ""
        self._connection = ""
        self.turn: asyncio.Future[None] | None = None
        self.error: RumError | None = None

    def give_up(self, error: RumError) -> None:
        """Make `Incoming.read` raise the error."""
        if self.error is None:
            self.error = error
            self.task.cancel()

    @property
    def connection(self) -> str:
        """The address of the caller, with its port. Found when it is needed: it costs 2 µs."""
        if not self._connection:
            self._connection = self.context.peer()
        return self._connection

    @property
    def address(self) -> str:
        """The address of the caller, as limits count it."""
        if not self._address:
            self._address = counted_address(self.connection)
        return self._address


class _Turns:
    """The turns of messages. Connections take turns, and so do addresses.

    Args:
        most: how many messages may be received at the same time. Half of them may be from one
            address, and an eighth on one connection.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_address = most // 2
        self._most_of_connection = most // 8
        self._receiving: dict[_Message, None] = {}
        """Messages that are being received, oldest first."""
        self._lines: dict[str, dict[str, deque[_Message]]] = {}
        """Those that wait for their turn, by address and by connection, the next one first. Some
        may have been given up."""
        self._waiting = 0

    async def take(self, message: _Message) -> None:
        """Return when the message may be received. Call `end` afterwards.

        Raises:
            ThrottlingException: too many messages wait.
        """
        if len(self._receiving) >= self._most_of_connection:
            await self._wait(message)
        self._receiving[message] = None

    def end(self, message: _Message) -> None:
        """Give a message's turn, if it had one, to the next one."""
        if self._receiving.pop(message, message) is None and self._lines:
            self._begin_next()

    async def _wait(self, message: _Message) -> None:
        if self._may_begin(message):
            return
        # An address that has nothing waiting always gets a place: others cannot keep it out.
        if self._waiting >= _MAX_WAITING and message.address in self._lines:
            raise _too_many()
        message.turn = asyncio.get_running_loop().create_future()
        lines = self._lines.setdefault(message.address, {})
        lines.setdefault(message.connection, deque()).append(message)
        self._waiting += 1
        try:
            await message.turn
        finally:
            self._waiting -= 1

    def _may_begin(self, message: _Message) -> bool:
        if len(self._receiving) >= self._most:
            return False
        of_address = of_connection = 0
        for each in self._receiving:
            if each.address == message.address:
                of_address += 1
                of_connection += each.connection == message.connection
        return of_address < self._most_of_address and of_connection < self._most_of_connection

    def _begin_next(self) -> None:
        """Begin the next message of each address that may have one more."""
        for address in list(self._lines):
            if message := self._next(address):
                self._receiving[message] = None
                message.since_s = message.task.get_loop().time()
                if lines := self._lines.pop(address, None):
                    self._lines[address] = lines  # at the end

    def _next(self, address: str) -> _Message | None:
        """Give a turn to the next connection whose address may have one. Return its message."""
        lines = self._lines[address]
        taken = None
        for connection, line in list(lines.items()):
            while line and _has_ended(line[0]):
                line.popleft()
            if line and self._may_begin(line[0]):
                taken = line.popleft()
                lines[connection] = lines.pop(connection)  # at the end
            if not line:
                del lines[connection]
            if taken:
                break
        if not lines:
            del self._lines[address]
        if taken and taken.turn:
            taken.turn.set_result(None)
        return taken

    def give_up_slow(self, now_s: float) -> None:
        """Give up messages that take long while others wait for their turn."""
        if self._lines:
            full = len(self._receiving) >= self._most
            for message in self._receiving:
                if message.since_s < now_s - _SLOW_S and (full or message.address in self._lines):
                    message.give_up(_too_many())


class Incoming:
    """The messages of one server. For use on one event loop.

    Args:
        max_message_bytes: the longest message that gRPC accepts.
        max_bytes: the most bytes of messages that methods may hold. Messages that are being
            received may take twice as much for unknown callers, and twice as much for known ones.
        timeout_s: how long a message may take to arrive.
    """

    def __init__(self, *, max_message_bytes: int, max_bytes: int, timeout_s: float) -> None:
        self._max_held = max_bytes
        # With half as many, receiving short messages limits how many are stored (2026-11).
        most = max(8, 2 * max_bytes // max_message_bytes)
        # Unknown callers take no turns of known ones. A token with any access makes a caller known.
        self._unknown, self._known = _Turns(most), _Turns(most)
        self._timeout_s = timeout_s
        self._all: dict[_Message, None] = {}
        """All messages that `read` waits for, oldest first."""
        self._ticking = False
        self._stopping = False
        self.held = 0
        """The bytes of messages that methods hold."""

    async def read(self, context: Context, *, known: bool = False, waits: bool = True) -> bytes:
        """Return a call's message.

        Args:
            known: the caller has proved its identity.
            waits: whether the message waits for its turn. Those of bridges do not.

        Raises:
            ThrottlingException: too many other messages are being received.
            ValidationException: the message is missing, or it arrives too slowly.
        """
        content = await self.next(context, known=known, waits=waits)
        if content is None:
            raise ValidationException("The call must have a message.")
        return content

    async def next(
        self, context: Context, *, known: bool = False, waits: bool = True
    ) -> bytes | None:
        """Return the next message of a call, or None after the last one. Otherwise like `read`."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        message = _Message(context, task, asyncio.get_running_loop().time())
        turns = self._known if known else self._unknown
        self._all[message] = None
        if not self._ticking:
            self._start_ticking()
        try:
            if waits:
                await turns.take(message)
            content = await context.read()
        except asyncio.CancelledError:
            if message.error is None:
                raise
            task.uncancel()
            raise message.error from None
        finally:
            del self._all[message]
            turns.end(message)
        return None if content is grpc.aio.EOF else bytes(content)

    def stop(self) -> None:
        """From now on, give up messages that take longer than a second. Clients may retry them."""
        self._stopping = True

    def hold(self, size: int) -> None:
        """Count a message that a method holds. Call `release` afterwards.

        Raises:
            ThrottlingException: methods hold too many bytes. The message is not counted.
        """
        # A message that is alone may have any size.
        if self.held and self.held + size > self._max_held:
            raise too_many_waiting()
        self.held += size

    def release(self, size: int) -> None:
        """Stop counting a message."""
        self.held -= size

    def _start_ticking(self) -> None:
        self._ticking = True
        asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _tick(self) -> None:
        """Give up messages that arrive too slowly."""
        now_s = asyncio.get_running_loop().time()
        for message in list(self._all):
            if message.since_s < now_s - self._timeout_s:
                message.give_up(
                    ValidationException(f"The message must arrive within {self._timeout_s:g} s.")
                )
            elif self._stopping and message.since_s < now_s - _STOPPING_S:
                message.give_up(ThrottlingException("The service stops.", retry_after_seconds=1))
        self._unknown.give_up_slow(now_s)
        self._known.give_up_slow(now_s)
        self._ticking = bool(self._all)
        if self._ticking:
            asyncio.get_running_loop().call_later(_TICK_S, self._tick)


def _too_many() -> ThrottlingException:
    return ThrottlingException("Too many messages are being received.", retry_after_seconds=1)


def _has_ended(message: _Message) -> bool:
    """Return whether a message that waits has been given up."""
    return message.turn is None or message.turn.done()
