"""Messages are received in turns, and the bytes that methods hold are limited together."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from rum_service.errors import ThrottlingException
from rum_service.rpc import incoming as incoming_module
from rum_service.rpc.call_context import counted_address
from rum_service.rpc.incoming import Incoming

_AT_ONCE = 8


class _Call:
    """A call on a connection of its own, whose message arrives when it is told so."""

    _ports = iter(range(50_000, 60_000))

    def __init__(self, incoming: Incoming, address: str) -> None:
        self._peer = f"ipv4:{address}:{next(self._ports)}"
        self.is_received = False
        self.arrives = asyncio.Event()
        self.task = asyncio.create_task(incoming.read(cast("Any", self)))

    def peer(self) -> str:
        return self._peer

    async def read(self) -> bytes:
        self.is_received = True
        await self.arrives.wait()
        return b"message"


async def _turn_to_all() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def _incoming(max_bytes: int) -> Incoming:
    return Incoming(max_message_bytes=4 << 20, max_bytes=max_bytes, timeout_s=1.0)


def test_a_message_over_the_limit_of_all_messages_is_throttled() -> None:
    incoming = _incoming(100)
    incoming.hold(80)

    with pytest.raises(ThrottlingException) as rejected:
        incoming.hold(30)
    incoming.release(80)
    incoming.hold(30)

    assert rejected.value.retry_after_seconds == 1
    assert incoming.held == 30


def test_a_message_that_is_alone_may_have_any_size() -> None:
    incoming = _incoming(100)

    incoming.hold(300)

    assert incoming.held == 300


async def test_addresses_take_turns() -> None:
    incoming = _incoming(0)
    busy = [_Call(incoming, f"192.0.2.{1 + number % 2}") for number in range(60)]
    await _turn_to_all()
    quiet = _Call(incoming, "192.0.2.9")
    await _turn_to_all()
    before = quiet.is_received
    ended = 0
    while not quiet.is_received:
        next(call for call in busy if call.is_received and not call.task.done()).arrives.set()
        ended += 1
        await _turn_to_all()
    for call in (*busy, quiet):
        call.arrives.set()
    await asyncio.gather(*(call.task for call in (*busy, quiet)))

    assert not before
    assert ended <= 3


async def test_many_waiting_messages_keep_no_other_address_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incoming_module, "_MAX_WAITING", 4)
    incoming = _incoming(0)
    busy = [_Call(incoming, "192.0.2.1") for _ in range(_AT_ONCE // 2 + 4)]
    await _turn_to_all()
    over, other = _Call(incoming, "192.0.2.1"), _Call(incoming, "192.0.2.2")
    await _turn_to_all()
    for call in (*busy, other):
        call.arrives.set()

    with pytest.raises(ThrottlingException, match="Too many messages"):
        await over.task
    assert await other.task == b"message"
    assert await asyncio.gather(*(call.task for call in busy)) == [b"message"] * len(busy)


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.1:50000", "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:50000", "2001:db8::"),
        ("ipv6:%5B2001:db8::2%5D:50001", "2001:db8::"),
        ("unix:", "unix:"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(peer: str, address: str) -> None:
    assert counted_address(peer).partition("/")[0] == address
