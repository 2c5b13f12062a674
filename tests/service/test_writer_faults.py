"""The thread that stores batches answers every caller, and a process does not outlive it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import structlog

from rum_service.ingest.commits import Append, Outcome
from rum_service.ingest.group_commit import GroupCommit
from rum_service.storage import open_store
from rum_service.storage.records import Appended, Batch
from tests.support.batches import batch
from tests.support.logged import logged
from tests.support.running import OpenRum, wait_until

_STORED = [Appended.STORED]


class Clock:
    """A clock that stands still, or fails."""

    now = 0.0
    fails = False

    def __call__(self) -> float:
        if self.fails:
            raise MemoryError
        return self.now


@asynccontextmanager
async def group_commit(
    append: Append,
    *,
    check: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
    on_end: Callable[[BaseException], object] = print,
) -> AsyncIterator[GroupCommit]:
    """Run a group commit over an append function."""
    async with GroupCommit(
        append,
        check=check,
        on_end=on_end,
        max_waiting_bytes=1 << 20,
        max_group_bytes=1 << 20,
        linger_s=0.0,
        clock=clock,
    ) as started:
        yield started


async def put(commit: GroupCommit, *batches: Batch) -> list[Outcome]:
    """Store batches and return their outcomes."""
    for each in batches:
        commit.reserve(each)
    async with asyncio.timeout(30):
        return await commit.submit(list(batches))


@contextmanager
def logging_fails() -> Iterator[None]:
    """Let each line of the log raise."""

    def fail(*_: object) -> str:
        raise MemoryError

    structlog.configure(processors=[fail])
    try:
        yield
    finally:
        structlog.reset_defaults()


def stores(batches: Sequence[Batch]) -> list[Appended]:
    """Append for a store that works."""
    return [Appended.STORED] * len(batches)


async def test_a_failure_to_log_a_failed_commit_answers_the_callers() -> None:
    down = True

    def append(batches: Sequence[Batch]) -> list[Appended]:
        if down:
            raise OSError("down")
        return stores(batches)

    with logging_fails():
        async with group_commit(append) as commit:
            failed = await put(commit, logged(1), logged(2))
            down = False
            stored = await put(commit, logged(1))

    assert [type(outcome) for outcome in failed] == [OSError, OSError]
    assert stored == _STORED


async def test_an_error_outside_of_the_commit_answers_the_callers() -> None:
    clock = Clock()
    async with group_commit(stores, clock=clock) as commit:
        clock.fails = True
        failed = await put(commit, logged(1), logged(2))
        clock.fails = False
        stored = await put(commit, logged(1))

    assert [type(outcome) for outcome in failed] == [RuntimeError, RuntimeError]
    assert stored == _STORED


async def test_a_store_that_returns_too_few_outcomes_answers_the_callers() -> None:
    async with group_commit(lambda _: []) as commit:
        outcomes = await put(commit, logged(1), logged(2))

    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]


async def test_a_slow_failure_of_a_group_is_not_repeated_for_each_batch() -> None:
    """A database that does not answer takes 11 seconds to fail."""
    clock, calls = Clock(), []

    def append(batches: Sequence[Batch]) -> list[Appended]:
        calls.append(len(batches))
        clock.now += 11
        raise OSError("no answer")

    async with group_commit(append, clock=clock) as commit:
        outcomes = await put(commit, logged(1), logged(2), logged(3))

    assert [type(outcome) for outcome in outcomes] == [OSError] * 3
    assert calls == [3]


async def test_an_end_of_the_thread_answers_its_group_and_is_reported() -> None:
    ended: list[BaseException] = []

    def append(_: Sequence[Batch]) -> list[Appended]:
        raise SystemExit

    async with group_commit(append, on_end=ended.append) as commit:
        outcomes = await put(commit, logged(1))

    assert [type(outcome) for outcome in outcomes] == [RuntimeError]
    assert [type(error) for error in ended] == [SystemExit]


async def test_a_check_waits_behind_the_batches_and_fails_with_the_store() -> None:
    order: list[str] = []

    def append(batches: Sequence[Batch]) -> list[Appended]:
        order.append("append")
        return stores(batches)

    def check() -> None:
        order.append("check")
        if len(order) > 2:
            raise OSError("down")

    async with group_commit(append, check=check) as commit:
        await put(commit, logged(1))
        await commit.check()
        with pytest.raises(OSError, match="down"):
            await commit.check()

    assert order == ["append", "check", "check"]


async def test_a_check_fails_for_five_seconds_after_a_failed_commit_or_until_one_succeeds() -> None:
    clock, down = Clock(), True

    def append(batches: Sequence[Batch]) -> list[Appended]:
        if down:
            raise OSError("down")
        return stores(batches)

    async with group_commit(append, clock=clock) as commit:
        await put(commit, logged(1))
        with pytest.raises(RuntimeError, match="not stored"):
            await commit.check()
        clock.now = 5
        await commit.check()
        await put(commit, logged(1))
        with pytest.raises(RuntimeError, match="not stored"):
            await commit.check()
        down = False
        await put(commit, logged(1))
        await commit.check()


_DYING = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from rum_service.storage import open_store
from tests.service.served import BlockableLog
from tests.support.batches import message, put_of
from tests.support.services import settings_in, started

class Dying(BlockableLog):
    def append(self, batches):
        sys.exit()

async def main():
    settings = settings_in(Path(sys.argv[1]))
    store = open_store(settings.database_url)
    created = store.monitors.create("00000000-0000-4000-8000-000000000000", "shop", "{}")
    async with started(replace(store, log=Dying(store.log)), settings, listening=True) as service:
        try:
            await service.ingest.put(put_of(message(created.id)))
        except Exception as error:
            print(type(error).__name__, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_process_ends_with_a_message_when_its_writer_ends(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _DYING, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert "InternalServerException" in ran.stdout
    assert ran.stderr == "Error: the thread that stores batches ended: SystemExit\n"
    assert ran.returncode == 70


def test_a_log_that_takes_no_batches_is_not_ready(tmp_path: Path) -> None:
    """Also if it takes other writes."""
    with OpenRum(tmp_path) as server:
        ready = server.get("/readyz")[0]
        breaking = sqlite3.connect(server.database)
        breaking.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON batches BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        breaking.commit()
        wait_until(lambda: server.get("/readyz")[0] == 503)
        status, _ = server.post(f"/appmonitors/{server.monitor_id()}", batch())
        breaking.execute("DROP TRIGGER broken")
        breaking.commit()
        breaking.close()
        wait_until(lambda: server.get("/readyz")[0] == 200)

        assert ready == 200
        assert status == 500
        assert server.stop() == 0


def test_a_check_of_the_log_leaves_no_row(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'openrum.sqlite3'}")
    store.log.check_writable()
    store.log.append([logged(1)])
    store.log.check_writable()
    store.close()
    with sqlite3.connect(tmp_path / "openrum.sqlite3") as database:
        sequences = database.execute("SELECT sequence FROM batches").fetchall()
    database.close()

    assert sequences == [(1,)]
