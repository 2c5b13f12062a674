"""The counts of bridge and service add up to what clients sent, with faults and retries."""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.e2e.failures import broken_store
from tests.support.batches import batch, event, message, new_id
from tests.support.metrics import page_addresses, read_values
from tests.support.running import OpenRum, Service, run_openrum

_CLIENTS = 4
_SHORT = 100
_SEED = 20261124


class _Client:
    """Sends batches of many kinds over REST, and counts them by the response."""

    def __init__(
        self, server: OpenRum, monitor_id: str, full_id: str, in_batch: int, seed: int
    ) -> None:
        """Args:
        full_id: an app monitor that has reached its quota.
        """
        self._full_id = full_id
        self._in_batch = in_batch
        self._connection = http.client.HTTPConnection(
            server.url.removeprefix("http://"), timeout=60
        )
        self._monitor_id = monitor_id
        self._random = random.Random(seed)
        self._last: dict[str, Any] = batch(1)
        self.sent = Counter[str]()
        """Events by kind of batch."""
        self.events: dict[str, int] = {}
        """Events by the request ID of the response."""
        self.batches = Counter[int]()
        """Batches by HTTP status."""

    def run(self, events: int) -> None:
        while self.sent.total() < events:
            kind = self._random.choices(
                ["new", "retry", "custom", "invalid", "conflict", "not JSON", "unknown", "full"],
                [70, 10, 8, 4, 3, 3, 2, 4],
            )[0]
            self._send(kind)
        self._connection.close()

    def _send(self, kind: str) -> None:
        document, monitor_id = self._document(kind), self._monitor_id
        body = json.dumps(document)
        if kind == "not JSON":
            body = body[:-1]
        if kind == "unknown":
            monitor_id = new_id()
        if kind == "full":
            monitor_id = self._full_id
        path = f"/appmonitors/{monitor_id}"
        self._connection.request("POST", path, body, {"Content-Type": "application/json"})
        with self._connection.getresponse() as response:
            response.read()
        self.batches[response.status] += 1
        self.sent[kind] += len(document["RumEvents"])
        self.events[response.headers["x-amzn-RequestId"]] = len(document["RumEvents"])

    def _document(self, kind: str) -> dict[str, Any]:
        if kind == "retry":
            return self._last
        # The bridge does not read long bodies for app monitors that do not exist.
        most = _SHORT if kind == "unknown" else self._in_batch
        count = self._random.randint(0, most)
        events = [event(type="com.amazon.rum.x") for _ in range(count)]
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


@contextmanager
def _faults(server: OpenRum) -> Iterator[Counter[str]]:
    """Break or lock the database, again and again, while the context is open."""
    stop = threading.Event()
    count = Counter[str]()

    def run() -> None:
        while not stop.wait(0.3):
            with broken_store(server):
                count["broken"] += 1
                stop.wait(0.1)
            with closing(sqlite3.connect(server.database, timeout=30)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                count["locked"] += 1
                stop.wait(0.1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join(60)


@pytest.mark.parametrize(
    ("events", "in_batch"),
    [
        pytest.param(30_000, 100, id="30k"),
        pytest.param(1_000_000, 2_000, id="1M", marks=pytest.mark.slow),
    ],
)
def test_the_counts_add_up_to_what_was_sent(tmp_path: Path, events: int, in_batch: int) -> None:
    settings = {"OPENRUM_METRICS": "127.0.0.1:0", "OPENRUM_REQUEST_SAMPLING": "1"}
    with OpenRum(tmp_path, **settings) as server:
        monitor_id = server.monitor_id()
        update = ("monitors", "update", "my-app", "--custom-events", "off")
        create = ("monitors", "create", "full")
        quota = ("quota", "set", "full", "1")
        ran = [run_openrum(*line, OPENRUM_SERVICE=server.grpc) for line in (update, create, quota)]
        assert [command.returncode for command in ran] == [0, 0, 0]
        full_id = ran[1].stdout.strip()
        _fill(server, full_id)
        seeds = range(_SEED, _SEED + _CLIENTS)
        clients = [_Client(server, monitor_id, full_id, in_batch, seed) for seed in seeds]
        threads = [threading.Thread(target=c.run, args=(events // _CLIENTS,)) for c in clients]
        with _faults(server) as faults:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        over_grpc = _put_over_grpc(server, monitor_id)
        (address,) = page_addresses(server)
        values = read_values(address)
        server.stop()
    sent = sum((client.sent for client in clients), Counter[str]())
    batches = sum((client.batches for client in clients), Counter[int]())
    bridge = _sums(values, "openrum_bridge_events_total", 0)
    sources = _sums(values, "openrum_bridge_events_total", 2)
    service = _sums(values, "openrum_service_events_total", 1)
    reasons = _sums(values, "openrum_service_batches_total", 2)
    of_bridge = _sums(values, "openrum_bridge_batches_total", 1)
    events_of = {id_: count for client in clients for id_, count in client.events.items()}
    unread = sum(events_of[id_] for id_ in _unread(server.output))
    print(f"\nsent {dict(sent)}, responses {dict(batches)}, faults {dict(faults)}")
    print(f"bridge {dict(bridge)}, errors from {dict(sources)}\nservice {dict(service)}")
    print(f"rejected batches: bridge {dict(of_bridge)}, service {dict(reasons)}, unread {unread}")

    assert sent.total() >= events
    assert all(faults.values())
    assert {200, 400, 404, 429, 500} <= set(batches)
    # The bridge: all that REST clients sent. It cannot count events in what it does not parse.
    readable = sent.total() - sent["not JSON"] - unread
    assert values["openrum_bridge_received_events_total",] == readable
    assert bridge.total() == readable
    assert _by_status(values) == batches
    # The service: what the bridge passed on, and what came over gRPC.
    passed_on = readable - sources["bridge"]
    assert sources["no_answer"] == 0
    assert values["openrum_service_received_events_total",] == passed_on + over_grpc
    assert service.total() == passed_on + over_grpc
    assert values["openrum_service_events_in_progress",] == 0
    assert service["stored"] + service["duplicate"] + service["dropped"] == (
        bridge["accepted"] + over_grpc
    )
    assert of_bridge["StoredBytesQuota"] >= reasons["StoredBytesQuota"] > 0
    # The log, which nothing counts but the database.
    assert _in_log(server.database) == (service["stored"], service["dropped"])


def _fill(server: OpenRum, monitor_id: str) -> None:
    """Put batches without events over gRPC until one is rejected."""
    with grpc.insecure_channel(server.grpc) as channel:
        put = DataPlaneServiceStub(channel).PutRumEvents
        with pytest.raises(grpc.RpcError, match="has reached its quota"):
            while True:
                put(message(monitor_id, 0), timeout=60)


def _put_over_grpc(server: OpenRum, monitor_id: str) -> int:
    """Put some batches over gRPC and return the number of their events."""
    with grpc.insecure_channel(server.grpc) as channel:
        for events in (1, 2, 3):
            request = message(monitor_id, events)
            for item in request.rum_events:
                item.type = "com.amazon.rum.x"
            DataPlaneServiceStub(channel).PutRumEvents(request, timeout=60)
    return 6


def _sums(values: dict[tuple[str, ...], float], name: str, label: int) -> Counter[str]:
    """Return the sums of a metric for each value of the label at this position."""
    found = Counter[str]()
    for (metric, *labels), value in values.items():
        if metric == name:
            found[labels[label]] += int(value)
    return found


def _unread(lines: list[str]) -> Iterator[str]:
    """Yield the request IDs of puts that the bridge has rejected before it read their bodies.

    It does so if an app monitor is full or does not exist, or if the service cannot look it up.
    """
    for line in lines:
        if '"request"' in line and '"part": "bridge"' in line:
            request = json.loads(line)
            if request["operation"] == "PutRumEvents" and request["bytes"] == 0:
                yield request["request_id"]


def _by_status(values: dict[tuple[str, ...], float]) -> Counter[int]:
    return Counter(
        {
            int(labels[1]): int(value)
            for (metric, *labels), value in values.items()
            if metric == "openrum_bridge_responses_total" and labels[0] == "put" and value
        }
    )


def _in_log(database: Path) -> tuple[int, int]:
    """Return the number of events in the log, and of those that were dropped from its batches."""
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute("SELECT sum(event_count), sum(dropped_events) FROM batches")
        stored, dropped = row.fetchone()
    return stored, dropped


def test_stats_prints_the_counts_of_both_parts(tmp_path: Path) -> None:
    with OpenRum(tmp_path) as server:
        path = f"/appmonitors/{server.monitor_id()}"
        stored, invalid = batch(3), batch(2, BatchId="x")
        statuses = [server.post(path, body)[0] for body in (stored, stored, invalid, [])]
        table, of_one, unknown, as_json = (
            run_openrum("stats", *arguments, OPENRUM_SERVICE=server.grpc, cwd=tmp_path)
            for arguments in ((), ("my-app", "--received"), ("other", "--received"), ("--json",))
        )
        server.stop()
    documents = [json.loads(line) for line in as_json.stdout.splitlines()]
    events = [
        (d["Part"], d["Outcome"], d.get("AppMonitorName"), d.get("Reason"), d["Events"])
        for d in documents
    ]
    rows = [line.split() for line in table.stdout.splitlines()]

    assert statuses == [200, 200, 400, 400]
    assert events == [
        ("service", "received", None, None, 8),
        ("service", "duplicate", "my-app", None, 3),
        ("service", "rejected", "my-app", "ValidationException", 2),
        ("service", "stored", "my-app", None, 3),
        ("service", "in progress", None, None, 0),
        ("bridge", "received", None, None, 8),
        ("bridge", "accepted", None, None, 6),
        ("bridge", "rejected", None, "ValidationException", 0),
        ("bridge", "rejected", None, "ValidationException", 2),
        ("bridge", "in progress", None, None, 0),
    ]
    assert {d.get("Source") for d in documents} == {None, "bridge", "service"}
    assert rows[0][0] == "Since"
    assert rows[1][:3] == ["Part", "Outcome", "App"]
    assert [row[0] for row in rows[2:]] == [part for part, *_ in events]
    assert [line.split()[1] for line in of_one.stdout.splitlines()[2:]] == [
        "duplicate",
        "rejected",
        "stored",
    ]
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "ResourceNotFoundException" in unknown.stderr


def test_a_stopping_process_logs_its_counts(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        service.stop()
    (stopped,) = [json.loads(line) for line in service.output if '"service stopped"' in line]

    assert stopped["events"] == {"received": 0}
