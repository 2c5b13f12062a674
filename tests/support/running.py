"""OpenRUM in separate processes: `openrum up`, the service, the bridge, and other commands."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import grpc

from rum.v1.control_plane_service_pb2 import (
    GetAppMonitorDataRequest,
    ListAppMonitorsRequest,
    TimeRange,
)
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.support.command_server import Fork, command_server

OPENRUM = (sys.executable, "-m", "rum_cli")
_START_TIMEOUT_S = 60.0


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with only these settings of OpenRUM."""
    # Allow bytecode files: without them, each process compiles for seconds.
    ours = {key: value for key, value in os.environ.items() if not key.startswith("OPENRUM_")}
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**ours, **settings}


class Process:
    """A long-running `openrum` command that is killed when its context ends.

    It listens on free ports and keeps them across restarts.
    """

    command: str
    arguments: tuple[str, ...] = ()
    forks = False
    """Whether it runs in a fork of a process that has imported its modules, if it can."""
    tls: ssl.SSLContext | None = None
    """The context that trusts the HTTP certificate, or None without TLS."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self._settings = settings
        self._http = self._grpc = "127.0.0.1:0"
        self.output: list[str] = []
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self._http}"

    @property
    def grpc(self) -> str:
        return self._grpc

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def operator(self) -> tuple[tuple[str, str]]:
        """Metadata with the operator token, which allows every call."""
        token = (self.folder / "var" / "operator.token").read_text().strip()
        return (("authorization", f"Bearer {token}"),)

    def start(self) -> None:
        """Start the process and wait until it is ready; if it does not get ready, kill it."""
        self._process = self.begin()
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self._reader.start()
        try:
            is_ready = ready.wait(_START_TIMEOUT_S) and self._is_up()
        except BaseException:  # for example, an untrusted certificate
            self.kill()
            raise
        if not is_ready:
            self.kill()
            raise RuntimeError("OpenRUM did not start:\n" + "".join(self.output))

    def begin(self, **settings: str) -> subprocess.Popen[str] | Fork:
        """Start the process without waiting until it is ready."""
        addresses = {"OPENRUM_HTTP": self._http, "OPENRUM_GRPC": self._grpc}
        settings = {**addresses, **self._settings, **settings}
        command, options = self._command()
        if self.forks and _can_fork(command, options, settings):
            return command_server().start(
                tuple(command[len(OPENRUM) :]),
                environment=environment(**settings),
                folder=self.folder,
            )
        return subprocess.Popen(
            command,
            **options,
            env=environment(**settings),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _command(self) -> tuple[list[str], dict[str, Any]]:
        """Return the command line, and more options of Popen."""
        return [*OPENRUM, self.command, *self.arguments], {}

    def _is_up(self) -> bool:
        return self._process.poll() is None

    def _read(self, ready: threading.Event) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.output.append(line)
            if self._is_ready(line):
                ready.set()
        ready.set()

    def _is_ready(self, line: str) -> bool:
        """Read the addresses in a line of output. Return whether the line ends the start."""
        raise NotImplementedError

    def get(self, path: str) -> tuple[int, str]:
        """Return the status and the text of a GET."""
        return self._request(path, None)

    def post(self, path: str, document: object) -> tuple[int, str]:
        """Return the status and the text of a POST of JSON."""
        return self._request(path, json.dumps(document).encode())

    def _request(self, path: str, body: bytes | None) -> tuple[int, str]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def stop(self, timeout_s: float = 30.0) -> int:
        """Send SIGTERM and return the exit code."""
        return self._end(signal.SIGTERM, timeout_s)

    def kill(self) -> int:
        """Send SIGKILL and return the exit code."""
        return self._end(signal.SIGKILL, 30.0)

    def _end(self, number: signal.Signals, timeout_s: float) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(timeout_s)
        self._reader.join(timeout_s)
        assert self._process.stdout
        self._process.stdout.close()
        return code


def _can_fork(command: list[str], options: dict[str, Any], settings: dict[str, str]) -> bool:
    """Return whether a fork would not differ. Other variables can change how a process starts."""
    is_openrum = tuple(command[: len(OPENRUM)]) == OPENRUM
    return is_openrum and not options and all(name.startswith("OPENRUM_") for name in settings)


class OpenRum(Process):
    """`openrum up` with its own database, without a projector unless `projects` is set."""

    command = "up"
    projects = False

    def __init__(self, folder: Path, **settings: str) -> None:
        self.database = folder / "openrum.sqlite3"
        super().__init__(
            folder, **{"OPENRUM_DATABASE_URL": f"sqlite:///{self.database}", **settings}
        )

    def _command(self) -> tuple[list[str], dict[str, Any]]:
        command, options = super()._command()
        return command if self.projects else [*command, "--no-projector"], options

    def _is_up(self) -> bool:
        return super()._is_up() and self.get("/readyz")[0] == 200

    def _is_ready(self, line: str) -> bool:
        words = line.split()
        if len(words) == 2 and words[0] == "HTTP":
            self._http = words[1].partition("://")[2]
        if len(words) == 2 and words[0] == "gRPC":
            self._grpc = words[1]
        return line.startswith("Connect your clients:")

    def monitor_id(self, name: str = "my-app") -> str:
        """Return the ID of an app monitor. The first start created my-app."""
        with grpc.insecure_channel(self.grpc) as channel:
            listed = ControlPlaneServiceStub(channel).ListAppMonitors(
                ListAppMonitorsRequest(), metadata=self.operator
            )
        return next(m.id for m in listed.app_monitor_summaries if m.name == name)


class Service(Process):
    """`openrum service` with its own database."""

    command = "service"

    def __init__(self, folder: Path, **settings: str) -> None:
        database = f"sqlite:///{folder / 'openrum.sqlite3'}"
        super().__init__(folder, **{"OPENRUM_DATABASE_URL": database, **settings})

    def _is_ready(self, line: str) -> bool:
        if '"service listens"' in line:
            self._grpc = json.loads(line)["grpc"]
            return True
        return False


class Bridge(Process):
    """`openrum bridge`. It calls the service in the setting OPENRUM_SERVICE."""

    command = "bridge"

    def _is_ready(self, line: str) -> bool:
        if '"bridge listens"' in line:
            self._http = json.loads(line)["http"]
            return True
        return False


def run_openrum(
    *arguments: str, stdin: str | None = None, cwd: Path | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run an `openrum` command to its end."""
    return command_server().run(
        arguments, environment=environment(**settings), folder=cwd, stdin=stdin or "", timeout_s=60
    )


def run_in_new_process(
    *arguments: str,
    python: str = sys.executable,
    stdin: str = "",
    cwd: Path | None = None,
    **settings: str,
) -> subprocess.CompletedProcess[str]:
    """Run an `openrum` command as `run_openrum` does, but without its forks. It takes longer.

    Args:
        python: the Python of another checkout, for its command.
    """
    return subprocess.run(
        [python, "-m", "rum_cli", *arguments],
        cwd=cwd,
        env=environment(**settings),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def read_back(service: str, name: str, page_size: int = 100) -> list[str]:
    """Return the documents of all events of an app monitor, newest batch first."""
    return list(_pages(service, name, page_size))


def _pages(service: str, name: str, page_size: int) -> Iterator[str]:
    request = GetAppMonitorDataRequest(
        name=name, time_range=TimeRange(after=-(2**53)), max_results=page_size
    )
    with grpc.insecure_channel(service) as channel:
        read = ControlPlaneServiceStub(channel).GetAppMonitorData
        while True:
            page = read(request)
            yield from page.events
            if not page.next_token:
                return
            request.next_token = page.next_token


def wait_until(condition: object, timeout_s: float = 30.0, every_s: float = 0.05) -> None:
    """Wait until `condition()` is true. Fail if it is still false after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise AssertionError(f"still false after {timeout_s} s: {condition}")
        time.sleep(every_s)
