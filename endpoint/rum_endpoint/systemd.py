"""What systemd passes to a process, and what it wants to know.

Source: the manual pages sd_listen_fds(3) and sd_notify(3).
"""

from __future__ import annotations

__all__ = ["inherited_listener", "notify"]

import contextlib
import os
import socket

from rum_endpoint.start_error import StartError

_FIRST_DESCRIPTOR = 3


def inherited_listener() -> socket.socket | None:
    """Return the TCP socket that systemd listens on for this process, if there is one.

    systemd keeps it open: connections wait in it while the process restarts.

    Raises:
        StartError: systemd passes several sockets, or one of another kind.
    """
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return None
    count = os.environ.pop("LISTEN_FDS", "")
    if count != "1":
        raise StartError(f"LISTEN_FDS: systemd passes {count} sockets, but there must be one")
    os.set_inheritable(_FIRST_DESCRIPTOR, False)
    listener = socket.socket(fileno=_FIRST_DESCRIPTOR)
    if listener.family not in (socket.AF_INET, socket.AF_INET6) or not listener.getsockopt(
        socket.SOL_SOCKET, socket.SO_ACCEPTCONN
    ):
        raise StartError("LISTEN_FDS: the socket must be a TCP socket: ListenStream=HOST:PORT")
    return listener


def notify(state: str) -> None:
    """Tell systemd a state, such as READY=1. Does nothing without systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending,
    ):
        sending.setblocking(False)
        # @ stands for the null byte in an abstract address.
        sending.sendto(state.encode(), f"\0{address[1:]}" if address[0] == "@" else address)
