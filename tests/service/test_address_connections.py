"""Counting the gRPC connections of addresses among all open files of a process."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from rum_service.rpc.address_connections import AddressConnections


def test_connections_that_get_the_descriptors_of_other_files_are_counted() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        counted = AddressConnections(listener.getsockname()[1], most=1)
        others = [each for _ in range(3) for each in socket.socketpair()]
        before = counted.close_excess()
        descriptors = {each.fileno() for each in others}
        for each in others:
            each.close()
        accepted = []
        for _ in range(3):
            stack.enter_context(socket.create_connection(listener.getsockname()))
            accepted.append(stack.enter_context(listener.accept()[0]))
        closed = counted.close_excess()
        reused = descriptors & {each.fileno() for each in accepted}
        ended = [each.recv(1) == b"" for each in accepted[1:]]

    assert not before
    assert reused
    assert dict(closed) == {"127.0.0.1": 2}
    assert ended == [True, True]
