"""GetAppMonitorData reads from a standby, and the response says how far it is behind."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from rum_service.storage import ReplicaUrlError, open_store
from rum_service.storage.base import ReplicaUnavailableError, Store
from tests.support.batches import batch, new_id
from tests.support.logged import ALL_TIME, logged
from tests.support.proxy import Proxy, proxy
from tests.support.running import OpenRum, wait_until
from tests.tools.postgres import Postgres, postgres
from tests.tools.toolbox import tools_needed

_HEADER = "openrum-replica-lag-seconds"


@dataclass
class Cluster:
    """A primary and its asynchronous standby."""

    primary: Postgres
    standby: Postgres
    replication: Proxy

    def urls(self) -> tuple[str, str]:
        """Return the URLs of a new database on the primary and on the standby."""
        name = f"replica_{new_id()}"
        url = self.primary.create_database(name)
        folders = [str(Path(server.socket).parent) for server in (self.primary, self.standby)]
        return url, url.replace(*folders)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        stack.enter_context(tools_needed())
        primary = stack.enter_context(postgres())
        link = stack.enter_context(proxy(primary.socket))
        standby = stack.enter_context(
            primary.standby(f"host=127.0.0.1 port={link.port} user=postgres")
        )
        yield Cluster(primary, standby, link)


@pytest.fixture
def store(cluster: Cluster) -> Iterator[Store]:
    url, replica_url = cluster.urls()
    opened = open_store(url, replica_url=replica_url)
    yield opened
    opened.close()
    assert opened.replica
    opened.replica.close()


def _read(store: Store) -> int:
    """Return the number of batches that the replica has."""
    assert store.replica
    try:
        store.replica.lag_s()
        found = store.replica.read(
            1, below=None, after_ms=-ALL_TIME, before_ms=ALL_TIME, limit=100, max_bytes=ALL_TIME
        )
    except ReplicaUnavailableError:  # the tables have not arrived yet
        return 0
    return len(found.batches)


def test_the_lag_grows_while_the_standby_is_cut_off_and_ends_afterwards(
    cluster: Cluster, store: Store
) -> None:
    assert store.replica
    store.log.append([logged(1)])
    wait_until(lambda: _read(store) == 1)
    wait_until(lambda: store.replica.lag_s() < 0.1)
    cluster.replication.silent = True
    began = time.monotonic()
    store.log.append([logged(2)])
    appended = time.monotonic()
    try:
        wait_until(lambda: store.replica.lag_s() > 1.0)
        found, lag_s = _read(store), store.replica.lag_s()
        took_s = time.monotonic() - began
        behind_s = time.monotonic() - appended
    finally:
        cluster.replication.silent = False
    wait_until(lambda: _read(store) == 2)
    wait_until(lambda: store.replica.lag_s() < 0.1)

    assert found == 1
    assert behind_s - 0.01 <= lag_s + 0.05 <= took_s + 1.0


def test_an_idle_primary_does_not_make_the_standby_look_late(store: Store) -> None:
    """The age of the last transaction grows, but the standby has everything."""
    assert store.replica
    store.log.append([logged(1)])
    wait_until(lambda: _read(store) == 1)
    idle_until = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > idle_until)

    wait_until(lambda: store.replica.lag_s() < 0.3)


def test_a_page_is_read_from_the_standby_and_says_how_far_it_is_behind(
    cluster: Cluster, tmp_path: Path
) -> None:
    url, replica_url = cluster.urls()
    settings = {"OPENRUM_DATABASE_URL": url, "OPENRUM_READ_DATABASE_URL": replica_url}
    with OpenRum(tmp_path, **settings) as server:
        monitor = server.monitor_id()
        assert server.post(f"/appmonitors/{monitor}/", batch())[0] == 200
        wait_until(lambda: _page(server)[1] == 1)
        cluster.replication.silent = True
        try:
            assert server.post(f"/appmonitors/{monitor}/", batch())[0] == 200
            late_s, late = _page(server)
        finally:
            cluster.replication.silent = False
        wait_until(lambda: _page(server)[1] == 2)
        lag_s, _ = _page(server)
        cluster.standby.stop()
        try:
            without_standby = _page(server)
        finally:
            cluster.standby.start()

    assert late == 1
    assert late_s is not None
    assert lag_s is not None
    assert float(late_s) >= 0
    assert without_standby == (None, 2)


def _page(server: OpenRum) -> tuple[str | None, int]:
    """Return the lag in the header of a page, and how many events the page has."""
    name = json.loads(server.post("/appmonitors", {})[1])["AppMonitorSummaries"][0]["Name"]
    request = urllib.request.Request(
        f"{server.url}/appmonitor/{name}/data",
        data=json.dumps({"TimeRange": {"After": 0}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.headers[_HEADER], len(json.load(response)["Events"])


@pytest.mark.parametrize("url", ["sqlite:///x", "postgresql://u:secret@h:port/db"])
def test_a_url_that_is_no_standby_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ReplicaUrlError) as raised:
        open_store(f"sqlite:///{tmp_path / 'store.sqlite3'}", replica_url=url)

    assert "secret" not in str(raised.value)
