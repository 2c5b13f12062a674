"""An HTTP server for one page, with few connections.

The server of prometheus-client has a thread for each connection, without any limit: clients that
send nothing would take all file descriptors of the process.
"""

from __future__ import annotations

__all__ = ["MetricsServer"]

import socket
import sys
from io import BufferedIOBase
from socketserver import ThreadingMixIn
from threading import BoundedSemaphore
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from rum_endpoint.address import Address

_MAX_CONNECTIONS = 16
_TIMEOUT_S = 10.0


class MetricsServer(ThreadingMixIn, WSGIServer):
    """Listens on the address. It has a thread for each connection, but few connections.

    Args:
        app: the WSGI application.
        timeout_s: how long a client may send nothing, or read nothing.

    Raises:
        OSError: the address cannot be bound.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: Address, app: Any, *, timeout_s: float = _TIMEOUT_S) -> None:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        self.address_family = found[0]
        self.timeout_s = timeout_s
        self._free = BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__((str(found[4][0]), address.port), _Handler)
        self.set_app(app)

    def verify_request(self, *_: object) -> bool:
        """Return whether there is room for a connection. Others are closed."""
        return self._free.acquire(blocking=False)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection."""
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()  # there is no thread that would
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write unexpected errors to standard error. Clients may leave, or send nothing."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(WSGIRequestHandler):
    def setup(self) -> None:
        super().setup()
        if isinstance(self.server, MetricsServer):
            self.connection.settimeout(self.server.timeout_s)
            self.wfile = _Writer(self.wfile)

    def log_message(self, *_: object) -> None:
        """Log no requests."""


class _Writer(BufferedIOBase):
    """Writes to a client. One that reads nothing counts as one that has left."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        """Send data."""
        try:
            return int(self._file.write(data))
        except TimeoutError as error:
            # Of this error, wsgiref writes no traceback.
            raise ConnectionAbortedError from error
