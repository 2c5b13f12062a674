"""`openrum copy` moves a whole database, once, while puts go on."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from botocore.config import Config
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.event import listen as event_listen
from sqlalchemy.event import remove as event_remove

from rum_service.storage import open_copy, open_store
from rum_service.storage.schema import metadata, write_checks
from tests.support.batches import batch, event, new_id
from tests.support.damage import damage, two_flipped_bytes
from tests.support.logged import logged
from tests.support.running import OPENRUM, OpenRum, environment, run_openrum, wait_until
from tests.tools.postgres import Postgres

_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "rum:PutRumEvents", "Resource": "*"}
    ],
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a stopped server that has something of everything."""
    folder = tmp_path_factory.mktemp("copy")
    with OpenRum(folder) as server:
        path = f"/appmonitors/{server.monitor_id()}"
        client = boto3.client(
            "rum",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(inject_host_prefix=False),
        )
        _add_control_plane(client)
        for line in (
            ("keys", "create", "--name", "a-key"),
            ("tokens", "create"),
            ("quota", "set", "other", "1GiB"),
            ("retention", "set", "other", "7", "--yes"),
            ("monitors", "update", "my-app", "--custom-events", "off"),
        ):
            assert run_openrum(*line, OPENRUM_SERVICE=server.grpc, cwd=folder).returncode == 0
        for events in (1, 0, 12, [event(type="custom"), event()], [event() for _ in range(300)]):
            assert server.post(path, batch(events))[0] == 200
        erased = batch(2)
        assert server.post(path, erased)[0] == 200
        user = erased["UserDetails"]["userId"]
        erase = ("erase", "my-app", "--user", user, "--yes")
        assert run_openrum(*erase, OPENRUM_SERVICE=server.grpc, cwd=folder).returncode == 0
        server.stop()
    store = open_store(_url(folder))
    store.log.append([logged(n, app_monitor=99) for n in range(3)])  # of a deleted app monitor
    store.log.purge(99, limit=9)
    key = store.source_maps.begin(1, "1.2.3", "app.js", now_ms=1)
    assert key
    store.source_maps.add_part(key, 0, b"abc")
    store.source_maps.add_part(key, 1, b"de")
    store.source_maps.finish(key, size=5, quota=0)
    store.close()
    with closing(sqlite3.connect(folder / "openrum.sqlite3", isolation_level=None)) as connection:
        connection.execute("UPDATE batches SET checksum = NULL WHERE sequence = 1")
        # As PostgreSQL notes it.
        connection.execute("INSERT INTO future_batches VALUES (1, randomblob(16), 1)")
        # As an import notes it.
        connection.execute("INSERT INTO imported_batches VALUES (1, 1, 1)")
    yield folder


def _add_control_plane(client: Any) -> None:
    client.create_app_monitor(Name="other", Domain="example.com", Tags={"team": "web"})
    client.put_resource_policy(Name="my-app", PolicyDocument=json.dumps(_POLICY))
    client.put_rum_metrics_destination(AppMonitorName="my-app", Destination="CloudWatch")
    client.batch_create_rum_metric_definitions(
        AppMonitorName="my-app",
        Destination="CloudWatch",
        MetricDefinitions=[
            {
                "Name": "PageViews",
                "Namespace": "RUM/CustomMetrics/mine",
                "EventPattern": json.dumps({"event_type": ["com.amazon.rum.page_view_event"]}),
            }
        ],
    )


def _url(folder: Path, name: str = "openrum") -> str:
    return f"sqlite:///{folder / name}.sqlite3"


def _everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in metadata.sorted_tables
            if table is not write_checks
        }
    engine.dispose()
    return found


def _copy(source: str, target: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return run_openrum("copy", "--from", source, "--to", target, cwd=folder)


def test_a_copy_to_postgresql_and_back_is_equal(
    filled: Path, tmp_path: Path, empty_postgres: str
) -> None:
    there = _copy(_url(filled), empty_postgres, filled)
    back = _copy(empty_postgres, _url(tmp_path), filled)
    expected = _everything(_url(filled))
    checked = run_openrum("db", "check", OPENRUM_DATABASE_URL=_url(tmp_path), cwd=filled)

    assert (there.returncode, there.stderr) == (0, "")
    assert (back.returncode, back.stderr) == (0, "")
    assert expected == _everything(empty_postgres)
    assert expected == _everything(_url(tmp_path))
    assert all(
        expected[table.name] for table in metadata.sorted_tables if table is not write_checks
    )
    assert "Copied 6 batches with 314 events" in there.stdout
    assert "equal in both databases" in there.stdout
    assert "var/secrets.key belongs to the access keys" in there.stdout
    assert "No problems in 6 batches" in checked.stdout


def test_a_copy_of_many_notes_about_imports_never_has_all_of_them_in_one_statement(
    tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each imported batch has one. PostgreSQL would end the transaction meanwhile."""
    monkeypatch.setattr("rum_service.storage.copy_parts._ROWS", 100)
    monkeypatch.setattr("rum_service.storage.copy_parts._DELETED_ROWS", 90)
    urls = [_url(tmp_path, "source"), empty_postgres, _url(tmp_path, "back")]
    open_store(urls[0]).close()
    with closing(sqlite3.connect(tmp_path / "source.sqlite3")) as connection:
        notes = [(1, number, number % 7) for number in range(250)]
        connection.executemany("INSERT INTO imported_batches VALUES (?, ?, ?)", notes)
        connection.commit()
    longest = 0

    def note(
        _: object, cursor: object, statement: str, rows: Sequence[object], *__: object
    ) -> None:
        nonlocal longest
        longest = max(longest, len(rows))

    event_listen(Engine, "before_cursor_execute", note)
    try:
        for source, target in [*pairwise(urls), (urls[0], urls[1])]:
            with open_copy(source, target) as copy:
                assert copy.run(lambda *_: None).rows["imported_batches"] == 250
    finally:
        event_remove(Engine, "before_cursor_execute", note)

    assert longest == 100
    assert _everything(urls[0]) == _everything(urls[1]) == _everything(urls[2])


def test_keys_and_sequences_of_the_source_are_not_used_again(
    filled: Path, tmp_path: Path, empty_postgres: str
) -> None:
    """The newest batches of the source are deleted, and the copy does not use their sequences."""
    _copy(_url(filled), empty_postgres, filled)
    _copy(empty_postgres, _url(tmp_path), filled)
    appended = []
    for url in (empty_postgres, _url(tmp_path)):
        store = open_store(url)
        store.log.append([logged(1)])
        appended.append((store.log.newest_sequence(), store.monitors.create("i", "new", "{}").key))
        store.close()

    assert appended == [(10, 3), (10, 3)]


def test_a_log_with_partitions_moves_to_sqlite_and_to_another_postgresql(
    tmp_path: Path, empty_postgres: str, postgres_server: Postgres
) -> None:
    """Sequences have gaps of 2**32 there."""
    other = postgres_server.create_database(f"copy_{new_id()}")
    bodies = [batch(2) for _ in range(5)]
    store = open_store(empty_postgres)
    store.log.maintain()  # The service does that soon after it has started.
    store.close()
    with OpenRum(tmp_path, OPENRUM_DATABASE_URL=empty_postgres) as server:
        monitor_id = server.monitor_id()
        for body in bodies:
            assert server.post(f"/appmonitors/{monitor_id}", body)[0] == 200
        server.stop()
    steps = [(empty_postgres, _url(tmp_path)), (_url(tmp_path), other)]
    copies = [_copy(source, target, tmp_path) for source, target in steps]
    equal = _everything(empty_postgres) == _everything(_url(tmp_path)) == _everything(other)
    with OpenRum(tmp_path, OPENRUM_DATABASE_URL=other) as server:
        for body in (*bodies, batch(2)):
            assert server.post(f"/appmonitors/{monitor_id}", body)[0] == 200
        server.stop()
    checked = run_openrum("db", "check", OPENRUM_DATABASE_URL=other, cwd=tmp_path)

    assert [(ran.returncode, ran.stderr) for ran in copies] == [(0, "")] * 2
    assert equal
    assert min(row[0] for row in _everything(other)["batches"]) > 2**32
    assert "No problems in 6 batches" in checked.stdout


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(("sqlite", "sqlite"), marks=pytest.mark.slow),
        ("sqlite", "postgres"),
        ("postgres", "sqlite"),
    ],
    ids=" to ".join,
)
def test_a_copy_catches_up_with_puts_that_go_on(
    kinds: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source, target = (
        request.getfixturevalue("empty_postgres") if kind == "postgres" else _url(tmp_path, name)
        for kind, name in zip(kinds, ("source", "target"), strict=True)
    )
    stop = threading.Event()
    stored: list[str] = []
    with OpenRum(tmp_path, OPENRUM_DATABASE_URL=source) as server:
        path = f"/appmonitors/{server.monitor_id()}"

        def put() -> None:
            while not stop.is_set():
                document = batch(2)
                if server.post(path, document)[0] == 200:
                    stored.append(document["BatchId"])

        thread = threading.Thread(target=put)
        thread.start()
        try:
            wait_until(lambda: len(stored) > 20)
            during = [_copy(source, target, tmp_path) for _ in range(2)]
        finally:
            stop.set()
            thread.join()
        server.stop()
    last = _copy(source, target, tmp_path)
    again = _copy(source, target, tmp_path)

    assert [ran.returncode for ran in (*during, last, again)] == [0, 0, 0, 0]
    assert "Copied 0 batches" not in during[0].stdout
    assert "Copied 0 batches" not in during[1].stdout
    assert "Copied 0 batches" in again.stdout
    found = _everything(target)
    assert found == _everything(source)
    assert len(found["batches"]) == len(stored)
    checked = run_openrum("db", "check", OPENRUM_DATABASE_URL=target, cwd=tmp_path)
    assert f"No problems in {len(stored):,} batches" in checked.stdout


def _large(url: str, batches: int) -> None:
    store = open_store(url)
    store.monitors.create("m", "my-app", "{}")
    for start in range(0, batches, 1_000):
        store.log.append([logged(start + n) for n in range(1_000)])
    store.close()


@pytest.mark.parametrize("kind", [pytest.param("sqlite", marks=pytest.mark.slow), "postgres"])
def test_a_copy_that_is_killed_again_and_again_copies_each_batch_once(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    target = _url(tmp_path, "target")
    if kind == "postgres":
        target = request.getfixturevalue("empty_postgres")
    _large(_url(tmp_path), 40_000)
    arrived = 0
    for _ in range(3):
        process = subprocess.Popen(
            [*OPENRUM, "copy", "--from", _url(tmp_path), "--to", target],
            cwd=tmp_path,
            env=environment(),
        )
        wait_until(lambda: _sequence(target) > arrived or process.poll() is not None)  # noqa: B023
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        arrived = _sequence(target)
    interrupted = len(_everything(target)["batches"])
    last = _copy(_url(tmp_path), target, tmp_path)

    assert 0 < interrupted < 40_000
    assert (last.returncode, last.stderr) == (0, "")
    assert f"Copied {40_000 - interrupted:,} batches" in last.stdout
    assert _everything(target) == _everything(_url(tmp_path))


def _sequence(url: str) -> int:
    """Return up to which sequence a copy has arrived. 0 if there is no copy yet."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT sequence FROM copy_state").scalar_one())
    except Exception:
        return 0
    finally:
        engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_deletions_and_changes_in_the_source_arrive_in_the_copy(
    kind: str, request: pytest.FixtureRequest, filled: Path, tmp_path: Path
) -> None:
    target = _url(tmp_path, "target")
    if kind == "postgres":
        target = request.getfixturevalue("empty_postgres")
    file = tmp_path / "openrum.sqlite3"
    file.write_bytes((filled / "openrum.sqlite3").read_bytes())
    _copy(_url(tmp_path), target, tmp_path)
    store = open_store(_url(tmp_path))
    store.source_maps.delete(1, "1.2.3", None)
    while store.source_maps.purge(began_before_ms=0, limit=100):
        pass
    store.monitors.delete(2)
    store.log.purge(1, limit=1)
    store.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE batches SET event_count = 7, digest = x'07' WHERE sequence = 3")
    second = _copy(_url(tmp_path), target, tmp_path)

    assert (second.returncode, second.stderr) == (0, "")
    assert "Copied 1 range again" in second.stdout
    assert _everything(target) == _everything(_url(tmp_path))


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("other-data", "the target is not empty: it has 1 rows in app_monitors"),
        ("put-after-copy", "the target has been used since the copy"),
        ("monitor-after-copy", "the target has been used since the copy"),
        ("copy-of-another", "the target is a copy of another database"),
        ("copy-of-another-with-fewer-batches", "the target is a copy of another database"),
        ("same", "both URLs name the same database"),
        ("missing", "does not exist"),
        ("older", "this version of OpenRUM needs"),
    ],
)
def test_a_target_with_other_data_is_refused_and_not_changed(
    filled: Path, tmp_path: Path, use: str, message: str
) -> None:
    source, target = _url(filled), _url(tmp_path, "target")
    if "copy" in use:
        assert _copy(source, target, tmp_path).returncode == 0
    store = open_store(target)
    if use in ("other-data", "monitor-after-copy"):
        store.monitors.create("i", "precious", "{}")
    if use == "put-after-copy":
        store.log.append([logged(1)])
    store.close()
    if use.startswith("copy-of-another"):
        source = _url(tmp_path)
        _large(source, 0 if "fewer" in use else 1_000)
    if use == "same":
        source = target
    if use == "missing":
        source = _url(tmp_path, "none")
    if use == "older":
        source = _url(tmp_path)
        open_store(source).close()
        with closing(sqlite3.connect(tmp_path / "openrum.sqlite3", isolation_level=None)) as old:
            old.execute("UPDATE alembic_version SET version_num = '0001'")
    before = _everything(target)
    ran = _copy(source, target, tmp_path)

    assert ran.returncode == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert _everything(target) == before


def test_a_batch_that_the_source_has_twice_is_an_error(tmp_path: Path, empty_postgres: str) -> None:
    """A log with partitions may store a retry of an old batch again."""
    store = open_store(empty_postgres)
    store.log.append([logged(1)])
    with psycopg.connect(empty_postgres.replace("+psycopg", "")) as connection:
        connection.execute("ALTER TABLE batches DROP CONSTRAINT uq_batches_app_monitor_batch_id")
        connection.execute(
            "INSERT INTO batches SELECT 1 + sequence, app_monitor, batch_id, digest, received_ms,"
            " first_ms, last_ms, event_count, payload FROM batches"
        )
    store.close()
    ran = _copy(empty_postgres, _url(tmp_path), tmp_path)

    assert ran.returncode == 2
    assert "the source has a batch twice, as 1 and 2, which the target" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_copy_names_damaged_batches_and_copies_them_unchanged(
    filled: Path, tmp_path: Path
) -> None:
    source = _url(tmp_path, "source")
    assert _copy(_url(filled), source, tmp_path).returncode == 0
    damage(source, 3, two_flipped_bytes)
    ran = _copy(source, _url(tmp_path, "target"), tmp_path)

    assert ran.returncode == 1
    assert ran.stderr == (
        "Error: 1 batch is damaged in the source and copied unchanged: 3. Run `openrum db check`\n"
    )
    assert _everything(_url(tmp_path, "target")) == _everything(source)
