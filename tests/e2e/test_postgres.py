"""`openrum up` with PostgreSQL: restarts of either, and two servers with one database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rest import put
from tests.e2e.sent import comparable, expected_events
from tests.e2e.stored import stored_events
from tests.support.batches import batch, new_id
from tests.support.load import Load
from tests.support.running import OpenRum, read_back, run_openrum, wait_until
from tests.support.workers import WORKERS, Workers, worker_pids
from tests.tools.postgres import Postgres

_PASSWORD = "secret-database-password"


@pytest.fixture
def database_url(postgres_server: Postgres) -> str:
    """The URL of an empty database, with a password, which the server does not check."""
    url = postgres_server.create_database(f"test_{new_id()}")
    return url.replace("postgres@", f"postgres:{_PASSWORD}@")


@contextmanager
def _running(folder: Path, url: str, count: int = 1) -> Iterator[list[OpenRum]]:
    """Start servers with one database at once. At the end, check that none printed the password."""
    folders = [folder / str(number) for number in range(count)]
    for each in folders:
        each.mkdir()
    with ThreadPoolExecutor(count) as pool:
        servers = list(pool.map(lambda each: OpenRum(each, OPENRUM_DATABASE_URL=url), folders))
    try:
        yield servers
    finally:
        codes = [server.stop() for server in servers]
    assert codes == [0] * count
    for server in servers:
        assert _PASSWORD not in "".join(server.output)


def test_events_can_be_read_before_and_after_a_restart(database_url: str, tmp_path: Path) -> None:
    body = batch(3, SessionMetadata='{"browserName": "Chromium"}')
    with _running(tmp_path, database_url) as (server,):
        monitor = server.monitor_id()
        status, _ = put(server, body, monitor)
        before = stored_events(server.grpc)
        stopped = server.stop()
        server.start()
        again, _ = put(server, body, monitor)
        after = stored_events(server.grpc)

    assert (status, stopped, again) == (200, 0, 200)
    assert comparable(before) == expected_events(monitor, [body])
    assert after == before


def test_a_batch_put_to_two_servers_at_once_is_stored_once(
    database_url: str, tmp_path: Path
) -> None:
    bodies = [batch(2) for _ in range(40)]
    with _running(tmp_path, database_url, count=2) as servers:
        monitors = {server.monitor_id() for server in servers}
        monitor = monitors.pop()
        puts = [(server, body, monitor) for body in bodies for server in servers]
        with ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(lambda each: put(*each), puts))
        found = [stored_events(server.grpc) for server in servers]

    assert not monitors  # both servers have the app monitor that the first one created
    assert {status for status, _ in responses} == {200}
    assert comparable(found[0]) == expected_events(monitor, bodies)
    assert found[0] == found[1]


def test_workers_store_without_the_service_of_the_main_process(
    database_url: str, tmp_path: Path
) -> None:
    with Workers(tmp_path, OPENRUM_DATABASE_URL=database_url) as server:
        monitor = server.monitor_id()
        load = Load(monitor, url=server.url, rest=8, seed=1)
        with load:
            load.wait_for_acknowledged(50)
            os.kill(min(worker_pids(server)), signal.SIGKILL)
            load.wait_for_acknowledged(100)
            # Stopped, the main process neither stores batches nor restarts workers.
            wait_until(lambda: len(worker_pids(server)) == WORKERS)
            os.kill(server.pid, signal.SIGSTOP)
            load.wait_for_acknowledged(100)
            os.kill(server.pid, signal.SIGCONT)
        load.ledger.assert_kept(read_back(server.grpc, "my-app"))

        assert server.stop() == 0


def test_puts_fail_with_a_retryable_error_while_the_database_is_down(
    database_url: str, postgres_server: Postgres, tmp_path: Path
) -> None:
    body = batch()
    with _running(tmp_path, database_url) as (server,):
        monitor = server.monitor_id()
        stored, _ = put(server, batch(), monitor)
        postgres_server.stop()
        try:
            status, headers = put(server, body, monitor)
            # For a second the service still knows the IDs of all app monitors, and answers 404.
            wait_until(lambda: put(server, batch(), new_id())[0] == 500)
            wait_until(lambda: server.get("/readyz")[0] == 503)
            listed = run_openrum("monitors", "list", OPENRUM_SERVICE=server.grpc, cwd=tmp_path)
        finally:
            postgres_server.start()
        wait_until(lambda: server.get("/readyz")[0] == 200)
        again, _ = put(server, body, monitor)
        found = stored_events(server.grpc)

    assert (stored, again, len(found)) == (200, 200, 2)
    assert (status, headers["x-amzn-errortype"], headers["retry-after"]) == (
        500,
        "InternalServerException",
        "1",
    )
    assert listed.returncode == 1
    assert listed.stderr.endswith(" The log of the service has the reason.\n")


def test_a_restart_of_the_database_under_load_loses_and_duplicates_nothing(
    database_url: str, postgres_server: Postgres, tmp_path: Path
) -> None:
    sent: list[dict[str, Any]] = []
    failures: list[int] = []
    enough = threading.Event()

    def is_stored(server: OpenRum, body: dict[str, Any], monitor: str) -> bool:
        status, _ = put(server, body, monitor)
        if status != 200:
            failures.append(status)
        return status == 200

    def put_on(server: OpenRum, monitor: str) -> None:
        while not enough.is_set():
            body = batch(2)
            wait_until(lambda: is_stored(server, body, monitor))  # noqa: B023 # called here
            sent.append(body)

    with _running(tmp_path, database_url, count=2) as servers, ThreadPoolExecutor(4) as pool:
        monitor = servers[0].monitor_id()
        clients = [pool.submit(put_on, server, monitor) for server in servers * 2]
        try:
            wait_until(lambda: len(sent) >= 50)
            postgres_server.stop()
            try:
                wait_until(lambda: failures)
            finally:
                postgres_server.start()
            back = len(sent)
            wait_until(lambda: len(sent) >= back + 50)
        finally:
            enough.set()
        for client in clients:
            client.result(60)
        found = stored_events(servers[0].grpc)

    assert set(failures) == {500}
    assert comparable(found) == expected_events(monitor, sent)


def test_a_missing_database_is_reported_in_one_line_at_start(
    database_url: str, tmp_path: Path
) -> None:
    missing = database_url.replace("test_", "missing_")
    done = subprocess.run(
        [sys.executable, "-m", "rum_cli", "up"],
        env={**os.environ, "OPENRUM_DATABASE_URL": missing},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: OPENRUM_DATABASE_URL: the database cannot be opened: ")
    assert len(done.stderr.splitlines()) == 1
    assert _PASSWORD not in done.stderr


def test_a_url_without_the_name_of_the_driver_is_accepted(
    database_url: str, tmp_path: Path
) -> None:
    with _running(tmp_path, database_url.replace("+psycopg", "")) as (server,):
        status, _ = put(server, batch(), server.monitor_id())

    assert status == 200
