"""Old events are deleted, as operators see it, and nothing else is."""

from __future__ import annotations

import json
import random
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from rum_service.storage import open_store
from rum_service.storage.records import Batch
from tests.support.batches import message
from tests.support.load import Load
from tests.support.running import OpenRum, read_back, run_openrum, wait_until

_DAY_S = 86_400
_SEED = 20261129


def _fill(url: str, name: str, batches: int, *, days: int) -> None:
    """Create an app monitor with batches that were received evenly in the last days."""
    monitor_id = str(uuid.uuid4())
    store = open_store(url)
    key = store.monitors.create(monitor_id, name, "{}").key
    start_s = time.time() - days * _DAY_S + 60
    records = []
    for number in range(batches):
        received_s = start_s + number * days * _DAY_S / batches
        request = message(monitor_id)
        request.rum_events[0].timestamp = received_s
        ms = round(received_s * 1000)
        batch_id = uuid.UUID(request.batch_id).bytes
        records.append(Batch(key, batch_id, ms, ms, ms, 1, request.SerializeToString()))
    for first in range(0, batches, 500):
        store.log.append(records[first : first + 500])
    store.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    folder = tmp_path_factory.mktemp("retention")
    _fill(f"sqlite:///{folder}/openrum.sqlite3", "shop", 200, days=20)
    with OpenRum(folder) as running:
        yield running
        running.stop()


def _run(
    server: OpenRum, *arguments: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    return run_openrum("retention", *arguments, stdin=stdin, OPENRUM_SERVICE=server.grpc)


def test_an_operator_learns_what_is_deleted_before_it_is(server: OpenRum) -> None:
    refused = _run(server, "set", "shop", "7", stdin="n\n")
    before = json.loads(_run(server, "show", "shop", "--json").stdout)
    kept = len(read_back(server.grpc, "shop"))
    accepted = _run(server, "set", "shop", "7", "--yes")
    after = json.loads(_run(server, "show", "shop", "--json").stdout)
    table = _run(server, "show").stdout

    message = (
        "This permanently deletes 130 batches of shop that are older than 7 days, within some"
        " minutes.\n"
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith(message)
    assert (before["Days"], before["IsDefault"], kept) == (30, True, 200)
    assert (accepted.returncode, accepted.stderr) == (0, message)
    assert accepted.stdout == "The events of shop are kept for 7 days\n"
    assert (after["Days"], after["IsDefault"]) == (7, False)
    assert table.splitlines()[0].split() == ["App", "monitor", "Kept", "Oldest", "batch", "(UTC)"]
    assert "7 days" in table


def test_a_longer_retention_needs_no_confirmation(server: OpenRum) -> None:
    longer = _run(server, "set", "shop", "400")
    forever = _run(server, "set", "shop", "0")
    reset = _run(server, "reset", "shop")
    table = _run(server, "show", "shop").stdout

    assert (longer.returncode, longer.stderr) == (0, "")
    assert longer.stdout == "The events of shop are kept for 400 days\n"
    assert forever.stdout == "The events of shop are kept forever\n"
    assert reset.stdout == "The events of shop are kept for 30 days, the default\n"
    assert "30 days (default)" in table


def test_a_missing_app_monitor_has_no_retention(server: OpenRum) -> None:
    for arguments in (("show", "missing"), ("set", "missing", "7"), ("reset", "missing")):
        ran = _run(server, *arguments)

        assert (ran.returncode, ran.stdout) == (1, "")
        assert "There is no app monitor with this name." in ran.stderr


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    ("batches", "kills"), [(2_000, 2), pytest.param(60_000, 30, marks=pytest.mark.slow)]
)
def test_kill_9_while_batches_are_removed_loses_no_others(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, batches: int, kills: int
) -> None:
    rng = random.Random(_SEED)
    is_sqlite = engine == "sqlite"
    url = f"sqlite:///{tmp_path}/openrum.sqlite3"
    if not is_sqlite:
        url = request.getfixturevalue("empty_postgres")
    database = {"OPENRUM_DATABASE_URL": url}
    began_s = time.monotonic()
    _fill(url, "old", batches, days=20)
    with OpenRum(tmp_path, OPENRUM_RETENTION_DAYS="10", **database) as server:
        service = {"OPENRUM_SERVICE": server.grpc}
        monitor_id = run_openrum("monitors", "create", "my-app", **service).stdout.strip()
        load = Load(monitor_id, url=server.url, service=server.grpc, rest=3, seed=_SEED)
        with load:
            for _ in range(kills):
                load.wait_for_acknowledged(rng.randint(5, 50))
                server.kill()
                server.start()
            _wait_until_removed(server, most_days=10 if is_sqlite else 11)
            load.wait_for_acknowledged(20)
        documents = read_back(server.grpc, "my-app")
        left = len(read_back(server.grpc, "old", page_size=100))
        server.stop()
    became_old = round((time.monotonic() - began_s) / (20 * _DAY_S) * batches)
    checked = run_openrum("db", "check", cwd=tmp_path, **database)
    compacted = run_openrum("db", "compact", cwd=tmp_path, **database)
    print(f"\n{kills} kills, {load.ledger}, {batches - left} of {batches} old batches removed")

    load.ledger.assert_kept(documents)
    assert (checked.returncode, checked.stderr) == (0, "")
    # PostgreSQL removes those of a day together.
    a_day = 0 if is_sqlite else batches // 20
    assert batches // 2 - became_old - 5 <= left <= batches // 2 + a_day
    assert compacted.returncode == (0 if is_sqlite else 1)


def _wait_until_removed(server: OpenRum, *, most_days: int) -> None:
    """Wait until older batches are removed, as long as this goes on."""
    while (oldest_s := _oldest_s(server)) <= time.time() - most_days * _DAY_S - 600:
        wait_until(lambda: _oldest_s(server) > oldest_s, timeout_s=60, every_s=0.5)


def _oldest_s(server: OpenRum) -> float:
    shown = json.loads(_run(server, "show", "old", "--json").stdout)
    return datetime.fromisoformat(shown["OldestBatch"]).timestamp()
