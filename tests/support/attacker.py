"""The process that makes an attack: `python -m tests.support.attacker NAME URL MONITOR_ID`."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.support import http2
from tests.support.attacks import ATTACKS, Attack
from tests.support.grpc_attacks import GRPC_ATTACKS

_KIB = 1 << 10
_MIB = 1 << 20
_TIMEOUT_S = 60.0


def _main(name: str, url: str, monitor_id: str) -> None:
    attack = next(attack for attack in (*ATTACKS, *GRPC_ATTACKS) if attack.name == name)
    data = attack.data(monitor_id)
    print("ready", flush=True)
    sys.stdin.readline()
    print(_run(attack, url, monitor_id, data))


def _run(attack: Attack, url: str, monitor_id: str, data: bytes) -> int:
    with ExitStack() as stack:
        parts = urlsplit(url)
        connections = [
            stack.enter_context(socket.create_connection((parts.hostname, parts.port), _TIMEOUT_S))
            for _ in range(attack.connections)
        ]
        for connection in connections if attack.acknowledges else ():
            _acknowledge(connection)
        if attack.calls:
            return sum(attack.calls(connection, monitor_id) for connection in connections)
        sent = sum(_send(connection, data) for connection in connections)
        for connection in connections if attack.waits else connections[-1:]:
            connection.settimeout(_TIMEOUT_S if attack.waits else 1)
            try:
                connection.recv(_KIB)
            except OSError:
                continue
    return sent


def _acknowledge(connection: socket.socket) -> None:
    """Open an HTTP/2 connection, and acknowledge the settings of the server."""
    connection.sendall(http2.OPENING)
    connection.recv(_KIB)
    connection.sendall(http2.frame(http2.SETTINGS, http2.ACK, 0, b""))


def _send(connection: socket.socket, data: bytes) -> int:
    """Send until the server closes the connection, or stops reading for a second."""
    connection.settimeout(1)
    sent = 0
    try:
        while sent < len(data):
            sent += connection.send(data[sent : sent + _MIB])
    except OSError:
        pass
    return sent


if __name__ == "__main__":
    _main(*sys.argv[1:])
