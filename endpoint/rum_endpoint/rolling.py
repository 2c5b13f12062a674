"""Hand a port over to a new process that listens on it too, without refusing a connection.

The two processes set SO_REUSEPORT. The kernel would spread connections over both, and reset those
that wait in the queue of the old socket when it closes. So the new process directs all new
connections to itself, and the old one accepts for a moment longer what has reached its queue.
"""

from __future__ import annotations

__all__ = ["STRAGGLERS_S", "listening_sockets", "prefer"]

import contextlib
import ctypes
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

STRAGGLERS_S = 1.0
"""How long a process that stops accepts connections that were on their way to it."""

_SO_ATTACH_REUSEPORT_CBPF = 51  # of linux/asm-generic/socket.h; Python has no name for it
_BPF_RET = 0x06


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("constant", ctypes.c_uint32),
    )


def prefer(listener: socket.socket) -> None:
    """Direct new connections to this socket, if one other listened on the port before it.

    Once the other is closed, or if there was none, the index is out of range, and the kernel
    chooses the socket that is left.
    """
    program = (_Instruction * 1)(_Instruction(_BPF_RET, 0, 0, 1))  # "return 1", the second socket
    filter_program = struct.pack("@HP", len(program), ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, filter_program)


def listening_sockets(port: int) -> Iterator[socket.socket]:
    """Yield the sockets of this process that listen on a TCP port, for libraries that hide them."""
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        # OSError: the descriptor has been closed meanwhile.
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue  # a copy would keep the pipe open
            with socket.socket(fileno=os.dup(descriptor)) as found:
                if found.family in (socket.AF_INET, socket.AF_INET6) and _listens(found, port):
                    yield found


def _listens(found: socket.socket, port: int) -> bool:
    return bool(
        found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and found.getsockname()[1] == port
    )
