"""The sum of what clients sent agrees with the log, although processes are killed.

A killed process loses its counts. The clients' count and the log remain, and so do the counts of
the process that was not killed.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.accounted import (
    Client,
    Put,
    break_and_lock,
    by_status,
    create_full_monitor,
    create_monitor,
    in_log,
    send,
    sums,
    unread,
)
from tests.support.metrics import page_addresses, read_values
from tests.support.running import Bridge, Process, Service, wait_until

_CLIENTS = 4
_SEED = 20261130
_BETWEEN_S = 1.0
"""Between faults: otherwise most of the time goes into starts."""
Values = Counter[tuple[str, ...]]
_COUNTED = {"OPENRUM_METRICS": "127.0.0.1:0", "OPENRUM_REQUEST_SAMPLING": "1"}


@pytest.mark.parametrize(
    ("events", "in_batch", "kills"),
    [
        pytest.param(4_000, 50, 1, id="4k"),
        pytest.param(1_000_000, 2_000, 20, id="1M", marks=pytest.mark.slow),
    ],
)
def test_clients_and_the_log_agree_although_processes_are_killed(
    tmp_path: Path, events: int, in_batch: int, kills: int
) -> None:
    """Half of the events are sent while the service is killed, half while the bridge is killed."""
    database = tmp_path / "openrum.sqlite3"
    with (
        Service(tmp_path, **_COUNTED) as service,
        Bridge(
            tmp_path, OPENRUM_SERVICE=service.grpc, OPENRUM_PUT_TIMEOUT_S="1", **_COUNTED
        ) as bridge,
    ):
        monitor_id = create_monitor(service.grpc, "my-app")
        full_id = create_full_monitor(service.grpc)
        seeds = range(_SEED, _SEED + _CLIENTS)
        clients = [Client(bridge.url, monitor_id, full_id, in_batch, seed) for seed in seeds]
        with _killed(service, database, kills) as of_service:
            send(clients, events // 2)
        of_bridge_alive = _values(bridge)
        first = _puts(clients)
        of_service_before, before = _values(service), in_log(database)
        with _killed(bridge, database, kills) as of_bridge:
            send(clients, events // 2)
        of_service_alive = _values(service)
        stored, dropped = in_log(database)
        last = _values(bridge)
        assert (bridge.stop(), service.stop()) == (0, 0)
    puts = _puts(clients)
    outcomes = _by_outcome(puts)
    print(f"\nkills: service {of_service}, bridge {of_bridge}")
    print(f"sent {sum(put.events for put in puts)} = {dict(outcomes)}")
    print(f"log: {stored} stored, {dropped} dropped; {_check_log(database, puts)}")
    _check_bridge(of_bridge_alive, first, bridge.output)
    of_service_alive.subtract(of_service_before)
    _check_service(of_service_alive, (stored - before[0], dropped - before[1]))

    assert outcomes.keys() == {"accepted", "rejected", "unknown"}
    assert last["openrum_bridge_received_events_total",] == sum(
        sums(last, "openrum_bridge_events_total", 0).values()
    )


@contextmanager
def _killed(process: Process, database: Path, kills: int) -> Iterator[Counter[str]]:
    """Kill the process, break the database and lock it, again and again, at least once."""
    stop = threading.Event()
    count = Counter[str]()

    def run() -> None:
        stop.wait(0.1)
        while not count or (not stop.is_set() and count["kills"] < kills):
            process.kill()
            process.start()
            count["kills"] += 1
            count.update(break_and_lock(database, stop))
            stop.wait(_BETWEEN_S)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join(120)


def _values(process: Process) -> Values:
    """Return the values of a process when nothing is in progress."""
    name = f"openrum_{process.command}_events_in_progress"
    wait_until(lambda: _read(process).get((name,)) == 0, timeout_s=60)
    return _read(process)


def _read(process: Process) -> Values:
    """Return the values of a process, or none while it starts to serve them."""
    try:
        values = read_values(page_addresses(process)[-1])
    except OSError:
        return Counter()
    # Counts are whole numbers, and sums of seconds are not used.
    return Counter({name: int(value) for name, value in values.items()})


def _puts(clients: list[Client]) -> list[Put]:
    return [put for client in clients for put in client.puts]


def _outcome(put: Put) -> str:
    """Return what the client knows. After an error of the server, a batch may be on disk."""
    if put.status == 200:
        return "accepted"
    return "rejected" if 400 <= put.status < 500 else "unknown"


def _by_outcome(puts: list[Put]) -> Counter[str]:
    """Return the events of each outcome."""
    found = Counter[str]()
    for put in puts:
        found[_outcome(put)] += put.events
    return found


def _check_bridge(values: Values, puts: list[Put], output: list[str]) -> None:
    """Compare the counts of a bridge with those of its clients."""
    ends = sums(values, "openrum_bridge_events_total", 0)
    sources = sums(values, "openrum_bridge_events_total", 2)
    not_read = set(unread(output))
    counted = sum(
        put.events for put in puts if put.kind != "not JSON" and put.request_id not in not_read
    )
    outcomes = _by_outcome(puts)
    print(f"bridge {dict(ends)}, errors from {dict(sources)}, sent {dict(outcomes)}")

    assert values["openrum_bridge_received_events_total",] == ends.total()
    assert ends.total() == counted
    assert ends["accepted"] == outcomes["accepted"]
    assert sources["no_answer"] <= outcomes["unknown"]
    assert by_status(values) == Counter(put.status for put in puts)


def _check_service(values: Values, logged: tuple[int, int]) -> None:
    """Compare the counts of a service with what its log has more since its start."""
    ends = sums(values, "openrum_service_events_total", 1)
    print(f"service {dict(ends)}")

    assert values["openrum_service_received_events_total",] == ends.total()
    assert (ends["stored"], ends["dropped"]) == logged


def _check_log(database: Path, puts: list[Put]) -> dict[str, int]:
    """Check for each batch that the log has what its clients know. Return the log's events by that.

    A batch ID can have several contents. Only one of them is stored.
    """
    found = _logged(database)
    known: dict[bytes, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for put in puts:
        if put.kind not in ("invalid", "unknown", "full"):
            known[uuid.UUID(put.batch_id).bytes][_outcome(put)].add(put.events)
    total = Counter[str]()
    for batch_id, events in found.items():
        outcomes = known[batch_id]
        outcome = "accepted" if outcomes["accepted"] else "unknown"
        total[outcome] += events
        assert events in outcomes[outcome], f"stored incompletely, or although {dict(outcomes)}"
    lost = [id_ for id_, outcomes in known.items() if outcomes["accepted"] and id_ not in found]

    assert lost == []
    return total


def _logged(database: Path) -> dict[bytes, int]:
    """Return the events of each batch of the first app monitor, with those that were dropped."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT batch_id, event_count + dropped_events FROM batches"
            " JOIN app_monitors ON app_monitor = app_monitors.key WHERE name = 'my-app'"
        )
        return dict(rows.fetchall())
