"""The address that a server listens on: parse it, and bind a socket to it."""

from __future__ import annotations

__all__ = ["Address", "is_loopback"]

import ipaddress
import socket
from dataclasses import dataclass

from rum_endpoint.start_error import StartError


@dataclass(frozen=True)
class Address:
    """A host and a port. The host is a name or an IP address without brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Parse host:port. An IPv6 host may have brackets. Raises ValueError."""
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        # Not isdecimal(): int() accepts digits of other scripts.
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise ValueError("must be host:port, such as 127.0.0.1:8080 or [::1]:8080")
        return cls(host, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    def bind(self, setting: str, *, rolling: bool = False) -> socket.socket:
        """Return a socket bound to the address; it does not listen yet.

        Args:
            setting: the setting to name in an error.
            rolling: another process may listen on the address, if it is rolling too.

        Raises:
            StartError: the address is in use or does not belong to this machine.
        """
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            bound = socket.socket(found[0])
            try:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, rolling)
                bound.bind(found[4])
            except OSError:
                bound.close()
                raise
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StartError(f"{setting}: cannot listen on {self}: {reason}") from error
        return bound

    def bind_shared(
        self, setting: str, count: int, *, rolling: bool = False
    ) -> list[socket.socket]:
        """Return `count` sockets bound to the address, for processes that share it.

        The kernel spreads connections over those of the sockets that listen (SO_REUSEPORT). Port 0
        chooses one port for all.

        Args:
            setting: the setting to name in an error.
            rolling: as for `bind`.

        Raises:
            StartError: the address is in use or does not belong to this machine.
        """
        first = self.bind(setting, rolling=rolling)
        if count == 1:
            return [first]
        # Set after the first bind: with the option, a second start of the same user would succeed
        # and get half of the connections.
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound = [first]
        for _ in range(count - 1):
            another = socket.socket(first.family)
            bound.append(another)
            another.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            another.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            another.bind(first.getsockname())
        return bound


def is_loopback(host: str) -> bool:
    """Return whether a host without brackets is this machine, seen from this machine only.

    Names other than localhost count as other machines: they may resolve to other addresses later.
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
