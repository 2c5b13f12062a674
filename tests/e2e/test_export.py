"""`openrum export`: the files equal the log, and a run that is stopped continues."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_cli import export_run, export_slices
from rum_service.storage import open_store
from rum_service.storage.records import Batch
from tests.e2e.exported import export, lines, rows
from tests.e2e.stored import stored_events
from tests.support.batches import batch, event, new_id
from tests.support.running import OPENRUM, OpenRum, environment, run_openrum, wait_until

_MIDNIGHT_S = 1_790_035_200  # 2026-09-22
_DAY_S = 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A running server with events of all forms."""
    with OpenRum(tmp_path_factory.mktemp("export")) as started:
        path = f"/appmonitors/{started.monitor_id()}"
        for document in _batches():
            assert started.post(path, document)[0] == 200
        yield started
        started.stop()


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A database that is exported in two slices, and the IDs of its events."""
    database = tmp_path_factory.mktemp("long") / "db.sqlite3"
    return database, _fill(database, batches=6 * export_run.SLICE_BATCHES // 5)


def _batches() -> list[dict[str, Any]]:
    now = time.time()
    session = json.dumps({"version": "1.0.0", "browserName": "Firefox", "osName": "Linux"})
    odd = [
        event(timestamp=now - 0.1234567, details='{ "version": "1.0.0",\n "value": 1e2 }'),
        event(details="not JSON \U0001f600", metadata="[1]"),
        event(details='{"cut": "\\ud83d", "big": 123456789012345678901234567890}', metadata=None),
        event(metadata='{"not valid": {"a": 1}, "pageId": "/a"}', timestamp=now - 3 * _DAY_S),
        event(timestamp=1, type="custom"),
    ]
    details = json.dumps({"value": 2500}, separators=(",", ":"))
    lcp = event(type="com.amazon.rum.largest_contentful_paint_event", details=details)
    return [
        batch(3),
        batch(odd, SessionMetadata=session, AppMonitorDetails={}, UserDetails={}),
        batch([lcp], SessionMetadata=session, Alias="an-alias"),
        batch(0),
    ]


def test_json_lines_are_the_documents_that_clients_read(server: OpenRum, tmp_path: Path) -> None:
    ran = export(server.database, "my-app", tmp_path / "out", "--format", "jsonl")
    exported = lines(tmp_path / "out")
    stored = stored_events(server.grpc)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Exported 9 events in ")
    assert [event.pop("openrum")["events"] for event in exported].count(5) == 5
    assert sorted(exported, key=_id) == sorted(stored, key=_id)


def test_parquet_has_the_events_of_the_log_in_typed_columns(
    server: OpenRum, tmp_path: Path
) -> None:
    assert export(server.database, "my-app", tmp_path / "out").returncode == 0
    found = rows(tmp_path / "out")
    logged = list(_logged(server.database))

    assert len(found) == len(logged)
    for row, (received_ms, request, sent) in zip(found, logged, strict=True):
        assert (row["event_id"], row["event_type"]) == (sent.id, sent.type)
        assert row["client_timestamp"] == sent.timestamp
        assert row["details"] == sent.details
        assert row["metadata"] == (sent.metadata if sent.HasField("metadata") else None)
        assert row["batch_id"] == request.batch_id
        assert row["session_id"] == (request.user_details.session_id or None)
        assert row["received_time"] == _utc(received_ms)
        is_wrong = sent.timestamp == 1
        assert row["event_time"] == _utc(received_ms if is_wrong else sent.timestamp * 1000)
        assert row["event_date"] == row["event_time"].date()
    (lcp,) = [row for row in found if row["value"] == 2500]
    assert (lcp["browser"], lcp["os"], lcp["page"]) == ("Firefox", "Linux", "/")


def test_exports_are_closed_to_other_users(server: OpenRum, tmp_path: Path) -> None:
    export(server.database, "my-app", tmp_path / "out").check_returncode()

    created = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert len(created) > 2
    assert not [path for path in created if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_a_later_run_adds_what_came_since(server: OpenRum, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert export(server.database, "my-app", folder).returncode == 0
    earlier = rows(folder)
    again = export(server.database, "my-app", folder)
    assert server.post(f"/appmonitors/{server.monitor_id()}", batch(2))[0] == 200
    later = export(server.database, "my-app", folder)

    assert again.stdout.startswith("Exported 0 events in 0 files, 0 bytes, in ")
    assert later.stdout.startswith("Exported 2 events in 1 file, ")
    assert rows(folder)[:-2] == earlier


def test_only_the_events_of_a_time_range_are_exported(server: OpenRum, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    ran = export(server.database, "my-app", folder, "--before", "1d")
    other = export(server.database, "my-app", folder, "--before", "2d")

    assert ran.stdout.startswith("Exported 1 event in 1 file, ")
    assert other.returncode == 1
    assert ", before 20" in other.stderr
    assert other.stderr.endswith("; use another folder\n")


def test_a_log_in_postgresql_is_exported(empty_postgres: str, tmp_path: Path) -> None:
    ids = _fill_store(empty_postgres, batches=50)
    command = ("export", "shop", "--output", str(tmp_path / "out"))
    ran = run_openrum(*command, OPENRUM_DATABASE_URL=empty_postgres, cwd=tmp_path)

    assert ran.returncode == 0, ran.stderr
    assert [row["event_id"] for row in rows(tmp_path / "out")] == ids


def test_another_export_in_the_folder_is_an_error(server: OpenRum, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert export(server.database, "my-app", folder).returncode == 0
    ran = export(server.database, "my-app", folder, "--format", "jsonl")

    assert ran.returncode == 1
    assert f"{folder} has an export of my-app" in ran.stderr


def test_an_export_of_an_older_state_of_the_log_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for state in ("earlier", "restored"):
        (tmp_path / state).mkdir()
        _fill(tmp_path / state / "db.sqlite3", batches=3, monitor_id=str(uuid.UUID(int=7)))
    assert export(tmp_path / "earlier" / "db.sqlite3", "shop", folder).returncode == 0
    ran = export(tmp_path / "restored" / "db.sqlite3", "shop", folder)

    assert ran.returncode == 1
    assert "the folder has the export of another database" in ran.stderr


def test_a_folder_with_other_files_is_left_alone(server: OpenRum, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    ran = export(server.database, "my-app", tmp_path)

    assert ran.returncode == 1
    assert ran.stderr == (f"Error: {tmp_path} is not empty and not the folder of an export\n")


def test_an_unknown_app_monitor_is_an_error(server: OpenRum, tmp_path: Path) -> None:
    ran = export(server.database, "nothing", tmp_path / "out")

    assert (ran.returncode, ran.stderr) == (1, "Error: there is no app monitor nothing\n")


@pytest.mark.parametrize("format_", ["parquet", pytest.param("jsonl", marks=pytest.mark.slow)])
def test_exports_that_are_killed_contain_each_event_once(
    long_log: tuple[Path, list[str]], tmp_path: Path, format_: str
) -> None:
    database, ids = long_log
    folder = tmp_path / "out"
    kills = 0
    while True:
        process = _begin(database, folder, format_)
        done = len(_finished(folder))
        # Kill it at another moment each time: with temporary files, or just after a slice.
        if kills % 2:
            _wait_for(process, lambda before=done: len(_finished(folder)) > before)
        else:
            _wait_for(process, lambda: _is_writing(folder))
        if process.poll() is not None or kills == 3:
            break
        process.kill()
        process.communicate(timeout=30)
        kills += 1
    _, printed = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    assert export(database, "shop", folder, "--format", format_).returncode == 0

    found = (
        [row["event_id"] for row in rows(folder, "event_id, sequence, position")]
        if format_ == "parquet"
        else [line["event_id"] for line in lines(folder)]
    )
    assert kills > 1
    assert Counter(found) == Counter(ids)
    assert not list(folder.rglob("*.tmp"))


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_an_interrupted_export_says_how_to_continue(
    long_log: tuple[Path, list[str]], tmp_path: Path, number: signal.Signals
) -> None:
    database, ids = long_log
    folder = tmp_path / "out"
    process = _begin(database, folder, "jsonl")
    _wait_for(process, lambda: _is_writing(folder))
    process.send_signal(number)
    _, printed = process.communicate(timeout=30)
    left = list(folder.rglob("*.tmp"))

    assert process.returncode == 1
    assert printed == "Error: stopped; run the command again to continue\n"
    assert left == []
    assert export(database, "shop", folder, "--format", "jsonl").returncode == 0
    assert Counter(line["event_id"] for line in lines(folder)) == Counter(ids)


@pytest.mark.parametrize("format_", ["parquet", pytest.param("jsonl", marks=pytest.mark.slow)])
def test_a_full_disk_ends_an_export_that_can_continue(tmp_path: Path, format_: str) -> None:
    database, folder = tmp_path / "db.sqlite3", tmp_path / "out"
    ids = _fill(database, batches=2000)
    (tmp_path / "limited.py").write_text(
        "import resource\n"
        "from rum_cli.__main__ import main\n"
        "if __name__ == '__main__':\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "    main()\n"
    )
    command = ["export", "shop", "--output", str(folder), "--format", format_]
    ran = subprocess.run(
        # -B: no truncated bytecode.
        [sys.executable, "-B", str(tmp_path / "limited.py"), *command, "--compression", "none"],
        env=environment(OPENRUM_DATABASE_URL=f"sqlite:///{database}", PYTHONDONTWRITEBYTECODE="1"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    more = export(database, "shop", folder, "--format", format_, "--compression", "none")

    assert ran.returncode == 1
    assert ran.stderr == f"Error: {folder}: File too large\n"
    assert more.stdout.startswith(f"Exported {len(ids):,} events in 2 files, ")


def test_long_exports_have_several_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "db.sqlite3"
    ids = _fill(database, batches=100)
    monkeypatch.setattr(export_slices, "_PART_EVENTS", 30)
    files = _slice_files(database, tmp_path, monkeypatch)

    assert [file.events for file in files] == [30, 30, 30, 10]
    assert sum(file.events for file in files) == len(ids)


def test_duckdb_reads_the_days_as_partitions(tmp_path: Path) -> None:
    database, folder = tmp_path / "db.sqlite3", tmp_path / "out"
    _fill(database, batches=3000)
    assert export(database, "shop", folder, "--format", "jsonl", "--compression", "zstd")
    assert export(database, "shop", tmp_path / "parquet").returncode == 0
    queries = [
        f"SELECT event_date, count(*) FROM '{tmp_path}/parquet/*/*.parquet' GROUP BY 1 ORDER BY 1",
        f"SELECT event_date, count(*) FROM '{folder}/*/*.jsonl.zst' GROUP BY 1 ORDER BY 1",
    ]
    with duckdb.connect() as connection:
        parquet, jsonl = [
            [(str(day), count) for day, count in connection.execute(query).fetchall()]
            for query in queries
        ]

    assert parquet == [("2026-09-22", 1440), ("2026-09-23", 1440), ("2026-09-24", 120)]
    assert jsonl == parquet


def _slice_files(database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the files of a slice that is exported in this process."""
    import multiprocessing

    progress = multiprocessing.get_context("spawn").Value("Q", 0)
    monkeypatch.setattr(export_slices, "_progress", progress, raising=False)
    store = open_store(f"sqlite:///{database}")
    monitor = store.monitors.by_name("shop")
    store.close()
    assert monitor
    task = export_slices.SliceExport(
        f"sqlite:///{database}", folder, monitor, "parquet", "", "1", 0, 2**45
    )
    return export_slices.export_slice(task, export_slices.Slice(0, 10_000)).files


def _begin(database: Path, folder: Path, format_: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*OPENRUM, "export", "shop", "--output", str(folder), "--format", format_],
        env=environment(OPENRUM_DATABASE_URL=f"sqlite:///{database}"),
        cwd=database.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(process: subprocess.Popen[str], condition: Any) -> None:
    wait_until(lambda: process.poll() is not None or condition(), timeout_s=60, every_s=0.002)


def _is_writing(folder: Path) -> bool:
    """Return whether the folder has files that are not finished."""
    # An export that begins deletes the folders of days without finished files.
    with suppress(FileNotFoundError):
        return any(folder.glob("*/.part-*"))
    return False


def _finished(folder: Path) -> list[Any]:
    try:
        files: list[Any] = json.loads((folder / "_manifest.json").read_bytes())["files"]
    except FileNotFoundError:
        return []
    return files


def _fill(database: Path, *, batches: int, monitor_id: str = "") -> list[str]:
    return _fill_store(f"sqlite:///{database}", batches=batches, monitor_id=monitor_id)


def _fill_store(url: str, *, batches: int, monitor_id: str = "") -> list[str]:
    """Write batches of one event, one each minute, and return the IDs of the events."""
    store = open_store(url)
    monitor = store.monitors.create(monitor_id or new_id(), "shop", "{}")
    made = []
    for number in range(batches):
        at_s = _MIDNIGHT_S + number * 60
        request = PutRumEventsRequest(
            id=monitor.id,
            batch_id=new_id(),
            app_monitor_details={},
            user_details={"session_id": new_id()},
            rum_events=[RumEvent(id=new_id(), timestamp=at_s, type="t", details="{}")],
        )
        made.append((request, at_s * 1000))
    for start in range(0, batches, 1000):
        store.log.append(
            [
                Batch(
                    monitor.key,
                    uuid.UUID(request.batch_id).bytes,
                    at_ms,
                    at_ms,
                    at_ms,
                    1,
                    request.SerializeToString(),
                )
                for request, at_ms in made[start : start + 1000]
            ]
        )
    store.close()
    return [request.rum_events[0].id for request, _ in made]


def _logged(database: Path) -> Iterator[tuple[int, PutRumEventsRequest, RumEvent]]:
    store = open_store(f"sqlite:///{database}")
    for logged in store.log.after(0, limit=100, max_bytes=1 << 30):
        request = PutRumEventsRequest.FromString(logged.content)
        for found in request.rum_events:
            yield logged.received_ms, request, found
    store.close()


def _utc(time_ms: float) -> datetime:
    return datetime.fromtimestamp(round(time_ms) / 1000, UTC).replace(tzinfo=None)


def _id(document: dict[str, Any]) -> str:
    return str(document["event_id"])


def test_an_empty_time_range_is_rejected(tmp_path: Path) -> None:
    times = ("--after", "2026-11-02T00:00Z", "--before", "2026-11-01T00:00Z")
    ran = run_openrum("export", "shop", *times, cwd=tmp_path)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "Error: --after must not be later than --before\n"
    assert list(tmp_path.iterdir()) == []
