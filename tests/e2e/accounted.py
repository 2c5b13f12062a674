"""Clients that count the events they send by the response, faults, and the counts of processes."""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from rum.operator.v1.operator_service_pb2 import SetStoredBytesQuotaRequest
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.e2e.failures import hidden_batches
from tests.support.batches import batch, event, message, new_id

__all__ = [
    "Client",
    "Put",
    "break_and_lock",
    "by_status",
    "create_full_monitor",
    "create_monitor",
    "faults",
    "in_log",
    "send",
    "sums",
    "unread",
]

_SHORT = 100
_KINDS = {
    "new": 70,
    "retry": 10,
    "custom": 8,
    "invalid": 4,
    "conflict": 3,
    "not JSON": 3,
    "unknown": 2,
    "full": 4,
}
"""Kinds of batches, and how often each is sent."""


@dataclass(frozen=True)
class Put:
    """A batch that was sent once."""

    kind: str
    batch_id: str
    events: int
    status: int
    """Of the response; 0 if there was none."""
    request_id: str = ""


class Client:
    """Sends batches of many kinds over REST, and keeps the response of each."""

    def __init__(self, url: str, monitor_id: str, full_id: str, in_batch: int, seed: int) -> None:
        """Args:
        full_id: an app monitor that has reached its quota.
        in_batch: the events in a batch, at most.
        """
        self._monitor_id = monitor_id
        self._full_id = full_id
        self._in_batch = in_batch
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._random = random.Random(seed)
        self._last: dict[str, Any] = batch(1)
        self.puts: list[Put] = []

    def run(self, events: int) -> None:
        """Send batches until they have so many events together."""
        kinds, weights = [*_KINDS], [*_KINDS.values()]
        sent = 0
        while sent < events:
            self._send(*self._random.choices(kinds, weights))
            sent += self.puts[-1].events
        self._connection.close()

    def _send(self, kind: str) -> None:
        document = self._document(kind)
        body = json.dumps(document)
        if kind == "not JSON":
            body = body[:-1]
        monitor_id = {"unknown": new_id(), "full": self._full_id}.get(kind, self._monitor_id)
        status, request_id = self._post(f"/appmonitors/{monitor_id}", body)
        events = len(document["RumEvents"])
        self.puts.append(Put(kind, document["BatchId"], events, status, request_id))

    def _post(self, path: str, body: str) -> tuple[int, str]:
        self._connect()
        try:
            self._connection.request("POST", path, body, {"Content-Type": "application/json"})
            with self._connection.getresponse() as response:
                response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, ""
        return response.status, response.headers["x-amzn-RequestId"]

    def _connect(self) -> None:
        """Wait until there is a connection. A batch counts as sent only then."""
        deadline = time.monotonic() + 60
        while self._connection.sock is None:
            try:
                self._connection.connect()
            except OSError:
                self._connection.close()
                assert time.monotonic() < deadline, "the server is away"
                time.sleep(0.02)

    def _document(self, kind: str) -> dict[str, Any]:
        if kind == "retry":
            return self._last
        # The bridge does not read long bodies for app monitors that do not exist.
        most = _SHORT if kind == "unknown" else self._in_batch
        events = [event(type="com.amazon.rum.x") for _ in range(self._random.randint(0, most))]
        document = batch(events)
        if kind == "custom":
            for custom in events[::2]:
                custom["type"] = "custom"
        if kind == "invalid":
            document["BatchId"] = "x"
        if kind == "conflict":
            document["BatchId"] = self._last["BatchId"]
        if kind == "new":
            self._last = document
        return document


def create_monitor(service: str, name: str) -> str:
    """Create an app monitor without custom events, and return its ID."""
    request = CreateAppMonitorRequest(name=name, domain="localhost")
    with grpc.insecure_channel(service) as channel:
        return ControlPlaneServiceStub(channel).CreateAppMonitor(request).id


def create_full_monitor(service: str) -> str:
    """Create an app monitor that has reached its quota, and return its ID."""
    monitor_id = create_monitor(service, "full")
    quota = SetStoredBytesQuotaRequest(app_monitor_name="full", quota=1)
    with grpc.insecure_channel(service) as channel:
        OperatorServiceStub(channel).SetStoredBytesQuota(quota)
        put = DataPlaneServiceStub(channel).PutRumEvents
        with pytest.raises(grpc.RpcError, match="has reached its quota"):
            while True:
                put(message(monitor_id, 0), timeout=60)
    return monitor_id


def break_and_lock(database: Path, stop: threading.Event) -> Counter[str]:
    """Hide the table of batches for a moment, then lock the database. Return both as a count."""
    with hidden_batches(database):
        stop.wait(0.1)
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        stop.wait(0.1)
    return Counter(broken=1, locked=1)


def send(clients: Sequence[Client], events: int) -> None:
    """Let the clients send so many events together."""
    with ThreadPoolExecutor(len(clients)) as pool:
        for sending in [pool.submit(client.run, events // len(clients)) for client in clients]:
            sending.result()


@contextmanager
def faults(database: Path) -> Iterator[Counter[str]]:
    """Break or lock the database, again and again, while the context is open."""
    stop = threading.Event()
    count = Counter[str]()

    def run() -> None:
        while not stop.wait(0.3):
            count.update(break_and_lock(database, stop))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join(60)


def sums(values: dict[tuple[str, ...], float], name: str, label: int) -> Counter[str]:
    """Return the sums of a metric for each value of the label at this position."""
    found = Counter[str]()
    for (metric, *labels), value in values.items():
        if metric == name:
            found[labels[label]] += int(value)
    return found


def unread(lines: Iterable[str]) -> Iterator[str]:
    """Yield the request IDs of puts that the bridge has rejected before it read their bodies.

    It does so if an app monitor is full or does not exist, or if the service cannot look it up.
    """
    for line in lines:
        if '"request"' in line and '"part": "bridge"' in line:
            request = json.loads(line)
            if request["operation"] == "PutRumEvents" and request["bytes"] == 0:
                yield request["request_id"]


def by_status(values: dict[tuple[str, ...], float]) -> Counter[int]:
    """Return how many puts the bridge has answered with each status."""
    return Counter(
        {
            int(labels[1]): int(value)
            for (metric, *labels), value in values.items()
            if metric == "openrum_bridge_responses_total" and labels[0] == "put" and value
        }
    )


def in_log(database: Path) -> tuple[int, int]:
    """Return the number of events in the log, and of those that were dropped from its batches."""
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute(
            "SELECT coalesce(sum(event_count), 0), coalesce(sum(dropped_events), 0) FROM batches"
        )
        stored, dropped = row.fetchone()
    return stored, dropped
