"""Failovers under load: two services, whose URL names a primary and its synchronous standby.

FAULT_RUNS sets how often each fault is inflicted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from rum_service.storage.postgres_partitions import DAY_BITS
from tests.e2e.fault_table import HEAD, Row, under_load
from tests.support.batches import new_id
from tests.support.proxy import proxy
from tests.support.running import OpenRum, wait_until
from tests.tools.postgres import Postgres, postgres

_RUNS = int(os.environ.get("FAULT_RUNS", "3"))


class Pair:
    """A primary and its synchronous standby, each behind a proxy with a fixed port."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.primary = stack.enter_context(postgres())
        self.name = f"failover_{new_id().replace('-', '_')}"
        self.primary.create_database(self.name)
        self.link = stack.enter_context(proxy(self.primary.socket))
        self.spare_link = stack.enter_context(proxy(self.primary.socket))
        self.replication = stack.enter_context(proxy(self.primary.socket))
        ports = (self.spare_link.port, self.link.port)
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.url = f"postgresql://postgres@{hosts}/{self.name}"
        self.add_standby()

    def add_standby(self) -> None:
        """Start a standby for which commits of the primary wait."""
        self.replication.target = self.primary.socket
        primary = f"host=127.0.0.1 port={self.replication.port} user=postgres"
        self.standby = self._stack.enter_context(self.primary.standby(primary))
        self.spare_link.target = self.standby.socket
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.run("SELECT pg_reload_conf()")
        wait_until(lambda: self.run("SELECT sync_state FROM pg_stat_replication") == [("sync",)])

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Execute a statement on the primary."""
        return _execute(self.primary, "postgres", statement)

    def promote(self) -> None:
        """Let the standby be the primary. Its port stays the same."""
        _execute(self.standby, "postgres", "SELECT pg_promote()")
        self.primary = self.standby
        self.link, self.spare_link = self.spare_link, self.link


def _execute(server: Postgres, database: str, statement: str) -> list[tuple[object, ...]]:
    folder = Path(server.socket).parent
    with psycopg.connect(
        host=str(folder), user="postgres", dbname=database, autocommit=True
    ) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _kill(pair: Pair) -> float:
    """Kill the primary, and promote the standby."""
    pair.primary.kill()
    pair.replication.cut()
    pair.link.cut()
    pair.promote()
    ended = time.monotonic()
    pair.add_standby()
    return ended


def _cut_off(pair: Pair) -> float:
    """Promote the standby while the primary runs, but neither it nor a service can reach it."""
    old, link = pair.primary, pair.link
    link.silent = pair.replication.silent = True
    pair.promote()
    ended = time.monotonic()
    pair.replication.cut()
    old.stop()
    pair.replication.silent = False
    pair.add_standby()
    link.cut()
    link.silent = False
    return ended


def _switch_over(pair: Pair) -> float:
    """Stop the primary in order, and promote the standby."""
    pair.primary.stop()
    pair.promote()
    ended = time.monotonic()
    pair.add_standby()
    return ended


def _begin_days(pair: Pair) -> float:
    """Let three days begin, as far as the log can tell."""
    name = pair.name
    for _ in range(3):
        _execute(
            pair.primary,
            name,
            "SELECT setval('batches_sequence_seq',"
            f" ((pg_sequence_last_value('batches_sequence_seq') >> {DAY_BITS}) + 1) << {DAY_BITS})"
            " FROM pg_advisory_xact_lock(x'4C4F47'::int)",
        )
        time.sleep(0.5)
    return time.monotonic()


@pytest.mark.slow
def test_failovers_under_load_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with ExitStack() as stack:
        pair = Pair(stack)
        servers = [
            stack.enter_context(OpenRum(folder, OPENRUM_DATABASE_URL=pair.url))
            for folder in folders
        ]

        def row(fault: str, inflict: Callable[[Pair], float], runs: int = _RUNS) -> Row:
            return under_load(servers[0], fault, runs, lambda: inflict(pair), servers[1:])

        rows = [
            row("a day begins, three times", _begin_days, 1),
            row("primary killed, standby promoted", _kill),
            row("primary cut off, standby promoted", _cut_off),
            row("switchover", _switch_over),
        ]
        for server in servers:
            assert server.stop(60) == 0
    print("\n".join(["", HEAD, *map(str, rows)]))

    assert [(0, 0)] * len(rows) == [(each.lost, each.doubled) for each in rows]
