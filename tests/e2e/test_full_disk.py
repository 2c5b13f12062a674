"""A full disk: puts fail, acknowledged batches stay, and freed space is enough to recover."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.batches import batch
from tests.support.running import OpenRum, read_back, wait_until

_BYTES = 4 << 20


@dataclass(frozen=True)
class Disk:
    """The disk of a server, and functions that take and free its remaining space."""

    server: OpenRum
    fill: Callable[[], None]
    free: Callable[[], None]


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Disk]:
    """A server on a small file system. Only root can mount one, so its tests are marked slow."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_BYTES}", "tmpfs", str(tmp_path)]
    subprocess.run(mount, capture_output=True, check=True)
    other = tmp_path / "other"
    try:
        with OpenRum(tmp_path) as server:
            yield Disk(server, lambda: _write_until_full(other), other.unlink)
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def _write_until_full(file: Path) -> None:
    with file.open("wb", buffering=0) as writer, contextlib.suppress(OSError):
        while True:
            writer.write(bytes(4096))


@pytest.fixture
def limit(tmp_path: Path) -> Iterator[Disk]:
    """A server whose files cannot grow, as with quotas and `ulimit -f`."""
    server = OpenRum(tmp_path)
    unlimited = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)

    def fill() -> None:
        size = max(file.stat().st_size for file in tmp_path.iterdir())
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, unlimited[1]))

    def free() -> None:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)

    with server:
        yield Disk(server, fill, free)


@pytest.mark.parametrize("kind", [pytest.param("tmpfs", marks=pytest.mark.slow), "limit"])
def test_a_full_disk_rejects_puts_keeps_stored_batches_and_recovers_with_space(
    request: pytest.FixtureRequest, kind: str
) -> None:
    disk: Disk = request.getfixturevalue(kind)
    server = disk.server
    rum = boto3.client(
        "rum",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )
    monitor_id = server.monitor_id()
    kept, rejected = [batch(20) for _ in range(10)], batch(20)
    for document in kept:
        rum.put_rum_events(Id=monitor_id, **document)

    disk.fill()
    with pytest.raises(rum.exceptions.InternalServerException) as failure:
        rum.put_rum_events(Id=monitor_id, **rejected)

    assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert failure.value.response["retryAfterSeconds"] == 1
    wait_until(lambda: server.get("/readyz")[0] == 503)
    assert server.get("/healthz")[0] == 200
    assert _batch_ids(server) == _ids(kept)

    disk.free()

    wait_until(lambda: server.get("/readyz")[0] == 200)
    rum.put_rum_events(Id=monitor_id, **rejected)
    assert _batch_ids(server) == _ids([*kept, rejected])
    server.kill()
    server.start()
    assert _batch_ids(server) == _ids([*kept, rejected])


def _ids(documents: list[dict[str, Any]]) -> list[str]:
    return [document["BatchId"] for document in documents]


def _batch_ids(server: OpenRum) -> list[str]:
    """Return the IDs of the stored batches, oldest first. Each must be complete."""
    ids = [json.loads(document)["batch_id"] for document in read_back(server.grpc, "my-app")]
    unique = list(dict.fromkeys(reversed(ids)))
    assert all(ids.count(batch_id) == 20 for batch_id in unique)
    return unique
