"""`openrum db`: what a check finds, and a backup that is restored."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_cli.db_check import DatabaseCheck
from rum_service.auth.secret_files import SecretBox
from rum_service.storage import inspect_database, open_store
from rum_service.storage.migrate import NEWEST
from rum_service.storage.postgres_partitions import DAY_MS
from rum_service.storage.records import Batch
from rum_service.storage.schema import batches
from tests.support.batches import batch, event, message, new_id
from tests.support.damage import damage, truncated, two_flipped_bytes, with_other_user
from tests.support.logged import logged
from tests.support.running import OpenRum, run_openrum, wait_until

Result = subprocess.CompletedProcess[str]
_IN_BATCH = 3


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a stopped server with batches of two app monitors and an access key."""
    folder = tmp_path_factory.mktemp("db")
    with OpenRum(folder) as server:
        path = f"/appmonitors/{server.monitor_id()}"
        for _ in range(3):
            assert server.post(path, batch(_IN_BATCH))[0] == 200
        assert server.post(path, batch(0))[0] == 200
        for line in (
            ("monitors", "update", "my-app", "--custom-events", "off"),
            ("monitors", "create", "other"),
            ("keys", "create"),
        ):
            assert run_openrum(*line, OPENRUM_SERVICE=server.grpc, cwd=folder).returncode == 0
        dropped = batch([event(type="custom"), event(type="com.amazon.rum.x")])
        assert server.post(path, dropped)[0] == 200
        server.stop()
    yield folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    """A copy of these files."""
    (tmp_path / "var").mkdir()
    for file in ("openrum.sqlite3", "var/secrets.key"):
        (tmp_path / file).write_bytes((filled / file).read_bytes())
    return tmp_path


def _run(folder: Path, *arguments: str) -> Result:
    settings = {"OPENRUM_DATABASE_URL": "sqlite:///openrum.sqlite3"}
    return run_openrum("db", *arguments, cwd=folder, **settings)


def _execute(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(_database(folder), isolation_level=None)) as connection:
        connection.execute(statement)


def _database(folder: Path) -> Path:
    return folder / "openrum.sqlite3"


def test_a_sound_database_has_no_problems(folder: Path) -> None:
    ran = _run(folder, "check")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == ("No problems in 5 batches with 10 events, 2 app monitors, 1 access key\n")


@pytest.mark.parametrize("command", ["check", "repair aside"])
def test_a_database_that_fails_meanwhile_is_named_in_one_line(folder: Path, command: str) -> None:
    _execute(folder, "DROP TABLE batches")
    ran = _run(folder, *command.split())

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Error: the database failed: no such table: batches\n"


def test_a_check_changes_nothing(folder: Path) -> None:
    before = _database(folder).read_bytes()
    _run(folder, "check")

    assert _database(folder).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE batches SET payload = x'00' WHERE sequence = 2", "the checksum differs"),
        (
            "UPDATE batches SET payload = x'00', checksum = NULL WHERE sequence = 2",
            "its payload cannot be decoded",
        ),
        ("UPDATE batches SET event_count = 4 WHERE sequence = 2", "has 3 events, but 4 are noted"),
        ("UPDATE batches SET last_ms = last_ms + 1 WHERE sequence = 2", "are noted"),
        ("UPDATE batches SET batch_id = randomblob(16) WHERE sequence = 2", "its content has"),
        (
            "UPDATE batches SET app_monitor = 2 WHERE sequence = 2",
            "batch 2 of other: it is stored for the app monitor",
        ),
        ("DELETE FROM batch_spans", "so reads by time miss it"),
        ("UPDATE batch_spans SET last_ms = first_ms - 1", "so reads by time miss it"),
        ("UPDATE batches SET digest = x'00' WHERE sequence = 2", "its digest has 1 bytes"),
        ("UPDATE batches SET checksum = 0 WHERE sequence = 2", "the checksum differs"),
        (
            "INSERT INTO stored_bytes VALUES (2, 7, NULL)",
            "the app monitor other: it uses 0 bytes, but 7 are noted",
        ),
        (
            "UPDATE batches SET received_ms = received_ms - 90000000 WHERE sequence IN (2)",
            "the app monitor my-app: retention removes 1 batch too late",
        ),
        ("UPDATE app_monitors SET document = '{'", "its document cannot be decoded"),
        ("UPDATE app_monitors SET policy = '{'", "its policy is invalid"),
        ("UPDATE credentials SET sealed_secret = x'00'", "is not the key of this database"),
    ],
)
def test_a_check_says_what_is_wrong_and_where(folder: Path, change: str, problem: str) -> None:
    _execute(folder, change)
    ran = _run(folder, "check")

    assert ran.returncode == 1
    assert problem in ran.stdout
    assert re.search(r" problems? in 5 batches with ", ran.stderr)
    if "sequence = 2" in change:
        assert ran.stdout.startswith("batch 2 of ")


def test_a_flipped_bit_that_still_decodes_is_found_by_the_checksum(folder: Path) -> None:
    damage(f"sqlite:///{_database(folder)}", 2, with_other_user)
    found = _run(folder, "check")
    _execute(folder, "UPDATE batches SET checksum = NULL")
    without_checksum = _run(folder, "check")

    assert found.returncode == 1
    assert found.stdout == ("batch 2 of my-app: its payload is damaged: the checksum differs\n")
    assert (without_checksum.returncode, without_checksum.stderr) == (0, "")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("SELECT 1", None),
        (
            "UPDATE source_map_parts SET content = x'00' WHERE number = 1",
            "part 1 cannot be decoded",
        ),
        ("DELETE FROM source_map_parts WHERE number = 1", "it has 3 of 5 bytes"),
    ],
)
def test_the_parts_of_source_maps_are_checked(
    folder: Path, change: str, problem: str | None
) -> None:
    store = open_store(f"sqlite:///{_database(folder)}")
    key = store.source_maps.begin(1, "1.2.3", "app\x1b.js", now_ms=1)
    assert key
    store.source_maps.add_part(key, 0, b"abc")
    store.source_maps.add_part(key, 1, b"de")
    store.source_maps.finish(key, size=5, quota=0)
    store.close()
    _execute(folder, change)
    ran = _run(folder, "check")

    if problem:
        assert ran.returncode == 1
        assert ran.stdout.startswith(
            f"the source map app\N{REPLACEMENT CHARACTER}.js of my-app 1.2.3: {problem}"
        )
    else:
        assert (ran.returncode, ran.stderr) == (0, "")


def test_a_damaged_index_is_found(folder: Path) -> None:
    with closing(sqlite3.connect(_database(folder), isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'first_ms, last_ms', 'first_ms')"
            " WHERE name LIKE 'ix_batches%last_ms'"
        )
    ran = _run(folder, "check")

    assert ran.returncode == 1
    assert "the file: " in ran.stdout


def test_a_key_of_another_database_is_found(folder: Path) -> None:
    (folder / "var" / "secrets.key").unlink()
    missing = _run(folder, "check")

    assert missing.returncode == 1
    assert "secrets.key does not exist" in missing.stdout


def test_batches_of_deleted_app_monitors_are_no_problem(folder: Path) -> None:
    _execute(folder, "DELETE FROM app_monitors WHERE name = 'my-app'")
    ran = _run(folder, "check")

    assert ran.returncode == 0
    assert "5 batches are of deleted app monitors" in ran.stdout


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.unlink(), "does not exist"),
        (lambda file: file.write_bytes(b"no database" * 1000), "cannot be read"),
    ],
    ids=["missing", "text"],
)
def test_a_database_that_cannot_be_read_is_an_error(
    folder: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(_database(folder))
    ran = _run(folder, "check")

    assert ran.returncode == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_database_of_another_version_is_not_migrated(folder: Path) -> None:
    _execute(folder, "UPDATE alembic_version SET version_num = '0004'")
    ran = _run(folder, "check")

    assert ran.returncode == 2
    assert f"the database has schema 0004, and this version of OpenRUM needs {NEWEST}" in ran.stderr


def test_a_backup_of_a_running_server_is_restored(tmp_path: Path) -> None:
    with OpenRum(tmp_path) as server:
        path = f"/appmonitors/{server.monitor_id()}"
        assert server.post(path, batch(_IN_BATCH))[0] == 200
        made = _run(tmp_path, "backup", "copy.sqlite3")
        checked = _run(tmp_path, "check")
        assert server.post(path, batch(_IN_BATCH))[0] == 200
        early = _run(tmp_path, "restore", "copy.sqlite3")
        assert server.post(path, batch(_IN_BATCH))[0] == 200
        server.stop()
    projection = tmp_path / "insight.duckdb"
    projection.write_text("of the log with more batches")
    restored = _run(tmp_path, "restore", "copy.sqlite3")
    after = _run(tmp_path, "check")
    with OpenRum(tmp_path) as server:
        assert server.post(path, batch(_IN_BATCH))[0] == 200
        server.stop()
    finally_checked = _run(tmp_path, "check")

    assert (made.returncode, made.stdout) == (0, "The database is copied to copy.sqlite3\n")
    assert "No problems in 1 batch with 3 events" in checked.stdout
    assert (early.returncode, early.stderr) == (
        1,
        "Error: openrum.sqlite3 is in use; stop OpenRUM first\n",
    )
    assert restored.returncode == 0
    assert "The old database is openrum.sqlite3." in restored.stdout
    assert "insight.duckdb is deleted" in restored.stdout
    assert not projection.exists()
    assert "No problems in 1 batch with 3 events" in after.stdout
    assert "No problems in 2 batches with 6 events" in finally_checked.stdout


def test_a_restore_says_whether_the_key_belongs_to_the_database(folder: Path) -> None:
    assert _run(folder, "backup", "copy.sqlite3").returncode == 0
    key = folder / "var" / "secrets.key"
    right = _run(folder, "restore", "copy.sqlite3")
    key.write_bytes(Fernet.generate_key())
    other = _run(folder, "restore", "copy.sqlite3")
    key.unlink()
    missing = _run(folder, "restore", "copy.sqlite3")

    fix = "copy the key file that was backed up with the database to it\n"
    restored = "The database is restored from copy.sqlite3."
    assert (right.returncode, right.stderr) == (0, "")
    assert right.stdout.endswith("var/secrets.key is the key of this database\n")
    assert (other.returncode, other.stderr) == (
        1,
        "Error: the access keys cannot be used: var/secrets.key is not the key of this database;"
        f" {fix}",
    )
    assert (missing.returncode, missing.stderr) == (
        1,
        f"Error: the access keys need var/secrets.key, which does not exist; {fix}",
    )
    assert all(ran.stdout.startswith(restored) for ran in (right, other, missing))


def test_a_backup_says_that_the_key_belongs_to_it(folder: Path) -> None:
    ran = _run(folder, "backup", "copy.sqlite3")

    assert "var/secrets.key belongs to the database" in ran.stdout


def test_a_postgresql_database_is_checked_and_not_copied(
    tmp_path: Path, empty_postgres: str
) -> None:
    settings = {"OPENRUM_DATABASE_URL": empty_postgres}
    with OpenRum(tmp_path, **settings) as server:
        assert server.post(f"/appmonitors/{server.monitor_id()}", batch(_IN_BATCH))[0] == 200
        server.stop()
    checked = run_openrum("db", "check", cwd=tmp_path, **settings)
    copied = run_openrum("db", "backup", "x", cwd=tmp_path, **settings)

    assert "No problems in 1 batch with 3 events" in checked.stdout
    assert copied.returncode == 1
    assert "pg_dump" in copied.stderr
    assert "OPENRUM_SECRETS_KEY_FILE" in copied.stderr


def test_a_repair_moves_damaged_batches_to_files_and_corrects_the_rest(folder: Path) -> None:
    url = f"sqlite:///{_database(folder)}"
    with closing(sqlite3.connect(_database(folder))) as connection:
        (payload, batch_id) = connection.execute(
            "SELECT payload, batch_id FROM batches WHERE sequence = 2"
        ).fetchone()
    damage(url, 2, two_flipped_bytes)
    damage(url, 3, truncated, has_checksum=False)
    _execute(folder, "UPDATE batch_spans SET last_ms = first_ms - 1")
    _execute(folder, "INSERT INTO stored_bytes VALUES (2, 7, NULL)")
    ran = _run(folder, "repair", "aside")
    files = sorted(file.name for file in (folder / "aside").iterdir())
    document = json.loads((folder / "aside" / "batch-2.json").read_text())
    again = _run(folder, "repair", "aside")
    checked = _run(folder, "check")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Batch 2 of my-app: moved to aside/batch-2.json\n" in ran.stdout
    assert "Batch 1: reads by time find it now\n" in ran.stdout
    assert "App monitor other: its sum of stored bytes is corrected\n" in ran.stdout
    assert ran.stdout.endswith("Moved 2 batches with 6 events to aside\nNo problems remain\n")
    assert files == [f"batch-{n}.{suffix}" for n in (2, 3) for suffix in ("json", "payload")]
    assert document["app_monitor_name"] == "my-app"
    assert document["problems"] == ["its payload is damaged: the checksum differs"]
    assert (document["batch_id"], document["event_count"]) == (batch_id.hex(), _IN_BATCH)
    assert (folder / "aside" / "batch-2.payload").read_bytes()[2:] == payload[2:]
    assert (again.returncode, again.stdout) == (0, "No problems found\n")
    assert checked.stdout.startswith("No problems in 3 batches with 4 events")


def test_a_repair_lets_retention_find_batches_of_early_imports(folder: Path) -> None:
    """Before schema 0013, nothing told imported batches from others."""
    _execute(folder, "UPDATE batches SET received_ms = 1000 WHERE sequence IN (2, 3)")
    ran = _run(folder, "repair", "aside")
    with closing(sqlite3.connect(_database(folder))) as connection:
        noted = connection.execute("SELECT * FROM imported_batches ORDER BY sequence").fetchall()
    checked = _run(folder, "check")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (
        "App monitor my-app: batches are removed by their own time of receipt now\n"
        "No problems remain\n"
    )
    assert noted == [(1, 2, 1000), (1, 3, 1000)]
    assert checked.returncode == 0


def test_a_batch_received_in_the_future_is_no_reason_to_remove_others_late(folder: Path) -> None:
    """The clock was ahead."""
    _execute(folder, "UPDATE batches SET received_ms = received_ms + 1e12 WHERE sequence = 1")
    checked = _run(folder, "check")

    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_repair_says_which_problems_remain(folder: Path) -> None:
    _execute(folder, "UPDATE batches SET event_count = 4 WHERE sequence = 2")
    ran = _run(folder, "repair", "aside")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Error: 1 problem cannot be repaired: openrum db check\n"
    assert not (folder / "aside").exists()


def test_a_repair_replaces_no_file_of_another_database(folder: Path) -> None:
    damage(f"sqlite:///{_database(folder)}", 2, two_flipped_bytes)
    (folder / "aside").mkdir()
    (folder / "aside" / "batch-2.payload").write_bytes(b"other")
    ran = _run(folder, "repair", "aside")
    checked = _run(folder, "check")

    assert (ran.returncode, ran.stderr) == (
        1,
        "Error: aside: has another batch; use another folder\n",
    )
    assert checked.stdout == "batch 2 of my-app: its payload is damaged: the checksum differs\n"


def test_a_repair_works_while_the_server_takes_puts(tmp_path: Path) -> None:
    sent = [batch(_IN_BATCH) for _ in range(3)]
    with _Up(tmp_path) as server:
        path = f"/appmonitors/{server.monitor_id()}"
        for document in sent:
            assert server.post(path, document)[0] == 200
        wait_until(lambda: _projected(server) == 9)
        damage(f"sqlite:///{server.database}", 2, two_flipped_bytes)
        repaired = _run(tmp_path, "repair", "aside")
        wait_until(lambda: _projected(server) == 6)
        statuses = [server.post(path, document)[0] for document in sent]
        wait_until(lambda: _projected(server) == 9)
        server.stop()
    checked = _run(tmp_path, "check")

    assert repaired.returncode == 0, repaired.stderr
    assert statuses == [200] * 3
    assert "No problems in 3 batches with 9 events" in checked.stdout


class _Up(OpenRum):
    projects = True


def _projected(server: OpenRum) -> int:
    status, text = server.get("/insight-state")
    return int(json.loads(text)["events"]) if status == 200 else -1


@pytest.mark.parametrize("is_first_damaged", [False, True])
def test_a_batch_that_is_stored_twice_in_postgresql_is_found_and_moved(
    tmp_path: Path, empty_postgres: str, is_first_damaged: bool
) -> None:
    """Two partitions cannot have one unique index."""
    monitor_id = new_id()
    store = open_store(empty_postgres)
    store.monitors.create(monitor_id, "shop", "{}")
    contents = [message(monitor_id, events=_IN_BATCH) for _ in range(3)]
    for day, sent in zip((20_000, 20_000, 20_001), contents, strict=True):
        store.log.maintain(day * DAY_MS)
        store.log.append([_batch_of(sent)])
    first, other, last = [
        found.sequence for found in store.log.after(0, limit=9, max_bytes=1 << 30)
    ]
    with psycopg.connect(empty_postgres.replace("+psycopg", "")) as connection:
        copied = ", ".join(column.name for column in batches.columns if column.name != "sequence")
        connection.execute(
            f"INSERT INTO batches (sequence, {copied}) SELECT %s, {copied} FROM batches"
            " WHERE sequence = %s",
            [last + 1, first],
        )
    if is_first_damaged:
        damage(empty_postgres, first, two_flipped_bytes)
    settings = {"OPENRUM_DATABASE_URL": empty_postgres}
    checked = run_openrum("db", "check", cwd=tmp_path, **settings)
    repaired = run_openrum("db", "repair", "aside", cwd=tmp_path, **settings)
    rechecked = run_openrum("db", "check", cwd=tmp_path, **settings)
    kept = [found.sequence for found in store.log.after(0, limit=9, max_bytes=1 << 30)]
    store.close()

    again, moved = (first, first) if is_first_damaged else (last + 1, last + 1)
    assert checked.returncode == 1
    assert f"batch {again} of shop: it has the ID of batch " in checked.stdout
    assert repaired.returncode == 0, repaired.stderr
    assert f"Batch {moved} of shop: moved to aside/batch-{moved}.json" in repaired.stdout
    assert "No problems in 3 batches with 9 events" in rechecked.stdout
    assert kept == sorted({first, other, last, last + 1} - {moved})


def test_the_bar_of_a_check_counts_batches(
    tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sequences in PostgreSQL begin near 2**46."""
    monitor_id = new_id()
    store = open_store(empty_postgres)
    store.monitors.create(monitor_id, "shop", "{}")
    store.log.maintain()
    store.log.append([_batch_of(message(monitor_id, events=1)) for _ in range(5)])
    store.close()
    monkeypatch.setattr("rum_cli.db_check._ROWS_AT_ONCE", 2)
    opened, inspection = inspect_database(empty_postgres)
    found = DatabaseCheck(opened, inspection, SecretBox(tmp_path / "key"))
    steps: list[tuple[int, int]] = []
    problems = [*found.problems(lambda done, total: steps.append((done, total)))]
    inspection.close()

    assert problems == []
    assert steps == [(2, 5), (4, 5), (5, 5)]


def _batch_of(sent: PutRumEventsRequest) -> Batch:
    times = [round(event.timestamp * 1000) for event in sent.rum_events]
    return logged()._replace(
        batch_id=bytes.fromhex(sent.batch_id.replace("-", "")),
        first_ms=min(times),
        last_ms=max(times),
        event_count=len(times),
        content=sent.SerializeToString(),
    )
