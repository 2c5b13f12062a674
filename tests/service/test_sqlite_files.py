"""A SQLite database rejects batches while its files are deleted, renamed or replaced."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.records import Appended, Batch
from rum_service.storage.sqlite_files import FilesReplacedError
from tests.support.logged import content, contents, logged


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "openrum.sqlite3"


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{database}")
    opened.log.append([logged(1)])
    yield opened
    opened.close()


def _wal(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


def _replace(database: Path) -> None:
    copy = database.with_name("copy")
    shutil.copy(database, copy)
    copy.rename(database)


FAULTS: dict[str, Callable[[Path], object]] = {
    "database deleted": Path.unlink,
    "database renamed": lambda database: database.rename(database.with_name("other")),
    "database replaced": _replace,
    "log deleted": lambda database: _wal(database).unlink(),
    "log replaced": lambda database: _replace(_wal(database)),
    "folder renamed": lambda database: database.parent.rename(f"{database.parent}.old"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_batches_are_rejected_after(
    store: Store, database: Path, fault: Callable[[Path], object]
) -> None:
    fault(database)
    left = sorted(database.parent.glob("*"))
    for number in (2, 3):
        with pytest.raises(FilesReplacedError, match=r"Nothing is stored until you .* back"):
            store.log.append([logged(number)])
    with pytest.raises(FilesReplacedError):
        store.log.check_writable()
    with pytest.raises(FilesReplacedError):
        store.monitors.create("id", "name", "{}")

    assert left == sorted(database.parent.glob("*"))  # no empty database is created


def test_appends_succeed_again_when_the_file_is_back(store: Store, database: Path) -> None:
    other = database.with_name("other")
    database.rename(other)
    with pytest.raises(FilesReplacedError):
        store.log.append([logged(2)])
    other.rename(database)

    assert store.log.append([logged(3)]) == [Appended.STORED]
    assert contents(store.log)[-1] == content(1)


def test_a_link_to_the_database_may_change(tmp_path: Path) -> None:
    target, link = tmp_path / "target.sqlite3", tmp_path / "link.sqlite3"
    link.symlink_to(target)
    store = open_store(f"sqlite:///{link}")
    link.unlink()
    appended = store.log.append([logged(1)])
    store.close()

    assert appended == [Appended.STORED]
    assert target.exists()


def test_other_processes_that_come_and_go_do_not_replace_the_log(
    store: Store, database: Path
) -> None:
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM batches')"
    for number in range(2, 4):
        os.spawnlp(os.P_WAIT, "python3", "python3", "-c", program, str(database))
        with sqlite3.connect(database) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()

        assert store.log.append([logged(number)]) == [Appended.STORED]


def test_the_log_shrinks_after_a_checkpoint(store: Store, database: Path) -> None:
    reading = sqlite3.connect(database, isolation_level=None)
    reading.execute("BEGIN")
    reading.execute("SELECT count(*) FROM batches").fetchone()
    size = 0
    number = 1
    while size < 80 << 20:  # a reader keeps the log from being reused
        number += 1
        store.log.append([_large(number)])
        size = _wal(database).stat().st_size
    reading.execute("COMMIT")
    reading.close()
    for _ in range(5):
        number += 1
        store.log.append([_large(number)])

    assert _wal(database).stat().st_size <= 64 << 20


def _large(number: int) -> Batch:
    return logged(number)._replace(content=os.urandom(4 << 20))


def test_no_batch_is_acknowledged_after_the_database_is_deleted(
    store: Store, database: Path
) -> None:
    """Also not the batch whose commit is under way."""
    deleted = threading.Event()
    acknowledged: list[bool] = []

    def append() -> None:
        number = 2
        while True:
            before = deleted.is_set()
            try:
                store.log.append([logged(number)])
            except FilesReplacedError:
                return
            acknowledged.append(before)
            number += 1

    appending = threading.Thread(target=append)
    appending.start()
    while len(acknowledged) < 20:
        pass
    database.unlink()
    deleted.set()
    appending.join(30)

    assert not appending.is_alive()
    assert not any(acknowledged)
