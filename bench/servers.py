"""The servers to measure. Each has its own processes and its own data folder."""

from __future__ import annotations

__all__ = ["Server", "Servers"]

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.requests import AccessKey
from tests.support.running import Bridge, OpenRum, Process, Service, environment, run_openrum

_ROOT = Path(__file__).parents[1]
_ALLOW_ANYONE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "rum:PutRumEvents", "Resource": "*"}
    ],
}


@dataclass
class Server:
    """A running server."""

    pids: list[int]
    http: str = ""
    grpc: str = ""
    database: Path | None = None
    open_monitor: str = "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11"
    """An app monitor that anyone can put to: its policy allows that if callers are authorized."""
    closed_monitor: str = ""
    """An app monitor that only `key` can put to."""
    key: AccessKey | None = None
    stored: int = field(default=0, init=False)
    """Number of batches that the server has acknowledged."""

    def batches_on_disk(self) -> int:
        """Return the number of batches on disk."""
        assert self.database
        with sqlite3.connect(self.database) as connection:
            return int(connection.execute("SELECT count(*) FROM batches").fetchone()[0])


class Servers:
    """Starts each server when it is first used, and ends all of them with the context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._running: dict[str, Server] = {}
        self._starts: dict[str, Callable[[Path], Server]] = {
            "ceiling http": partial(self._ceiling, face="http"),
            "ceiling grpc": partial(self._ceiling, face="grpc"),
            "naive": self._naive,
            "apart": self._apart,
            "apart required": partial(self._apart, OPENRUM_AUTH="required"),
            "up": self._up,
        }

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __getitem__(self, name: str) -> Server:
        if name not in self._running:
            folder = self._folder / name.replace(" ", "-")
            folder.mkdir(parents=True)
            self._running[name] = self._starts[name](folder)
        return self._running[name]

    def lost(self) -> dict[str, int]:
        """Return by server how many acknowledged batches are not on disk. It should be empty."""
        return {
            name: server.stored - server.batches_on_disk()
            for name, server in self._running.items()
            if server.database and server.stored != server.batches_on_disk()
        }

    def _ceiling(self, folder: Path, face: str) -> Server:
        peer = self._stack.enter_context(_Peer(folder, "bench.ceiling", face))
        return Server([peer.pid], http=peer.address, grpc=peer.address)

    def _naive(self, folder: Path) -> Server:
        database = folder / "naive.sqlite3"
        service = self._stack.enter_context(_Peer(folder, "bench.naive", "service", str(database)))
        bridge = self._stack.enter_context(_Peer(folder, "bench.naive", "bridge", service.address))
        pids = [service.pid, bridge.pid]
        return Server(pids, bridge.address, service.address, database)

    def _apart(self, folder: Path, **settings: str) -> Server:
        service = self._stack.enter_context(Service(folder, **settings))
        bridge = self._stack.enter_context(Bridge(folder, OPENRUM_SERVICE=service.grpc, **settings))
        return self._with_monitors(folder, [service.pid, bridge.pid], bridge.url, service.grpc)

    def _up(self, folder: Path) -> Server:
        both = self._stack.enter_context(OpenRum(folder))
        return self._with_monitors(folder, [both.pid], both.url, both.grpc)

    def _with_monitors(self, folder: Path, pids: list[int], url: str, grpc: str) -> Server:
        def run(*arguments: str, stdin: str | None = None) -> str:
            token = str(folder / "var" / "operator.token")
            target = {"OPENRUM_SERVICE": grpc, "OPENRUM_TOKEN_FILE": token}
            done = run_openrum(*arguments, stdin=stdin, **target)
            assert done.returncode == 0, done.stderr
            return done.stdout

        monitors = [
            json.loads(run("monitors", "create", name, "--json"))["Id"]
            for name in ("open", "closed")
        ]
        run("policy", "put", "open", "--file", "-", stdin=json.dumps(_ALLOW_ANYONE))
        key = json.loads(run("keys", "create", "--name", "bench", "--json"))
        return Server(
            pids,
            url.removeprefix("http://"),
            grpc,
            folder / "openrum.sqlite3",
            open_monitor=monitors[0],
            closed_monitor=monitors[1],
            key=(key["AccessKeyId"], key["SecretAccessKey"]),
        )


class _Peer(Process):
    """A server implemented in this folder: a module that prints its address."""

    def __init__(self, folder: Path, *module_and_arguments: str) -> None:
        self._command = [sys.executable, "-m", *module_and_arguments]
        self.address = ""
        super().__init__(folder)

    def begin(self, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            env=environment(PYTHONPATH=str(_ROOT), **settings),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _is_ready(self, line: str) -> bool:
        if '"listens"' in line:
            self.address = json.loads(line)["listens"]
        return bool(self.address)
