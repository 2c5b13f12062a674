"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import psycopg
import pytest
from anyio.pytest_plugin import get_runner
from hypothesis import HealthCheck, settings

from rum_service.storage import open_store
from tests.support.databases import ReusedPostgres
from tests.support.running import OpenRum, Process
from tests.support.screenshots import FOLDER
from tests.tools.chromium import Browser, Page, chromium
from tests.tools.postgres import URL_VARIABLE, ExistingPostgres, Postgres, postgres
from tests.tools.toolbox import tools_needed

# The same examples in every run, so that a commit passes or fails always. For other examples:
# pytest --hypothesis-profile=random. No deadlines: another process may have the processor.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")

# Measurements start new processes: a fork has more modules than its command needs.
Process.forks = True

_STARTED_S = time.time()
# Their files take longest, and the downloads of the tools wait more than they work.
_FIRST = ("tests/tools/", "tests/e2e/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: at the end, a process would work on one alone."""
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in _FIRST])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the pictures of the page are, if this run took some."""
    if any(file.stat().st_mtime > _STARTED_S for file in FOLDER.glob("*.png")):
        terminalreporter.write_line(f"Pictures of the views of the page: {FOLDER}")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _one_event_loop() -> Iterator[None]:
    """Keep one event loop for all tests of the session.

    grpc.aio has one poller for the process, and `Server.stop` returns before the tasks of the last
    calls end. With a loop for each test, their completions arrive at a closed loop and fail the
    next test with "Event loop is closed". anyio keeps a loop for as long as somebody holds its
    runner; as an async fixture this one would make every test an anyio test.
    """
    with get_runner("asyncio", {}):
        yield


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let the processes that tests start receive SIGINT.

    A shell ignores SIGINT in what it starts in the background, and child processes inherit that:
    `openrum tail` would not end when it is interrupted.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def openrum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A running server with one app monitor, my-app."""
    with OpenRum(tmp_path_factory.mktemp("openrum")) as server:
        yield server
        server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium for the whole session."""
    with tools_needed(), chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page with its own cookies and caches."""
    with browser.page() as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL for the whole session; each test creates its own database in it."""
    if url := os.environ.get(URL_VARIABLE):
        existing = ExistingPostgres(url)
        yield existing
        existing.drop_databases()
        return
    with tools_needed(), postgres() as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_database(postgres_server: Postgres) -> str:
    return postgres_server.create_database("emptied_for_each_test")


@pytest.fixture
def empty_postgres(_postgres_database: str) -> str:
    """The URL of an empty PostgreSQL database. Emptying one is much faster than creating many."""
    with psycopg.connect(_postgres_database.replace("+psycopg", "")) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return _postgres_database


@pytest.fixture(scope="session")
def _migrated_postgres(postgres_server: Postgres) -> ReusedPostgres:
    url = postgres_server.create_database("restored_for_each_test")
    return ReusedPostgres(url, lambda url: open_store(url).close())


@pytest.fixture
def migrated_postgres(_migrated_postgres: ReusedPostgres) -> str:
    """The URL of a PostgreSQL database with the current schema and no rows."""
    return _migrated_postgres.restored()
