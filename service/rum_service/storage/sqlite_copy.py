"""Copy a SQLite database: to a backup while it is in use, and back while it is not.

Also make its file smaller while it is not in use.
"""

from __future__ import annotations

__all__ = ["back_up", "compact", "restore"]

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from rum_service.storage.migrate import check_not_newer

Progress = Callable[[int, int], None]
"""Takes how many pages are copied, and how many there are."""

_PAGES_AT_ONCE = 1024
_BUSY_S = 10.0
_LOG_SUFFIXES = ("-wal", "-shm")


def back_up(url: str, file: Path, *, progress: Progress) -> None:
    """Copy a database that may be in use. The copy has everything committed before the call.

    Raises:
        ValueError: the database is not in a SQLite file that exists, or has a newer schema than
            this version knows.
        OSError: the copy cannot be written.
    """
    source = _path_of(url)
    if not source.is_file():
        raise ValueError(f"{source} does not exist")
    if file.exists():
        raise ValueError(f"{file} exists already")
    check_not_newer(_schema_of(source))
    _copy(source, file, progress)


def restore(url: str, file: Path, *, progress: Progress) -> Path | None:
    """Replace a database that is not in use by a copy.

    Returns:
        Where the old database is kept, if there was one.

    Raises:
        ValueError: `file` is not a database of this version or an older one, or the database that
            is to be replaced is in use.
        OSError: a file cannot be written.
    """
    target = _path_of(url)
    _check(file)
    target.parent.mkdir(0o700, parents=True, exist_ok=True)
    new = target.with_name(f"{target.name}.restoring")
    new.unlink(missing_ok=True)
    kept = None
    if target.exists():
        _close_log(target)
    _copy(file, new, progress)
    if target.exists():
        kept = target.with_name(f"{target.name}.{time.strftime('%Y%m%dT%H%M%S')}")
        for suffix in ("", *_LOG_SUFFIXES):
            with suppress(FileNotFoundError):
                _beside(target, suffix).rename(_beside(kept, suffix))
        _keep_owner(kept, new)
    new.rename(target)
    _sync(target.parent)
    return kept


def _keep_owner(old: Path, new: Path) -> None:
    """Give a file to the owner of another one, so that a service can open what root restored."""
    owner = old.stat()
    if new.stat().st_uid != owner.st_uid:
        with suppress(PermissionError):  # the caller is not root
            os.chown(new, owner.st_uid, owner.st_gid)


def compact(url: str) -> tuple[int, int]:
    """Return a database's unused space to the file system. No process may use the database.

    Afterwards the service does the same with the space of removed batches.

    Returns:
        How many bytes the file had, and how many it has now.

    Raises:
        ValueError: the database is not in a SQLite file that exists, is in use, or cannot be
            changed.
    """
    database = _path_of(url)
    if not database.is_file():
        raise ValueError(f"{database} does not exist")
    check_not_newer(_schema_of(database))
    before = database.stat().st_size
    try:
        with closing(_connect(database, timeout_s=0.0)) as connection:
            # A process that starts meanwhile waits or fails. It could otherwise open a file with
            # half of the change.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = DELETE")  # fails while it is in use
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise ValueError(f"{database} is in use; stop OpenRUM first") from None
        raise ValueError(f"{database} cannot be compacted: {error}") from None
    return before, database.stat().st_size


def _path_of(url: str) -> Path:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("OPENRUM_DATABASE_URL is not a database URL") from None
    if parsed.drivername != "sqlite":
        raise ValueError(
            "this command is for SQLite; use pg_dump and pg_restore for PostgreSQL, and keep a copy"
            " of OPENRUM_SECRETS_KEY_FILE with the dump"
        )
    return Path(parsed.database or "")


def _copy(source: Path, target: Path, progress: Progress) -> None:
    part = target.with_name(f"{target.name}.part")
    # Other users must not read it.
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise ValueError(
            f"{part} exists: another copy is being written, or one was killed. Then delete the file"
        ) from None
    try:
        with closing(_connect(source)) as old, closing(_connect(part)) as new:
            # Without a transaction, the copy would start again after each commit by a service.
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchall()
            old.backup(
                new,
                pages=_PAGES_AT_ONCE,
                progress=lambda _status, left, total: progress(total - left, total),
                sleep=0,
            )
        _sync(part)
        os.link(part, target)  # fails if it exists
        _sync(target.parent)
    except sqlite3.Error as error:
        raise ValueError(f"{source} cannot be copied: {error}") from None
    finally:
        part.unlink(missing_ok=True)
        for suffix in (*_LOG_SUFFIXES, "-journal"):
            _beside(part, suffix).unlink(missing_ok=True)


def _check(file: Path) -> None:
    """Raise ValueError unless a file is a database that this version can open."""
    if not file.is_file():
        raise ValueError(f"{file} does not exist")
    try:
        with closing(_connect(file)) as connection:
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError):
        raise ValueError(f"{file} is not a database of OpenRUM") from None
    if result != "ok":
        raise ValueError(f"{file} is damaged: {result}")
    check_not_newer(version)


def _schema_of(file: Path) -> str | None:
    """Return a database's schema revision. None: it has none, or is damaged."""
    try:
        with closing(_connect(file)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return str(found[0]) if found else None


def _close_log(database: Path) -> None:
    """Move what is in the write-ahead log to the database. Raises ValueError if it is in use."""
    try:
        with closing(_connect(database, timeout_s=0.0)) as connection:
            # Fails while another connection is open.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise ValueError(f"{database} is in use; stop OpenRUM first") from None
        raise ValueError(f"{database} cannot be replaced: {error}") from None
    except sqlite3.DatabaseError:
        pass  # It is damaged, which may be why it is replaced.


def _connect(path: Path, timeout_s: float = _BUSY_S) -> sqlite3.Connection:
    # mode=rw: do not create a missing file. A reader writes the index of the write-ahead log, too.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
