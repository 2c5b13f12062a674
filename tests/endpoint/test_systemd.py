"""What systemd passes to a process, and what a process tells systemd."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rum_endpoint.systemd import inherited_listener, notify

# Passes sockets from descriptor 3 up, as sd_listen_fds(3) says, and prints what is found.
_PROGRAM = """
import os, sys
from rum_endpoint.start_error import StartError
from rum_endpoint.systemd import inherited_listener
for number, descriptor in enumerate(map(int, sys.argv[2:]), 10):
    os.dup2(descriptor, number)
for number in range(len(sys.argv) - 2):
    os.dup2(number + 10, number + 3)
os.environ.update(LISTEN_PID=sys.argv[1] or str(os.getpid()), LISTEN_FDS=str(len(sys.argv) - 2))
try:
    listener = inherited_listener()
    print(listener and listener.getsockname(), listener and listener.get_inheritable())
except StartError as error:
    print(error)
print(inherited_listener())
"""


def _found(*sockets: socket.socket, pid: str = "") -> list[str]:
    """Return what a process finds that gets these sockets."""
    numbers = [each.fileno() for each in sockets]
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM, pid, *map(str, numbers)],
        pass_fds=numbers,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout.splitlines()


def test_a_tcp_socket_is_used_once_and_not_inherited_further() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert _found(listener) == [f"{listener.getsockname()} False", "None"]


def test_a_socket_for_another_process_is_not_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert _found(listener, pid="1") == ["None None", "None"]


def test_several_sockets_are_rejected() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("127.0.0.1", 0)) as second,
    ):
        assert _found(first, second)[0] == (
            "LISTEN_FDS: systemd passes 2 sockets, but there must be one"
        )


def test_a_unix_socket_is_rejected(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()

        assert _found(listener)[0].startswith("LISTEN_FDS: the socket must be a TCP socket")


def test_without_systemd_there_is_no_socket() -> None:
    assert "LISTEN_PID" not in os.environ
    assert inherited_listener() is None


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_systemd_learns_that_a_process_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    address = f"@openrum-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{address[1:]}" if abstract else address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")

        assert systemd.recv(100) == b"READY=1"


def test_a_missing_systemd_does_not_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "missing"))
    notify("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")
