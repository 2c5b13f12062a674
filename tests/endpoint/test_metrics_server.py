"""The server of the metrics has few connections, and closes idle ones."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any

from rum_endpoint.address import Address
from rum_endpoint.metrics_server import MetricsServer

_TIMEOUT_S = 30.0


def _page(_: object, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the page"]


@contextmanager
def _serving(timeout_s: float) -> Iterator[int]:
    """Run a server and yield its port."""
    with MetricsServer(Address("127.0.0.1", 0), _page, timeout_s=timeout_s) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_connections_over_the_limit_are_closed() -> None:
    with _serving(timeout_s=60.0) as port, ExitStack() as stack:
        connections = [stack.enter_context(_connected(port)) for _ in range(20)]
        over = [connection.recv(1) for connection in connections[16:]]
        held = [_is_open(connection) for connection in connections[:16]]

    assert over == [b""] * 4
    assert held == [True] * 16


def test_an_idle_connection_is_closed() -> None:
    with _serving(timeout_s=0.05) as port, _connected(port) as connection:
        received = connection.recv(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=_TIMEOUT_S) as response:
            page = response.read()

    assert received == b""
    assert page == b"the page"


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), _TIMEOUT_S)


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
