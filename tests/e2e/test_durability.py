"""Acknowledged batches survive kill -9, SIGTERM and a lost service, complete and only once."""

from __future__ import annotations

import random
import time
from pathlib import Path

import grpc
import pytest

from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.support.load import Load
from tests.support.running import Bridge, OpenRum, Service, read_back, run_openrum, wait_until

_SEED = 20261122


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a server with an empty database of each kind."""
    if request.param == "sqlite":
        return {}
    return {"OPENRUM_DATABASE_URL": request.getfixturevalue("empty_postgres")}


@pytest.mark.parametrize(
    ("kills", "connections"), [(4, 4), pytest.param(60, 16, marks=pytest.mark.slow)]
)
def test_kill_9_loses_no_acknowledged_batch_and_stores_none_twice(
    tmp_path: Path, settings: dict[str, str], kills: int, connections: int
) -> None:
    rng = random.Random(_SEED)
    with OpenRum(tmp_path, **settings) as server:
        load = Load(
            server.monitor_id(),
            url=server.url,
            service=server.grpc,
            rest=connections - connections // 3,
            stubs=connections // 3,
            seed=_SEED,
        )
        with load:
            for _ in range(kills):
                load.wait_for_acknowledged(rng.randint(20, 300))
                time.sleep(rng.uniform(0, 0.02))  # at a random point of the put path
                server.kill()
                server.start()
            load.wait_for_acknowledged(100)
        documents = read_back(server.grpc, "my-app")
        print(f"\n{kills} kills, {load.ledger}, {len(documents)} events read")

        load.ledger.assert_kept(documents)
        assert server.stop() == 0
        _check(server, settings)


def test_sigterm_under_load_loses_no_acknowledged_batch_and_exits_with_0(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with OpenRum(tmp_path, **settings) as server:
        load = Load(
            server.monitor_id(), url=server.url, service=server.grpc, rest=6, stubs=2, seed=_SEED
        )
        with load:
            load.wait_for_acknowledged(200)
            code = server.stop()
        server.start()

        assert code == 0
        load.ledger.assert_kept(read_back(server.grpc, "my-app"))
        assert server.stop() == 0
        assert not [line for line in server.output if "Traceback" in line]


@pytest.mark.parametrize("transport", ["tcp", pytest.param("unix", marks=pytest.mark.slow)])
def test_the_bridge_retries_puts_after_a_kill_9_of_the_service(
    tmp_path: Path, settings: dict[str, str], transport: str
) -> None:
    path = tmp_path / "socket"
    with (
        Service(tmp_path, OPENRUM_SOCKET=str(path), **settings) as service,
        Bridge(
            tmp_path,
            OPENRUM_SERVICE=service.grpc if transport == "tcp" else f"unix:{path}",
            OPENRUM_PUT_TIMEOUT_S="60",
        ) as bridge,
    ):
        load = Load(_create(service, "split"), url=bridge.url, rest=6, seed=_SEED, retries=(0,))
        with load:
            for _ in range(3):
                load.wait_for_acknowledged(50)
                service.kill()
                assert bridge.get("/readyz")[0] == 503
                service.start()
            load.wait_for_acknowledged(50)

        assert load.ledger.outcomes.keys() == {"ok"}
        assert load.ledger.acknowledged == load.ledger.sent.keys()
        load.ledger.assert_kept(read_back(service.grpc, "split"))
        assert bridge.get("/readyz") == (200, "ok")
        assert (bridge.stop(), service.stop()) == (0, 0)


@pytest.mark.slow
def test_a_first_start_killed_at_any_moment_leaves_a_usable_database(tmp_path: Path) -> None:
    """The schema is created completely or not at all."""
    with OpenRum(tmp_path) as server:
        server.stop()
        for number in range(20):
            folder = tmp_path / str(number)
            folder.mkdir()
            database = folder / "openrum.sqlite3"
            starting = server.begin(OPENRUM_DATABASE_URL=f"sqlite:///{database}")
            wait_until(database.exists, every_s=0.001)
            time.sleep(number * 0.005)
            starting.kill()
            starting.communicate()
            with OpenRum(folder) as started:
                assert started.monitor_id()
                assert started.stop() == 0


def _create(service: Service, name: str) -> str:
    with grpc.insecure_channel(service.grpc) as channel:
        request = CreateAppMonitorRequest(name=name, domain="localhost")
        return ControlPlaneServiceStub(channel).CreateAppMonitor(request).id


def _check(server: OpenRum, settings: dict[str, str]) -> None:
    url = {"OPENRUM_DATABASE_URL": f"sqlite:///{server.database}", **settings}
    checked = run_openrum("db", "check", cwd=server.database.parent, **url)
    assert checked.returncode == 0, checked.stdout
