"""The servers that are measured, each in its own processes and with its own data."""

from __future__ import annotations

__all__ = ["Server", "Servers"]

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc

from bench.checkout import OURS, Both, Bridge, Checkout, Module, Service
from bench.cores import on_cores, server_cores
from bench.cpu import descendants
from bench.descriptors import descriptor_set
from bench.ledger import Ledger
from bench.requests import AccessKey
from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.resource_policy_pb2 import PutResourcePolicyRequest
from tests.tools import envoy
from tests.tools.postgres import Postgres, postgres

_ALLOW_EVERYONE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "rum:PutRumEvents", "Resource": "*"}
    ],
}
# An open loop on one machine needs as many connections as many clients have.
_MANY_CONNECTIONS = {
    "OPENRUM_MAX_CONNECTIONS": "40000",
    "OPENRUM_MAX_CONNECTIONS_PER_ADDRESS": "40000",
}
_DATA_PLANE = "rum.v1.DataPlaneService"
_ANY_ID = "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11"


@dataclass
class Server:
    """A running server."""

    pids: dict[str, int]
    """Its processes, by what they are."""
    http: str = ""
    grpc: str = ""
    ledger: Ledger | None = None
    """None: the server stores nothing."""
    batch_method: str = OURS.batch_method
    open_monitor: str = _ANY_ID
    """An app monitor to which everyone may put, by its policy if callers are authorized."""
    closed_monitor: str = ""
    """An app monitor to which only `key` may put."""
    history_monitor: str = ""
    """An app monitor that only `reading` fills and reads. Its name is `history`."""
    key: AccessKey | None = None


class Servers:
    """Starts a server when it is first used. The context manager stops all of them.

    Args:
        against: another checkout, whose servers have names that start with `against `.
    """

    def __init__(self, folder: Path, *, against: Checkout | None = None) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._running: dict[str, Server] = {}
        self._postgres: Postgres | None = None
        self._starts: dict[str, Callable[[Path], Server]] = {
            "no-op http": partial(self._no_op, face="http"),
            "no-op grpc": partial(self._no_op, face="grpc"),
            "no-op grpc sync": partial(self._no_op, face="grpc-sync"),
            "naive": self._naive,
            "apart": partial(self._apart, OURS),
            "apart required": self._required,
            "preloaded": partial(self._apart, OURS),
            "postgres": self._on_postgres,
            "envoy": self._envoy,
            "up": partial(self._up, OURS),
            "overloaded": self._overloaded,
        }
        if against:
            self._starts["against apart"] = partial(self._apart, against)
            self._starts["against preloaded"] = partial(self._apart, against)

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

    def __contains__(self, name: str) -> bool:
        return name in self._starts

    def overloaded(self, environment: dict[str, str]) -> Server:
        """Start the server that is overloaded, with more variables in its environment."""
        folder = self._folder / "overloaded"
        folder.mkdir()
        return self._overloaded(folder, **environment)

    def lost(self) -> dict[str, int]:
        """Return, by server, how many acknowledged batches are missing. Expected: none."""
        ledgers = {name: server.ledger for name, server in self._running.items() if server.ledger}
        missing = {name: each.acknowledged - each.stored() for name, each in ledgers.items()}
        return {name: number for name, number in missing.items() if number}

    def _no_op(self, folder: Path, face: str) -> Server:
        module = self._stack.enter_context(Module(folder, "bench.ceiling", face))
        return Server({"no-op": module.pid}, http=module.address, grpc=module.address)

    def _naive(self, folder: Path) -> Server:
        file = str(folder / "naive.sqlite3")
        service = self._stack.enter_context(Module(folder, "bench.naive", "service", file))
        bridge = self._stack.enter_context(Module(folder, "bench.naive", "bridge", service.address))
        pids = {"service": service.pid, "bridge": bridge.pid}
        return Server(pids, bridge.address, service.address, Ledger(f"sqlite:///{file}"))

    def _apart(self, checkout: Checkout, folder: Path, **settings: str) -> Server:
        settings.setdefault("OPENRUM_DATABASE_URL", f"sqlite:///{folder / 'openrum.sqlite3'}")
        service = self._stack.enter_context(Service(checkout, folder, **settings))
        bridge = self._stack.enter_context(
            Bridge(checkout, folder, OPENRUM_SERVICE=service.grpc, **settings)
        )
        pids = {"service": service.pid, "bridge": bridge.pid}
        ledger = Ledger(settings["OPENRUM_DATABASE_URL"])
        return _with_monitors(
            Server(pids, bridge.url.removeprefix("http://"), service.grpc, ledger), checkout, folder
        )

    def _on_postgres(self, folder: Path) -> Server:
        if self._postgres is None:
            self._postgres = self._stack.enter_context(postgres())
        url = self._postgres.create_database("bench")
        return self._apart(OURS, folder, OPENRUM_DATABASE_URL=url)

    def _required(self, folder: Path) -> Server:
        return _with_key(self._apart(OURS, folder, OPENRUM_AUTH="required"), OURS, folder)

    def _up(self, checkout: Checkout, folder: Path, **settings: str) -> Server:
        url = f"sqlite:///{folder / 'openrum.sqlite3'}"
        both = self._stack.enter_context(
            Both(checkout, folder, OPENRUM_DATABASE_URL=url, **settings)
        )
        server = Server({"up": both.pid}, both.url.removeprefix("http://"), both.grpc, Ledger(url))
        return _with_monitors(server, checkout, folder)

    def _overloaded(self, folder: Path, **environment: str) -> Server:
        with on_cores(server_cores()):
            return self._up(OURS, folder, **_MANY_CONNECTIONS, **environment)

    def _envoy(self, folder: Path) -> Server:
        behind = self["apart"]
        before = descendants(os.getpid())
        port = self._stack.enter_context(
            envoy.transcoder(descriptor_set(), [_DATA_PLANE], behind.grpc)
        )
        (pid,) = descendants(os.getpid()) - before
        return Server(
            {"service": behind.pids["service"], "envoy": pid},
            http=f"127.0.0.1:{port}",
            ledger=behind.ledger,
            open_monitor=behind.open_monitor,
        )


def _with_monitors(server: Server, checkout: Checkout, folder: Path) -> Server:
    """Create the app monitors that requests use."""
    token = (folder / "var" / "operator.token").read_text().strip()
    operator = (("authorization", f"Bearer {token}"),)
    with grpc.insecure_channel(server.grpc) as channel:
        control_plane = ControlPlaneServiceStub(channel)

        def created(name: str) -> str:
            # Custom events are kept, so that the log has everything that was sent.
            request = CreateAppMonitorRequest(
                name=name, domain="localhost", custom_events=CustomEvents(status="ENABLED")
            )
            return control_plane.CreateAppMonitor(request, metadata=operator).id

        server.open_monitor = created("open")
        server.closed_monitor = created("closed")
        server.history_monitor = created("history")
        policy = PutResourcePolicyRequest(name="open", policy_document=json.dumps(_ALLOW_EVERYONE))
        control_plane.PutResourcePolicy(policy, metadata=operator)
    server.batch_method = checkout.batch_method
    return server


def _with_key(server: Server, checkout: Checkout, folder: Path) -> Server:
    """Create the access key that signs requests."""
    run = checkout.run("keys", "create", "--json", service=server.grpc, folder=folder)
    key = json.loads(run)
    server.key = (key["AccessKeyId"], key["SecretAccessKey"])
    return server
