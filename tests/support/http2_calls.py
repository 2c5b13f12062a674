"""A client that sends many long messages at once, whole or without their last byte."""

from __future__ import annotations

__all__ = ["send_calls"]

import socket
import time
from collections import Counter
from collections.abc import Sequence

from tests.support import http2

_FIRST_WINDOW = 65535
_MAX_FRAME_BYTES = 16384
_INITIAL_WINDOW_SIZE = 4


class _Windows:
    """How much the server accepts, and which calls it has ended."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self._initial = _FIRST_WINDOW
        self._widened: Counter[int] = Counter()
        self._sent: Counter[int] = Counter()
        self.ended: set[int] = set()

    def room(self, stream: int) -> int:
        own = self._initial + self._widened[stream] - self._sent[stream]
        return min(own, _FIRST_WINDOW + self._widened[0] - self._sent[0], _MAX_FRAME_BYTES)

    def send(self, stream: int, content: bytes, *, ends: bool) -> None:
        flags = http2.END_STREAM if ends else 0
        self._connection.sendall(http2.frame(http2.DATA, flags, stream, content))
        self._sent[stream] += len(content)
        self._sent[0] += len(content)

    def receive(self, timeout_s: float) -> bool:
        """Read frames. Return whether there were any before the time was over."""
        self._connection.settimeout(timeout_s)
        try:
            received = self._connection.recv(1 << 16)
        except (TimeoutError, BlockingIOError):
            return False
        finally:
            self._connection.settimeout(None)
        self._received += received
        while len(self._received) >= (end := 9 + int.from_bytes(self._received[:3], "big")):
            frame, self._received = self._received[:end], self._received[end:]
            self._take(frame[3], frame[4], int.from_bytes(frame[5:9], "big"), frame[9:])
            if len(self._received) < 9:
                break
        return bool(received)

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == http2.WINDOW_UPDATE:
            self._widened[stream] += int.from_bytes(payload, "big")
        elif kind == http2.SETTINGS and not flags:
            for start in range(0, len(payload), 6):
                if int.from_bytes(payload[start : start + 2], "big") == _INITIAL_WINDOW_SIZE:
                    self._initial = int.from_bytes(payload[start + 2 : start + 6], "big")
        elif kind == http2.PING and not flags:
            self._connection.sendall(http2.frame(http2.PING, http2.ACK, 0, payload))
        elif kind in (http2.HEADERS, http2.RST_STREAM):
            self.ended.add(stream)


def send_calls(
    connection: socket.socket,
    content: bytes,
    *,
    calls: int,
    path: bytes = http2.PUT,
    fields: Sequence[bytes] = (),
    ends: bool = True,
    for_s: float = 5.0,
) -> int:
    """Call a method this many times at once, and wait for the responses.

    Args:
        connection: a new one.
        content: the message of each call.
        fields: further metadata of each call.
        ends: False: leave out the last byte of each message.
        for_s: when to stop, if the server takes no more or does not answer.

    Returns:
        The number of bytes of the messages that were sent.
    """
    windows = _Windows(connection)
    connection.sendall(http2.OPENING + http2.frame(http2.SETTINGS, http2.ACK, 0, b""))
    windows.receive(1.0)
    body = b"\0" + len(content).to_bytes(4, "big") + (content if ends else content[:-1])
    streams = dict.fromkeys(range(1, 2 * calls, 2), 0)
    for stream in streams:
        connection.sendall(http2.continued_head(stream, http2.call_head(*fields, path=path)))
    until = time.monotonic() + for_s
    while time.monotonic() < until and not windows.ended.issuperset(streams):
        progress = False
        for stream, sent in streams.items():
            size = min(windows.room(stream), len(body) - sent)
            if size > 0 and stream not in windows.ended:
                streams[stream] = sent + size
                ended = ends and sent + size == len(body)
                windows.send(stream, body[sent : sent + size], ends=ended)
                progress = True
        windows.receive(0 if progress else 0.1)
    return sum(streams.values())
