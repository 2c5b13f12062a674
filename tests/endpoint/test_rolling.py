"""Two sockets on one port: the second gets all new connections."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

import pytest

from rum_endpoint.address import Address
from rum_endpoint.rolling import listening_sockets, prefer
from rum_endpoint.start_error import StartError

_CONNECTIONS = 40


def _listener(stack: ExitStack, port: int) -> socket.socket:
    listener = stack.enter_context(Address("127.0.0.1", port).bind("A_SETTING", rolling=True))
    listener.listen(100)
    listener.setblocking(False)
    return listener


def _connect(stack: ExitStack, port: int) -> None:
    for _ in range(_CONNECTIONS):
        stack.enter_context(socket.create_connection(("127.0.0.1", port)))


def _accepted(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


def test_new_connections_go_to_the_second_socket_and_to_the_one_that_is_left() -> None:
    with ExitStack() as stack:
        counts = []
        old = _listener(stack, 0)
        prefer(old)
        port = old.getsockname()[1]
        _connect(stack, port)
        counts.append(_accepted(old))
        for _ in range(3):
            new = _listener(stack, port)
            prefer(new)
            _connect(stack, port)
            counts.append(_accepted(new))
            assert _accepted(old) == 0
            old.close()
            _connect(stack, port)
            counts.append(_accepted(new))
            old = new

    assert counts == [_CONNECTIONS] * 7


def test_without_a_preference_both_sockets_get_connections() -> None:
    with ExitStack() as stack:
        old = _listener(stack, 0)
        port = old.getsockname()[1]
        new = _listener(stack, port)
        _connect(stack, port)

        assert 0 < _accepted(old) < _CONNECTIONS
        assert new.getsockname()[1] == port


def test_a_process_that_is_not_rolling_does_not_share_its_port() -> None:
    with ExitStack() as stack:
        first = stack.enter_context(Address("127.0.0.1", 0).bind("A_SETTING"))
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(StartError, match="address already in use"):
            Address("127.0.0.1", port).bind("A_SETTING", rolling=True)


def test_the_sockets_that_listen_on_a_port_are_found() -> None:
    with ExitStack() as stack:
        listener = _listener(stack, 0)
        bound = stack.enter_context(Address("127.0.0.1", 0).bind("A_SETTING"))
        found = [each.getsockname() for each in listening_sockets(listener.getsockname()[1])]

        assert found == [listener.getsockname()]
        assert list(listening_sockets(bound.getsockname()[1])) == []


def test_the_search_for_sockets_leaves_no_copy_of_a_descriptor_open() -> None:
    reading, writing = os.pipe()
    found = list(listening_sockets(1))
    os.close(writing)

    assert found == []
    os.set_blocking(reading, False)
    assert os.read(reading, 1) == b""  # the end of the pipe, because nobody else has it open
    os.close(reading)
