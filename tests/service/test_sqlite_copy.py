"""A SQLite database is copied while it is in use, and restored while it is not."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from rum_service.storage import open_store
from rum_service.storage.sqlite_copy import back_up, restore
from tests.support.logged import content, contents, logged


def _ignore(_done: int, _total: int) -> None:
    pass


def _url(file: Path) -> str:
    return f"sqlite:///{file}"


def _contents(file: Path) -> list[bytes]:
    store = open_store(_url(file))
    try:
        return contents(store.log, limit=10**6)
    finally:
        store.close()


def _filled(file: Path, *numbers: int) -> None:
    store = open_store(_url(file))
    store.log.append([logged(number) for number in numbers])
    store.close()


def test_a_restored_copy_has_the_same_batches(tmp_path: Path) -> None:
    database, copy = tmp_path / "openrum.sqlite3", tmp_path / "copy"
    _filled(database, 1, 2)
    back_up(_url(database), copy, progress=_ignore)
    _filled(database, 3)
    kept = restore(_url(database), copy, progress=_ignore)

    assert _contents(database) == [content(2), content(1)]
    assert kept
    assert _contents(kept) == [content(3), content(2), content(1)]


def test_a_copy_can_be_restored_where_no_database_is(tmp_path: Path) -> None:
    database, copy, other = tmp_path / "a", tmp_path / "copy", tmp_path / "new" / "b"
    _filled(database, 1)
    back_up(_url(database), copy, progress=_ignore)

    assert restore(_url(other), copy, progress=_ignore) is None
    assert _contents(other) == [content(1)]


def test_only_its_owner_can_read_a_copy(tmp_path: Path) -> None:
    database, copy = tmp_path / "a", tmp_path / "copy"
    _filled(database, 1)
    back_up(_url(database), copy, progress=_ignore)
    restore(_url(database), copy, progress=_ignore)

    for file in (copy, database):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.part*"))


def test_a_restored_database_belongs_to_the_owner_of_the_old_one(tmp_path: Path) -> None:
    """Root can restore the database of another user, and others their own."""
    database, copy = tmp_path / "a", tmp_path / "copy"
    _filled(database, 1)
    owner = (10001, 10002) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(database, *owner)
    back_up(_url(database), copy, progress=_ignore)
    restore(_url(database), copy, progress=_ignore)

    restored = database.stat()
    assert (restored.st_uid, restored.st_gid) == owner
    assert (copy.stat().st_uid, copy.stat().st_gid) == (os.geteuid(), os.getegid())


def test_a_copy_is_complete_although_batches_are_appended_meanwhile(tmp_path: Path) -> None:
    """A step of the copy happens after each append, many times."""
    database, copy = tmp_path / "a", tmp_path / "copy"
    store = open_store(_url(database))
    padding = "x" * 20_000
    store.monitors.create("i", "n", padding * 500)  # several steps
    store.log.append([logged(number) for number in range(100)])
    appended: list[int] = []

    def append(done: int, total: int) -> None:
        appended.append(done)
        store.log.append([logged(1000 + len(appended))])

    back_up(_url(database), copy, progress=append)
    store.close()

    assert len(appended) > 1
    assert appended == sorted(appended)
    assert len(_contents(copy)) == 100


def test_appends_go_on_during_a_copy(tmp_path: Path) -> None:
    database, copy = tmp_path / "a", tmp_path / "copy"
    store = open_store(_url(database))
    store.log.append([logged(0)])
    stop = threading.Event()
    appended = [0]

    def run() -> None:
        while not stop.is_set():
            appended[0] += 1
            store.log.append([logged(appended[0])])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for number in range(5):
            before = appended[0]
            back_up(_url(database), copy.with_suffix(f".{number}"), progress=_ignore)
            assert len(_contents(copy.with_suffix(f".{number}"))) >= before
    finally:
        stop.set()
        thread.join()
        store.close()


def test_a_database_in_use_is_not_replaced(tmp_path: Path) -> None:
    database, copy = tmp_path / "a", tmp_path / "copy"
    store = open_store(_url(database))
    store.log.append([logged(1)])
    back_up(_url(database), copy, progress=_ignore)
    store.log.append([logged(2)])
    with pytest.raises(ValueError, match="is in use; stop OpenRUM first"):
        restore(_url(database), copy, progress=_ignore)
    store.log.append([logged(3)])
    store.close()

    assert len(_contents(database)) == 3


def test_what_only_the_write_ahead_log_has_is_kept_with_the_old_database(tmp_path: Path) -> None:
    database, copy = tmp_path / "a", tmp_path / "copy"
    _filled(database, 1)
    back_up(_url(database), copy, progress=_ignore)
    # As a process leaves the files that is killed.
    killed, engine = tmp_path / "killed", create_engine(_url(database))
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_autocheckpoint = 0"))
        connection.execute(
            text("INSERT INTO app_monitors (id, name, document) VALUES ('i', 'n', '{}')")
        )
        connection.commit()
        for suffix in ("", "-wal"):
            killed.with_name(f"killed{suffix}").write_bytes(
                database.with_name(f"a{suffix}").read_bytes()
            )
    engine.dispose()
    kept = restore(_url(killed), copy, progress=_ignore)
    assert kept
    with closing(sqlite3.connect(kept)) as connection:
        names = connection.execute("SELECT name FROM app_monitors").fetchall()

    assert names == [("n",)]
    assert _contents(killed) == [content(1)]


def test_a_damaged_database_can_be_replaced(tmp_path: Path) -> None:
    database, copy = tmp_path / "a", tmp_path / "copy"
    _filled(database, 1)
    back_up(_url(database), copy, progress=_ignore)
    database.write_bytes(b"damaged" * 1000)
    kept = restore(_url(database), copy, progress=_ignore)

    assert kept
    assert kept.read_bytes() == b"damaged" * 1000
    assert _contents(database) == [content(1)]


def test_a_backup_replaces_no_file(tmp_path: Path) -> None:
    database, other = tmp_path / "a", tmp_path / "other"
    _filled(database, 1)
    other.write_text("mine")
    with pytest.raises(ValueError, match="exists already"):
        back_up(_url(database), other, progress=_ignore)

    assert other.read_text() == "mine"


def test_a_backup_names_the_file_that_a_killed_one_left(tmp_path: Path) -> None:
    database, target = tmp_path / "a", tmp_path / "copy"
    _filled(database, 1)
    part = tmp_path / "copy.part"
    part.touch()
    with pytest.raises(ValueError, match=r"one was killed\. Then delete the file"):
        back_up(_url(database), target, progress=_ignore)
    part.unlink()
    back_up(_url(database), target, progress=_ignore)

    assert _contents(target) == [content(1)]


def test_a_backup_to_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    database, folder = tmp_path / "a", tmp_path / "full"
    folder.mkdir()
    _filled(database, *range(2_000))
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from rum_service.storage.sqlite_copy import back_up\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "back_up(sys.argv[1], Path(sys.argv[2]), progress=lambda *_: None)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-B", "-c", program, _url(database), str(folder / "copy")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 1
    assert f"ValueError: {database} cannot be copied: " in ran.stderr
    assert list(folder.iterdir()) == []


def _execute(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(statement)


def _overwrite(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096 * 2 : 4096 * 6] = b"\xff" * (4096 * 4)
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.unlink(), "does not exist"),
        (lambda file: file.write_text("no database"), "is not a database of OpenRUM"),
        (lambda file: file.write_bytes(b""), "is not a database of OpenRUM"),
        (lambda file: _execute(file, "DROP TABLE alembic_version"), "is not a database of OpenRUM"),
        (
            lambda file: _execute(file, "UPDATE alembic_version SET version_num = '9999'"),
            "schema 9999",
        ),
        (_overwrite, "is damaged|is not a database"),
    ],
    ids=["missing", "text", "empty", "another-database", "newer", "damaged"],
)
def test_only_a_sound_copy_is_restored(tmp_path: Path, damage: object, message: str) -> None:
    database, copy = tmp_path / "a", tmp_path / "copy"
    _filled(database, 1)
    back_up(_url(database), copy, progress=_ignore)
    damage(copy)  # type: ignore[operator] # a function
    with pytest.raises(ValueError, match=message):
        restore(_url(database), copy, progress=_ignore)

    assert _contents(database) == [content(1)]


def test_a_missing_database_is_not_backed_up(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        back_up(_url(tmp_path / "a"), tmp_path / "copy", progress=_ignore)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("function", [back_up, restore])
def test_postgresql_has_its_own_tools(tmp_path: Path, function: object) -> None:
    with pytest.raises(ValueError, match="pg_dump"):
        function("postgresql://a:secret@b/c", tmp_path / "x", progress=_ignore)  # type: ignore[operator]
