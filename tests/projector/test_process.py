"""The projector as a process: killed, started twice, with a broken file, and in `openrum up`."""

from __future__ import annotations

import ctypes
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rum_cli.projector_process import rebuild_here
from rum_projector.lock import is_locked
from rum_projector.settings import ProjectorSettings
from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.projector.running import Projector, damage_a_block, eventually, projected
from tests.projector.test_projection import RUM, put, sent
from tests.support.batches import batch
from tests.support.running import OpenRum


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Store]:
    with closing(_log(_sqlite(tmp_path))) as store:
        yield store


def _sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'log.sqlite3'}"


def _log(url: str) -> Store:
    store = open_store(url)
    store.monitors.create("a" * 36, "a", "{}")
    store.log.maintain()
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return _sqlite(tmp_path)
    return str(request.getfixturevalue("empty_postgres"))


def put_some(log: Store, number: int) -> int:
    """Append a batch of a few events. Return their number."""
    error = {"type": "Error", "message": f"m{'abcdefg'[number % 7]}", "stack": ""}
    events = [
        sent(metadata={"pageId": f"/{'ghijk'[number % 5]}"}),
        sent(f"{RUM}js_error_event", details=error),
        sent("custom"),
    ][: 1 + number % 3]
    put(log, *events)
    return len(events)


def test_events_are_projected_about_once_a_second(log: Store, tmp_path: Path) -> None:
    with Projector(tmp_path) as projector:
        projector.wait(0)
        count = sum(put_some(log, number) for number in range(10))
        projector.wait(count)
        code = projector.stop()

    assert code == 0
    rows, different, sequence, _ = projected(tmp_path)
    assert (rows, different, sequence) == (count, count, log.log.newest_sequence())


def test_every_thread_has_a_low_priority(log: Store, tmp_path: Path) -> None:
    """Also those of DuckDB, which the first query starts."""
    with Projector(tmp_path) as projector:
        put_some(log, 1)
        projector.wait(2)
        threads = list(Path(f"/proc/{projector.pid}/task").iterdir())
        found = {os.getpriority(os.PRIO_PROCESS, int(thread.name)) for thread in threads}
        slices_ns = {slice_ns(int(thread.name)) for thread in threads}

    assert len(threads) > 2
    assert found == {min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)}
    assert slices_ns == {100_000 if has_slices() else slice_ns(0)}


def has_slices() -> bool:
    """Whether the kernel keeps a slice for each thread: Linux 6.12 and later."""
    major, minor = (int(number) for number in os.uname().release.split(".")[:2])
    return (major, minor) >= (6, 12) and os.uname().machine in {"x86_64", "aarch64"}


def slice_ns(thread: int) -> int:
    """Return how long a thread runs before another one gets its core. 0: this thread."""
    get_attributes = {"x86_64": 315, "aarch64": 275}.get(os.uname().machine)
    found = ctypes.create_string_buffer(48)
    if get_attributes is not None:
        ctypes.CDLL(None).syscall(get_attributes, thread, found, len(found), 0)
    return int.from_bytes(found.raw[24:32], sys.byteorder)  # sched_runtime of struct sched_attr


def kill_repeatedly(url: str, folder: Path, kills: int, *, seed: int = 0) -> None:
    """Kill projectors at random moments while batches arrive; then compare with the log."""
    settings = {"OPENRUM_DATABASE_URL": url, "OPENRUM_PROJECTION": "insight.duckdb"}
    projector = Projector(folder, **settings)
    killed = Projector(folder, in_small_chunks=True, **settings)
    with closing(_log(url)) as log:
        count = _append_and_kill(log, killed, kills, random.Random(seed))
        with projector:
            projector.wait(count)
            assert projector.stop() == 0
        found = rows, different, sequence, groups = projected(folder, url)
        assert (rows, different, sequence) == (count, count, log.log.newest_sequence())
    assert len(groups) == 7
    (folder / "insight.duckdb").unlink()
    with projector:
        projector.wait(count)
        projector.stop()
    assert projected(folder, url) == found


def _append_and_kill(log: Store, projector: Projector, kills: int, moments: random.Random) -> int:
    """Append batches while projectors are killed. Return the number of events."""
    count = 0
    stop = threading.Event()

    def append() -> None:
        nonlocal count
        number = 0
        while not stop.is_set():
            count += put_some(log, number)
            number += 1
            time.sleep(0.002)

    appending = threading.Thread(target=append)
    appending.start()
    try:
        for _ in range(kills):
            with projector:
                if moments.random() < 0.8:
                    eventually(lambda: projector.events() >= 0)
                time.sleep(moments.uniform(0.0, 1.5))
                assert projector.kill() == -signal.SIGKILL, projector.output
    finally:
        stop.set()
        appending.join()
    return count


def test_every_event_is_projected_once_although_projectors_are_killed(tmp_path: Path) -> None:
    kill_repeatedly(_sqlite(tmp_path), tmp_path, 3)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_every_event_is_projected_once_through_200_kills(
    any_url: str, tmp_path: Path, part: int
) -> None:
    """Each part kills 40 projectors."""
    kill_repeatedly(any_url, tmp_path, 40, seed=part)


def test_a_second_projector_ends_and_says_why(log: Store, tmp_path: Path) -> None:
    with Projector(tmp_path) as projector:
        projector.wait(0)
        second = projector.run("run")

        assert second.returncode == 2
        assert second.stderr.startswith("Error: OPENRUM_PROJECTION: another projector writes ")
        assert projector.events() == 0


def test_a_broken_file_is_set_aside_and_built_again(log: Store, tmp_path: Path) -> None:
    count = sum(put_some(log, number) for number in range(300))
    file, aside = tmp_path / "insight.duckdb", tmp_path / "insight.duckdb.aside"
    with Projector(tmp_path) as projector:
        projector.wait(count)
        projector.stop()
    whole = file.read_bytes()

    for broken in (b"not a database", b"", whole[: len(whole) // 2]):
        file.write_bytes(broken)
        with Projector(tmp_path) as projector:
            projector.wait(count)
            projector.stop()

        assert (count, count) == projected(tmp_path)[:2]
        if broken:  # DuckDB takes an empty file for a new one
            assert aside.read_bytes() == broken
            assert aside.name in projector.output
            aside.unlink()


def test_a_file_with_a_damaged_block_is_set_aside_by_the_next_process(
    log: Store, tmp_path: Path
) -> None:
    count = put_some(log, 2)
    file = tmp_path / "insight.duckdb"
    damage_a_block(file, url=f"sqlite:///{tmp_path / 'log.sqlite3'}")

    first = Projector(tmp_path).run("run")
    with Projector(tmp_path) as projector:
        projector.wait(count)
        projector.stop()

    assert first.returncode == 70
    assert "Corrupt database file" in first.stderr
    assert (count, count) == projected(tmp_path)[:2]
    assert (tmp_path / "insight.duckdb.aside").exists()


def test_a_projection_of_another_log_is_set_aside(log: Store, tmp_path: Path) -> None:
    put_some(log, 0)
    with Projector(tmp_path) as projector:
        projector.wait(1)
        projector.stop()
    other = open_store(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    other.monitors.create("b" * 36, "b", "{}")
    count = put_some(other, 1) + put_some(other, 2)
    other.close()

    with Projector(
        tmp_path, OPENRUM_DATABASE_URL=f"sqlite:///{tmp_path / 'other.sqlite3'}"
    ) as projector:
        projector.wait(count)


def test_a_file_that_cannot_be_written_is_a_start_error(log: Store, tmp_path: Path) -> None:
    (tmp_path / "insight.duckdb").mkdir()

    with Projector(tmp_path) as projector:
        pass

    ran = projector.run("run")
    assert ran.returncode == 2
    assert ran.stderr.startswith("Error: OPENRUM_PROJECTION: ")
    assert len(ran.stderr.splitlines()) == 1


def test_rebuild_without_a_projector_builds_the_columns_here(log: Store, tmp_path: Path) -> None:
    count = sum(put_some(log, number) for number in range(50))

    ran = Projector(tmp_path).run("rebuild")

    assert ran.returncode == 0
    assert f"{count:,} events are in the projection" in ran.stdout
    assert (count, count) == projected(tmp_path)[:2]
    assert Projector(tmp_path).run("state").returncode == 3


def test_the_progress_of_a_rebuild_is_the_part_of_the_lag_that_is_gone(
    log: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rum_cli.projector_process.collect_rarely", lambda: None)
    put(log, sent(), received_ms=round(time.time() * 1000) - 60_000)
    settings = ProjectorSettings(database_url=f"sqlite:///{tmp_path / 'log.sqlite3'}")

    (first_lag_ms, first_count), *_, last = rebuild_here(settings)

    assert first_lag_ms >= 60_000
    assert first_count == 0
    assert last == (0, 1)


def test_rebuild_beside_a_projector_makes_it_build_the_columns(log: Store, tmp_path: Path) -> None:
    count = sum(put_some(log, number) for number in range(50))
    with Projector(tmp_path) as projector:
        projector.wait(count)
        before = projector.run("state").stdout
        ran = projector.run("rebuild")
        projector.wait(count)
        projector.stop()

    assert f"{count}" in before
    assert ran.returncode == 0, ran.stderr
    assert f"{count:,} events are in the projection" in ran.stdout
    assert "projection is built again" in projector.output
    assert (count, count) == projected(tmp_path)[:2]
    assert not (tmp_path / "insight.duckdb.rebuild").exists()


class Projecting(OpenRum):
    projects = True


def test_up_restarts_the_projector_and_stops_it(tmp_path: Path) -> None:
    with Projecting(tmp_path) as server:
        monitor = server.monitor_id()
        server.post(f"/appmonitors/{monitor}", batch(3))
        eventually(lambda: state(server).get("events") == 3)
        first = projector_pid(server)
        os.kill(first, signal.SIGKILL)
        server.post(f"/appmonitors/{monitor}", batch(2))
        eventually(lambda: state(server).get("events") == 5)
        second = projector_pid(server)
        assert server.stop() == 0

    assert first != second
    eventually(lambda: not is_running(second))
    assert not is_locked(tmp_path / "insight.duckdb")


def test_the_projector_ends_with_a_killed_main_process(tmp_path: Path) -> None:
    with Projecting(tmp_path) as server:
        child = eventually(lambda: projector_pid(server))
        eventually(lambda: state(server))
        server.kill()

    eventually(lambda: not is_running(child))


def test_up_does_not_need_a_projector_that_works(tmp_path: Path) -> None:
    (tmp_path / "insight.duckdb").mkdir()
    with Projecting(tmp_path) as server:
        status, _ = server.post(f"/appmonitors/{server.monitor_id()}", batch())
        eventually(lambda: any('"projector ended"' in line for line in server.output))

        assert status == 200
        assert server.get("/readyz")[0] == 200


def state(server: OpenRum) -> dict[str, float]:
    """Return the state of the projection, or nothing while it cannot be read."""
    status, text = server.get("/insight-state")
    found: dict[str, float] = json.loads(text) if status == 200 else {}
    return found


def projector_pid(server: OpenRum) -> int:
    """Return the process ID of the projector, or 0."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == server.pid and b"projector_process" in (folder / "cmdline").read_bytes():
                return int(folder.name)
        except OSError:
            continue
    return 0


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
