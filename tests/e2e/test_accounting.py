"""The counts of bridge and service add up to what clients sent, with faults and retries."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import grpc
import pytest

from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.e2e.accounted import (
    Client,
    by_status,
    create_full_monitor,
    faults,
    in_log,
    send,
    sums,
    unread,
)
from tests.support.batches import batch, message
from tests.support.metrics import page_addresses, read_values
from tests.support.running import OpenRum, Service, run_openrum

_CLIENTS = 4
_SEED = 20261124


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
        assert run_openrum(*update, OPENRUM_SERVICE=server.grpc).returncode == 0
        full_id = create_full_monitor(server.grpc)
        seeds = range(_SEED, _SEED + _CLIENTS)
        clients = [Client(server.url, monitor_id, full_id, in_batch, seed) for seed in seeds]
        with faults(server.database) as inflicted:
            send(clients, events)
        over_grpc = _put_over_grpc(server, monitor_id)
        (address,) = page_addresses(server)
        values = read_values(address)
        server.stop()
    puts = [put for client in clients for put in client.puts]
    sent = Counter[str]()
    for put in puts:
        sent[put.kind] += put.events
    batches = Counter(put.status for put in puts)
    bridge = sums(values, "openrum_bridge_events_total", 0)
    sources = sums(values, "openrum_bridge_events_total", 2)
    service = sums(values, "openrum_service_events_total", 1)
    reasons = sums(values, "openrum_service_batches_total", 2)
    of_bridge = sums(values, "openrum_bridge_batches_total", 1)
    events_of = {put.request_id: put.events for put in puts}
    not_read = sum(events_of[id_] for id_ in unread(server.output))
    print(f"\nsent {dict(sent)}, responses {dict(batches)}, faults {dict(inflicted)}")
    print(f"bridge {dict(bridge)}, errors from {dict(sources)}\nservice {dict(service)}")
    print(f"rejected batches: bridge {dict(of_bridge)}, service {dict(reasons)}, unread {not_read}")

    assert sent.total() >= events
    assert all(inflicted.values())
    assert {200, 400, 404, 429, 500} <= set(batches)
    # The bridge: all that REST clients sent. It cannot count events in what it does not parse.
    readable = sent.total() - sent["not JSON"] - not_read
    assert values["openrum_bridge_received_events_total",] == readable
    assert bridge.total() == readable
    assert by_status(values) == batches
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
    assert in_log(server.database) == (service["stored"], service["dropped"])


def _put_over_grpc(server: OpenRum, monitor_id: str) -> int:
    """Put some batches over gRPC and return the number of their events."""
    with grpc.insecure_channel(server.grpc) as channel:
        for events in (1, 2, 3):
            request = message(monitor_id, events)
            for item in request.rum_events:
                item.type = "com.amazon.rum.x"
            DataPlaneServiceStub(channel).PutRumEvents(request, timeout=60)
    return 6


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
