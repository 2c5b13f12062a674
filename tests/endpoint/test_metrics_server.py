"""The server of the metrics has few connections, and closes idle ones."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any

import pytest

from rum_endpoint.address import Address
from rum_endpoint.metrics_server import MetricsServer
from tests.support.running import wait_until

_TIMEOUT_S = 30.0
_LONG = b"x" * (16 << 20)


def _page(_: object, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the page"]


def _long_page(_: object, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [_LONG]


@contextmanager
def _serving(timeout_s: float, app: Any = _page) -> Iterator[int]:
    """Run a server and yield its port."""
    with MetricsServer(Address("127.0.0.1", 0), app, timeout_s=timeout_s) as server:
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


def test_a_client_that_reads_nothing_is_disconnected_without_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with _serving(timeout_s=0.5, app=_long_page) as port, _connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(1, socket.MSG_PEEK)
        wait_until(_serves_no_connection)
        received = b"".join(iter(lambda: connection.recv(1 << 20), b""))

    assert received.startswith(b"HTTP/1.0 200 OK\r\n")
    assert len(received) < len(_LONG)
    assert capsys.readouterr().err == ""


def _serves_no_connection() -> bool:
    return not any("process_request_thread" in thread.name for thread in threading.enumerate())


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), _TIMEOUT_S)


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
