"""SQLite's write-ahead log is copied into the file, and begins anew, while batches are appended."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event

from rum_service.storage import open_store, sqlite_checkpoints
from rum_service.storage.sqlite_checkpoints import Checkpoints
from rum_service.storage.sqlite_files import FilesReplacedError
from tests.support.logged import logged
from tests.support.running import wait_until

_PAGE_BYTES = 4096
_LONG_LOG_PAGES = 50


class File:
    """A database whose write-ahead log only `Checkpoints` copies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode = WAL", "wal_autocheckpoint = 0", "synchronous = OFF"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.execute("CREATE TABLE pages (page BLOB)")

    def commit(self, checkpoints: Checkpoints) -> None:
        """Add at least one page to the log."""
        with self.lock:
            self._connection.execute("INSERT INTO pages VALUES (zeroblob(?))", [_PAGE_BYTES])
        checkpoints.note_commit()

    def log_number(self) -> int:
        """Return how often the log has begun anew."""
        with self.path.with_name(f"{self.path.name}-wal").open("rb") as log:
            # https://sqlite.org/fileformat2.html#walformat
            return int.from_bytes(log.read(16)[12:])

    def longest_log_pages(self) -> int:
        return self.path.with_name(f"{self.path.name}-wal").stat().st_size // _PAGE_BYTES

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    opened = File(tmp_path / "pages.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def engine(file: File) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{file.path}", connect_args={"isolation_level": None})
    yield engine
    engine.dispose()


@pytest.fixture
def checkpoints(file: File, engine: Engine) -> Iterator[Checkpoints]:
    running = Checkpoints(engine, file.lock, interval_s=0.002, long_log_pages=_LONG_LOG_PAGES)
    yield running
    running.stop()


def test_the_log_begins_anew_while_commits_never_pause(
    file: File, checkpoints: Checkpoints
) -> None:
    for number in (1, 2, 3):
        _commit_until_log(number, file, checkpoints)


def test_commits_do_not_wait_for_a_reader_that_needs_the_log(
    file: File, engine: Engine, checkpoints: Checkpoints
) -> None:
    _commit_until_log(1, file, checkpoints)
    with engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM pages").all()
        number = file.log_number()
        for _ in range(10 * _LONG_LOG_PAGES):
            file.commit(checkpoints)
        assert file.log_number() <= number + 1
    _commit_until_log(number + 2, file, checkpoints)


def _commit_until_log(number: int, file: File, checkpoints: Checkpoints) -> None:
    def has_begun() -> bool:
        file.commit(checkpoints)
        # Without the lock, a copy is sometimes complete by chance.
        assert file.longest_log_pages() < 500 * _LONG_LOG_PAGES
        return file.log_number() >= number

    wait_until(has_begun, every_s=0)


def test_a_fault_does_not_end_the_checkpoints(
    file: File, engine: Engine, checkpoints: Checkpoints
) -> None:
    faults = iter([FilesReplacedError("gone"), sqlite3.OperationalError("disk I/O error")])

    @event.listens_for(engine, "do_connect")
    def connect(*_: object) -> None:
        for fault in faults:
            raise fault

    def is_copied() -> bool:
        file.commit(checkpoints)
        return file.path.stat().st_size > 10 * _PAGE_BYTES

    wait_until(is_copied, every_s=0.002)


def test_a_store_copies_its_log_after_a_commit(tmp_path: Path) -> None:
    path, copy = tmp_path / "openrum.sqlite3", tmp_path / "copy.sqlite3"
    store = open_store(f"sqlite:///{path}")

    def is_in_file() -> bool:
        shutil.copy(path, copy)  # without the log
        with closing(sqlite3.connect(copy)) as connection:
            return connection.execute("SELECT count(*) FROM sqlite_master").fetchone() > (0,) and (
                connection.execute("SELECT count(*) FROM batches").fetchone() == (1,)
            )

    try:
        store.log.append([logged(1)])
        wait_until(is_in_file)
    finally:
        store.close()


def test_a_disk_that_does_not_answer_does_not_keep_a_store_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, answers = threading.Event(), threading.Event()
    pages = iter([sqlite_checkpoints._LONG_LOG_PAGES])

    def copy(_: sqlite3.Connection) -> int:
        for number in pages:
            return number
        hangs.set()  # with the lock of the writer
        assert answers.wait(60)
        return 0

    monkeypatch.setattr(sqlite_checkpoints, "_copy", copy)
    monkeypatch.setattr(sqlite_checkpoints, "_STOP_S", 0.05)
    store = open_store(f"sqlite:///{tmp_path / 'openrum.sqlite3'}")
    store.log.append([logged(1)])
    assert hangs.wait(60)
    closing_store = threading.Thread(target=store.close, daemon=True)
    closing_store.start()
    closing_store.join(30)
    is_closed = not closing_store.is_alive()
    answers.set()
    closing_store.join()
    store.close()

    assert is_closed
