"""The faults of docs/reference/durability.md, each under load. Prints the table.

FAULT_RUNS sets how often each fault is inflicted.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.e2e.fault_table import HEAD, Row, under_load
from tests.e2e.test_restart_without_gap import Rolling
from tests.support.batches import new_id
from tests.support.proxy import Proxy, proxy
from tests.support.running import OpenRum, wait_until
from tests.tools.postgres import Postgres, postgres

_RUNS = int(os.environ.get("FAULT_RUNS", "3"))
_AWAY_S = 1.0
_SILENT_S = 15.0
"""Longer than a statement may take."""


def _check(rows: list[Row]) -> None:
    """Print the table, and check that nothing is lost or stored twice."""
    print("\n".join(["", HEAD, *map(str, rows)]))

    assert [(row.fault, 0, 0) for row in rows] == [
        (row.fault, row.lost, row.doubled) for row in rows
    ]


@pytest.mark.slow
def test_faults_with_sqlite_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    with Rolling(tmp_path) as server:
        faults = SqliteFaults(server)
        rows = [
            under_load(server, "kill -9", _RUNS, faults.kill),
            under_load(server, "SIGTERM and a new start", _RUNS, faults.stop),
            under_load(server, "rolling restart", _RUNS, faults.roll),
            under_load(server, "process stopped for a second", _RUNS, faults.freeze),
            under_load(server, "no space on the disk", _RUNS, faults.fill_disk),
            under_load(server, "database renamed and back", _RUNS, faults.rename("")),
            under_load(server, "-wal file renamed and back", _RUNS, faults.rename("-wal")),
        ]

        assert server.stop() == 0
    _check(rows)


class SqliteFaults:
    """What can happen to a server and its files."""

    def __init__(self, server: Rolling) -> None:
        self._server = server

    def kill(self) -> float:
        ended = time.monotonic()
        self._server.kill()
        self._server.start()
        return ended

    def stop(self) -> float:
        ended = time.monotonic()
        assert self._server.stop() == 0
        self._server.start()
        return ended

    def roll(self) -> float:
        ended = time.monotonic()
        assert self._server.restart() == 0
        return ended

    def freeze(self) -> float:
        os.kill(self._server.pid, signal.SIGSTOP)
        time.sleep(_AWAY_S)
        os.kill(self._server.pid, signal.SIGCONT)
        return time.monotonic()

    def fill_disk(self) -> float:
        """Let no file grow, as with a quota."""
        pid = self._server.pid
        unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, unlimited[1]))
        self._stay_unready()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        return time.monotonic()

    def rename(self, suffix: str) -> Callable[[], float]:
        def inflict() -> float:
            file = Path(f"{self._server.database}{suffix}")
            away = file.with_name("away")
            file.rename(away)
            self._stay_unready()
            away.rename(file)
            return time.monotonic()

        return inflict

    def _stay_unready(self) -> None:
        wait_until(lambda: self._server.get("/readyz")[0] == 503)
        time.sleep(_AWAY_S)


class Cluster:
    """A primary, its synchronous standby, and the proxies in front of the primary."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.primary = stack.enter_context(postgres())
        self.name = f"faults_{new_id().replace('-', '_')}"
        self.primary.create_database(self.name)
        self.clients = stack.enter_context(proxy(self.primary.socket))
        self.replication = stack.enter_context(proxy(self.primary.socket))
        self.add_standby()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.clients.port}/{self.name}"

    def add_standby(self) -> None:
        """Start a standby for which commits of the primary wait."""
        self.replication.target = self.primary.socket
        primary = f"host=127.0.0.1 port={self.replication.port} user=postgres"
        self.standby = self._stack.enter_context(self.primary.standby(primary))
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.run("SELECT pg_reload_conf()")
        wait_until(lambda: self.run("SELECT sync_state FROM pg_stat_replication") == [("sync",)])

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Execute a statement on the primary."""
        return _execute(self.primary, statement)

    def waiting(self) -> list[int]:
        """Return the backends that wait for the standby."""
        found = self.run("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        return [int(str(pid)) for (pid,) in found]


def _execute(server: Postgres, statement: str) -> list[tuple[object, ...]]:
    folder = Path(server.socket).parent
    with psycopg.connect(host=str(folder), user="postgres", autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def _silent(link: Proxy) -> Iterator[None]:
    link.silent = True
    try:
        yield
    finally:
        link.silent = False


class PostgresFaults:
    """What can happen between a service, a primary and its standby."""

    def __init__(self, cluster: Cluster, server: OpenRum) -> None:
        self._cluster = cluster
        self._server = server

    def kill_service(self) -> float:
        ended = time.monotonic()
        self._server.kill()
        self._server.start()
        return ended

    def cut(self) -> float:
        self._cluster.clients.cut()
        return time.monotonic()

    def silence_host(self) -> float:
        with _silent(self._cluster.clients):
            time.sleep(_SILENT_S)
            assert self._server.get("/readyz")[0] == 503
        return time.monotonic()

    def cut_standby_off(self) -> float:
        with _silent(self._cluster.replication):
            wait_until(self._cluster.waiting)
            time.sleep(_SILENT_S)
            assert self._server.get("/readyz")[0] == 503
        return time.monotonic()

    def cancel_wait(self) -> float:
        return self._end_wait("SELECT pg_cancel_backend")

    def terminate_wait(self) -> float:
        return self._end_wait("SELECT pg_terminate_backend")

    def _end_wait(self, function: str) -> float:
        with _silent(self._cluster.replication):
            for _ in range(3):
                wait_until(self._cluster.waiting)
                for pid in self._cluster.waiting():
                    self._cluster.run(f"{function}({pid})")
        return time.monotonic()

    def fail_over(self) -> float:
        """Kill the primary while commits wait for the standby, and promote the standby."""
        cluster = self._cluster
        with _silent(cluster.replication):
            wait_until(cluster.waiting)
            for pid in cluster.waiting():
                cluster.run(f"SELECT pg_cancel_backend({pid})")
            wait_until(cluster.waiting)
            cluster.primary.kill()
            cluster.replication.cut()
        cluster.clients.cut()
        _execute(cluster.standby, "SELECT pg_promote()")
        ended = time.monotonic()
        cluster.primary = cluster.standby
        cluster.clients.target = cluster.primary.socket
        cluster.add_standby()
        return ended


@pytest.mark.slow
def test_faults_with_postgresql_and_a_synchronous_standby_lose_nothing_and_double_nothing(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        cluster = Cluster(stack)
        server = stack.enter_context(OpenRum(tmp_path, OPENRUM_DATABASE_URL=cluster.url))
        faults = PostgresFaults(cluster, server)
        rows = [
            under_load(server, "kill -9 of the service", _RUNS, faults.kill_service),
            under_load(server, "connections cut", _RUNS, faults.cut),
            under_load(server, "database host silent", _RUNS, faults.silence_host),
            under_load(server, "standby cut off", _RUNS, faults.cut_standby_off),
            under_load(server, "wait for the standby canceled", _RUNS, faults.cancel_wait),
            under_load(server, "wait for the standby terminated", _RUNS, faults.terminate_wait),
            under_load(server, "primary killed, standby promoted", _RUNS, faults.fail_over),
        ]

        assert server.stop(60) == 0
    _check(rows)
