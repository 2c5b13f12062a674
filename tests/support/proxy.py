"""A TCP proxy on loopback that can stop forwarding, as if the host behind it had vanished."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Proxy", "proxy"]

_POLL_S = 0.05


class Proxy:
    """Forwards connections to a Unix socket, which may change."""

    def __init__(self, target: str) -> None:
        self.target = target
        """The path of the Unix socket for new connections."""
        self.silent = False
        """While true, nothing is forwarded. The kernel still accepts and acknowledges."""
        self._stopping = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._stopping = True
        self.cut()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopping:
            if self.silent or not select.select([self._listener], [], [], _POLL_S)[0]:
                continue
            client, _ = self._listener.accept()
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                server.close()
                continue
            self._connections += [client, server]
            thread = threading.Thread(target=self._forward, args=(client, server))
            self._threads.append(thread)
            thread.start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with client, server, contextlib.suppress(OSError):
            while not self._stopping:
                for source in select.select([client, server], [], [], _POLL_S)[0]:
                    while self.silent and not self._stopping:
                        threading.Event().wait(_POLL_S)
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    other[source].sendall(data)


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """Run a proxy while the context is open."""
    running = Proxy(target)
    try:
        yield running
    finally:
        running.stop()
