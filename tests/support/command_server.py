"""Runs `openrum` commands in forks of a process that has imported their modules.

The imports are most of a short command, and of the start of a server: 0.3 to 0.7 s of CPU. A fork
runs the module rum_cli as `python -m rum_cli` does, with its own arguments, environment, folder and
standard streams.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

_ROOT = Path(__file__).parents[2]
_MAX_REQUEST = 1 << 20
_STREAMS = 3
_NUMBER = struct.Struct("i")
_START_TIMEOUT_S = 60.0
# What commands import when they run.
_MODULES = (
    "alembic.command",
    "alembic.context",
    "alembic.op",
    "grpc.experimental",
    "rum_cli.bridge",
    "rum_cli.db_check",
    "rum_cli.db_repair",
    "rum_cli.service",
    "rum_cli.up",
    "sqlalchemy.dialects.sqlite",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)


class Fork:
    """A command in a fork, with the methods of subprocess.Popen that tests of servers use."""

    def __init__(self, arguments: tuple[str, ...], status: int, stdout: IO[str] | None) -> None:
        self.args = arguments
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = status
        self._reading = threading.Lock()
        self.pid = _read_number(status, _START_TIMEOUT_S)

    def poll(self) -> int | None:
        """Return the exit code, or None while the command runs."""
        with self._reading:
            if self.returncode is None and _is_readable(self._status, 0):
                self.returncode = _read_number(self._status, 0)
                os.close(self._status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code at the end. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            _is_readable(self._status, timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def communicate(self) -> tuple[str | None, None]:
        """Return the output at the end."""
        output = None
        if self.stdout:
            with self.stdout:
                output = self.stdout.read()
        self.wait()
        return output, None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the command has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless the command has ended."""
        self.send_signal(signal.SIGKILL)


class CommandServer:
    """The process, as its client sees it. Several threads may use it."""

    def __init__(self) -> None:
        self._requests, server = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with server:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(server.fileno())],
                cwd=_ROOT,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # numpy would start a thread
                pass_fds=[server.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        atexit.register(self.stop)

    def run(
        self,
        arguments: tuple[str, ...],
        *,
        environment: dict[str, str],
        folder: Path | None,
        stdin: str,
        timeout_s: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Raises subprocess.TimeoutExpired."""
        with TemporaryFile("w+") as given, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            given.write(stdin)
            given.seek(0)
            streams = [file.fileno() for file in (given, out, err)]
            fork = self._fork(arguments, environment, folder, streams)
            try:
                code = fork.wait(timeout_s)
            except subprocess.TimeoutExpired:
                fork.kill()
                fork.wait(timeout_s)
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())

    def start(
        self, arguments: tuple[str, ...], *, environment: dict[str, str], folder: Path
    ) -> Fork:
        """Start a command whose output and errors are read from `stdout`."""
        reading, writing = os.pipe()
        output = os.fdopen(reading)
        try:
            with Path(os.devnull).open() as nothing:
                streams = [nothing.fileno(), writing, writing]
                return self._fork(arguments, environment, folder, streams, output)
        except BaseException:
            output.close()
            raise
        finally:
            os.close(writing)

    def _fork(
        self,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        folder: Path | None,
        streams: list[int],
        output: IO[str] | None = None,
    ) -> Fork:
        request = {
            "arguments": arguments,
            "environment": environment,
            "folder": str(folder or Path.cwd()),
            "umask": _umask(),
        }
        status, written = os.pipe()
        try:
            socket.send_fds(self._requests, [json.dumps(request).encode()], [*streams, written])
        finally:
            os.close(written)
        return Fork(arguments, status, output)

    def stop(self) -> None:
        """End the process."""
        self._requests.close()
        self._process.wait()


def _umask() -> int:
    os.umask(umask := os.umask(0))
    return umask


def _read_number(status: int, timeout_s: float) -> int:
    if not _is_readable(status, timeout_s):
        raise TimeoutError
    (number,) = _NUMBER.unpack(os.read(status, _NUMBER.size))
    return int(number)


def _is_readable(descriptor: int, timeout_s: float | None) -> bool:
    poll = select.poll()  # select() is limited to descriptors below 1024
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))


@cache
def command_server() -> CommandServer:
    """Return the server of this process."""
    return CommandServer()


def _next_command(requests: socket.socket) -> dict[str, Any] | None:
    """Return the command that this fork runs. None: there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, files, _, _ = socket.recv_fds(requests, _MAX_REQUEST, _STREAMS + 1)
        if not data:
            return None
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _fork_and_report(files)
            for number, file in enumerate(files[:_STREAMS]):
                os.dup2(file, number)
            os.closerange(_STREAMS, max(files) + 1)
            command: dict[str, Any] = json.loads(data)
            return command
        for file in files:
            os.close(file)


def _fork_and_report(files: list[int]) -> None:
    """Return in a new fork. In this process, write the fork's ID and exit code, and end."""
    child = os.fork()
    if child:
        *streams, status = files
        for stream in streams:
            os.close(stream)  # the readers of the fork's output must see its end
        os.write(status, _NUMBER.pack(child))
        # The ID stays taken until the code can be read: a signal must not reach another process.
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert ended
        code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        os.write(status, _NUMBER.pack(code))
        os._exit(0)


def _run(command: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(command["environment"])
    time.tzset()
    os.chdir(command["folder"])
    os.umask(command["umask"])
    sys.path[0] = command["folder"]
    sys.argv = ["rum_cli", *command["arguments"]]
    runpy.run_module("rum_cli", run_name="__main__", alter_sys=True)


def _import_commands() -> None:
    from rum_cli.commands import SECTIONS

    for section in SECTIONS.values():
        for summary in section:
            import_module(f"rum_cli.{summary.module}")
    for module in _MODULES:
        import_module(module)
    assert len([*Path("/proc/self/task").iterdir()]) == 1, "a fork would lack the other threads"
    # At their end, forks would visit and so copy all objects: 0.2 s of CPU.
    gc.freeze()


if __name__ == "__main__":
    _import_commands()
    if (_command := _next_command(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _run(_command)
