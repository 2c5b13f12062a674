"""A real OpenRUM in a process of its own, as `openrum up` runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import grpc

from rum.v1.control_plane_service_pb2 import ListAppMonitorsRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub

_START_TIMEOUT_S = 60.0


class OpenRum:
    """A server with data of its own. Ports are free ones, and kept over restarts."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.database = folder / "openrum.sqlite3"
        self._settings = settings
        self._http = self._grpc = "127.0.0.1:0"
        self.output: list[str] = []
        self.start()

    @property
    def url(self) -> str:
        return f"http://{self._http}"

    @property
    def grpc(self) -> str:
        return self._grpc

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        """Starts the server and waits until it is ready."""
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("OPENRUM_")},
            "OPENRUM_HTTP": self._http,
            "OPENRUM_GRPC": self._grpc,
            "OPENRUM_DATABASE_URL": f"sqlite:///{self.database}",
            **self._settings,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rum_cli", "up"],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self._reader.start()
        if not ready.wait(_START_TIMEOUT_S) or not self._is_up():
            self.kill()
            raise RuntimeError("OpenRUM did not start:\n" + "".join(self.output))

    def _is_up(self) -> bool:
        return self._process.poll() is None and self.get("/readyz")[0] == 200

    def _read(self, ready: threading.Event) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.output.append(line)
            words = line.split()
            if len(words) == 2 and words[0] == "HTTP":
                self._http = words[1].removeprefix("http://")
            if len(words) == 2 and words[0] == "gRPC":
                self._grpc = words[1]
            if line.startswith("Stop with"):
                ready.set()
        ready.set()

    def get(self, path: str) -> tuple[int, str]:
        """Returns status and text of a GET."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def monitor_id(self) -> str:
        """Returns the id of the app monitor that the first start made."""
        with grpc.insecure_channel(self.grpc) as channel:
            listed = ControlPlaneServiceStub(channel).ListAppMonitors(ListAppMonitorsRequest())
        return next(m.id for m in listed.app_monitor_summaries if m.name == "my-app")

    def stop(self, timeout_s: float = 30.0) -> int:
        """Sends SIGTERM and returns the exit code."""
        return self._end(signal.SIGTERM, timeout_s)

    def kill(self) -> int:
        """Sends SIGKILL and returns the exit code."""
        return self._end(signal.SIGKILL, 30.0)

    def _end(self, number: signal.Signals, timeout_s: float) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(timeout_s)
        self._reader.join(timeout_s)
        assert self._process.stdout
        self._process.stdout.close()
        return code


def wait_until(condition: object, timeout_s: float = 30.0, every_s: float = 0.05) -> None:
    """Waits until `condition()` is true; fails when it does not become so."""
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {timeout_s} s: {condition}")
        time.sleep(every_s)
