"""Fixtures for the bridge's tests: a stand-in for the service, bridges and boto3 clients."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from rum_bridge.http.connection_limits import ConnectionLimits
from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from tests.bridge.standin import StandIn
from tests.support.running import OpenRum

Started = Callable[..., OpenRum]
Bridge = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    """A running stand-in for the service."""
    service = StandIn()
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
def bridge(standin: StandIn) -> Bridge:
    """Run a bridge that calls the stand-in, with these settings and limits, and yield its URL."""

    @asynccontextmanager
    async def run(limits: ConnectionLimits | None = None, **settings: Any) -> AsyncIterator[str]:
        known = {"http": "127.0.0.1:0", "service": standin.address, "drain_s": 1.0}
        bridge_settings = BridgeSettings(**{**known, **settings})
        async with running_bridge(bridge_settings, limits=limits) as running:
            yield f"http://{running.address}"

    return run


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Start OpenRUM processes with these settings; stop them after the module."""
    with ExitStack() as servers:

        def start(folder: Path | None = None, **settings: str) -> OpenRum:
            server = OpenRum(folder or tmp_path_factory.mktemp("openrum"), **settings)
            servers.callback(server.stop)
            return server

        yield start


def rum_client(url: str, **config: Any) -> Any:
    """Return a boto3 client configured as the documentation says, without retries."""
    return boto3.client(
        "rum",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}, **config),
    )


@pytest.fixture(scope="module")
def rum_of() -> Iterator[Callable[[str], Any]]:
    """Create boto3 clients for a URL; close them after the module."""
    clients: list[Any] = []

    def client(url: str) -> Any:
        clients.append(rum_client(url))
        return clients[-1]

    yield client
    for created in clients:
        created.close()


@pytest.fixture(scope="module")
def rum(openrum: OpenRum) -> Iterator[Any]:
    """A boto3 client of the module's server."""
    client = rum_client(openrum.url)
    yield client
    client.close()


def limit_file_size(pid: int) -> None:
    """Prevent all files of a process from growing, as if the disk were full."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))


def end_file_size_limit(pid: int) -> None:
    """Allow files of the process to grow again."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
