"""HTTP/2 frames of gRPC calls, for clients that do what client libraries do not."""

from __future__ import annotations

__all__ = [
    "ACK",
    "CONTINUATION",
    "DATA",
    "END_HEADERS",
    "END_STREAM",
    "HEADERS",
    "OPENING",
    "PING",
    "PREFACE",
    "PUT",
    "RST_STREAM",
    "SETTINGS",
    "WINDOW_UPDATE",
    "call_head",
    "continued_head",
    "field",
    "frame",
    "message",
]

PUT = b"/rum.v1.DataPlaneService/PutRumEvents"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
ACK, END_STREAM, END_HEADERS = 1, 1, 4
_MAX_FRAME_BYTES = 16384


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame."""
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OPENING = PREFACE + frame(SETTINGS, 0, 0, b"")
"""What a client sends first."""


def field(name: bytes, value: bytes) -> bytes:
    """Return a literal field that is not added to the server's table."""
    return b"\x00" + _length(len(name)) + name + _length(len(value)) + value


def call_head(*fields: bytes, path: bytes = PUT) -> bytes:
    """Return the header block of a call: POST, http, and these fields."""
    return b"\x83\x86" + b"".join(
        [
            field(b":path", path),
            field(b":authority", b"x"),
            field(b"te", b"trailers"),
            field(b"content-type", b"application/grpc"),
            *fields,
        ]
    )


def continued_head(stream: int, block: bytes, *, ends: bool = True) -> bytes:
    """Return the frames of a header block of any length. If `ends` is False, more may follow."""
    starts = range(0, len(block), _MAX_FRAME_BYTES)
    return b"".join(
        frame(
            HEADERS if start == 0 else CONTINUATION,
            END_HEADERS if ends and start == starts[-1] else 0,
            stream,
            block[start : start + _MAX_FRAME_BYTES],
        )
        for start in starts
    )


def message(stream: int, content: bytes, *, compressed: bool = False) -> bytes:
    """Return the only message of a call."""
    prefix = bytes([compressed]) + len(content).to_bytes(4, "big")
    body = prefix + content
    starts = range(0, len(body), _MAX_FRAME_BYTES)
    return b"".join(
        frame(
            DATA,
            END_STREAM if start == starts[-1] else 0,
            stream,
            body[start : start + _MAX_FRAME_BYTES],
        )
        for start in starts
    )


def _length(size: int) -> bytes:
    """Return a length as HPACK encodes it, with a prefix of 7 bits and no Huffman code."""
    if size < 127:
        return bytes([size])
    groups = [127]
    size -= 127
    while size >= 128:
        groups.append(size & 127 | 128)
        size >>= 7
    return bytes([*groups, size])
