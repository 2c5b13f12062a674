"""Connections whose clients do not read are aborted when their responses take too much memory."""

from __future__ import annotations

import asyncio

import pytest

from rum_bridge.http.unread import UnreadResponses


class _Transport(asyncio.Transport):
    """A transport with a number of bytes in its buffer."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.size

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(
    ("connections", "aborted"),
    [
        pytest.param([("a", 200)], [], id="alone"),
        pytest.param([("a", 30), ("a", 30), ("b", 10)], [0], id="half for an address"),
        pytest.param(
            [("b", 30), ("a", 40), ("c", 20), ("d", 20)], [1], id="the address with most bytes"
        ),
        pytest.param([("b", 10), ("a", 60)], [], id="an address with one connection"),
        pytest.param([("b", 30), ("c", 30), ("a", 60)], [0], id="the newest has most bytes"),
    ],
)
def test_the_slowest_connections_of_an_address_are_aborted(
    connections: list[tuple[str, int]], aborted: list[int]
) -> None:
    unread = UnreadResponses(100)
    transports = [_Transport(size) for _, size in connections]
    for transport, (address, _) in zip(transports, connections, strict=True):
        unread.add(transport, address)

    assert [index for index, each in enumerate(transports) if each.aborted] == aborted
    assert unread.aborted == len(aborted)


def test_a_connection_that_was_read_counts_no_more() -> None:
    unread = UnreadResponses(100)
    first, second = _Transport(40), _Transport(40)
    unread.add(first, "a")
    unread.remove(first)
    unread.remove(first)

    unread.add(second, "a")

    assert not first.aborted
    assert not second.aborted
