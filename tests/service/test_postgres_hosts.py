"""The URL of PostgreSQL names several hosts. The one that accepts writes is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from rum_service.storage import open_store
from rum_service.storage.postgres_url import with_single_host
from rum_service.storage.records import Appended
from tests.support.logged import content, contents, logged
from tests.support.proxy import proxy
from tests.support.running import wait_until
from tests.tools.postgres import Postgres, postgres
from tests.tools.toolbox import tools_needed

_SECRET = "secret"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://u:p@one:5433,two/db?connect_timeout=5",
            "postgresql://u:p@/db?host=one,two&port=5433,5432&connect_timeout=5",
        ),
        (
            "postgresql+psycopg://[::1]:1,10.0.0.2:2/db",
            "postgresql+psycopg:///db?host=::1,10.0.0.2&port=1,2",
        ),
        ("postgresql://u@one,two", "postgresql://u@?host=one,two&port=5432,5432"),
        ("postgresql://u:p,q@one:5433/db", "postgresql://u:p,q@one:5433/db"),
        ("postgresql:///db?host=one,two", "postgresql:///db?host=one,two"),
        ("sqlite:////var/a,b/openrum.sqlite3", "sqlite:////var/a,b/openrum.sqlite3"),
    ],
)
def test_several_hosts_move_into_the_query(url: str, expected: str) -> None:
    assert with_single_host(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{_SECRET}@one:x,two/db",
        f"postgresql://u:p@{_SECRET}@one,two/db",
        f"postgresql://u:p/{_SECRET}@one,two/db",
    ],
)
def test_an_error_about_a_url_with_several_hosts_shows_no_password(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        open_store(url)

    assert _SECRET not in str(raised.value)


@pytest.fixture
def cluster() -> Iterator[tuple[Postgres, Postgres, str]]:
    """A primary, its standby, and the name of a database on both."""
    with ExitStack() as stack:
        stack.enter_context(tools_needed())
        primary = stack.enter_context(postgres())
        primary.create_database("hosts")
        link = stack.enter_context(proxy(primary.socket))
        standby = stack.enter_context(
            primary.standby(f"host=127.0.0.1 port={link.port} user=postgres")
        )
        yield primary, standby, "hosts"


def test_appends_go_to_the_primary_and_after_a_failover_to_the_new_one(
    cluster: tuple[Postgres, Postgres, str],
) -> None:
    primary, standby, name = cluster
    with proxy(standby.socket) as first, proxy(primary.socket) as second:
        hosts = ",".join(f"127.0.0.1:{link.port}" for link in (first, second))
        store = open_store(f"postgresql://postgres@{hosts}/{name}")
        stored = store.log.append([logged(1)])
        _wait_for(standby, name, 1)
        primary.kill()
        second.cut()
        with pytest.raises(psycopg.OperationalError):
            _execute(primary, name, "SELECT 1")
        _execute(standby, name, "SELECT pg_promote()")
        again = store.log.append([logged(1, received_ms=2_000), logged(2)])
        found = contents(store.log)
        store.close()

    assert stored == [Appended.STORED]
    assert again == [Appended.DUPLICATE, Appended.STORED]
    assert found == [content(2), content(1)]


def _execute(server: Postgres, name: str, statement: str) -> list[tuple[object, ...]]:
    folder = Path(server.socket).parent
    with psycopg.connect(
        host=str(folder), user="postgres", dbname=name, autocommit=True
    ) as connection:
        return connection.execute(statement.encode()).fetchall()


def _wait_for(server: Postgres, name: str, batches: int) -> None:
    """Wait until a standby has so many batches."""

    def arrived() -> bool:
        try:
            return _execute(server, name, "SELECT count(*) FROM batches") == [(batches,)]
        except psycopg.errors.UndefinedTable:
            return False

    wait_until(arrived)
