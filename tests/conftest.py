"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.running import OpenRum
from tests.tools.chromium import Browser, Page, chromium
from tests.tools.postgres import Postgres, postgres
from tests.tools.toolbox import tools_needed


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def openrum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A running server with one app monitor, my-app."""
    server = OpenRum(tmp_path_factory.mktemp("openrum"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium for the whole session."""
    with tools_needed(), chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with cookies and caches of its own."""
    with browser.page() as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL for the whole session; a test takes a database of its own from it."""
    with tools_needed(), postgres() as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_database(postgres_server: Postgres) -> str:
    return postgres_server.create_database("emptied_for_each_test")


@pytest.fixture
def empty_postgres(_postgres_database: str) -> str:
    """The URL of an empty PostgreSQL database; emptying one is far cheaper than making many."""
    with psycopg.connect(_postgres_database.replace("+psycopg", "")) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return _postgres_database
