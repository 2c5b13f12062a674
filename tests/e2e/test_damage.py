"""A damaged batch in a running server: the others are read, projected, exported and stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.exported import export, lines, rows
from tests.e2e.stored import stored_events
from tests.support.batches import batch
from tests.support.damage import damage, two_flipped_bytes, with_other_user
from tests.support.metrics import page_addresses, read_values
from tests.support.running import OpenRum, run_openrum, wait_until

_SENT = [batch(2), batch(3), batch(4)]
_DAMAGED = 2
"""The sequence of the second batch."""


class _Up(OpenRum):
    projects = True


class _Damaged(NamedTuple):
    server: OpenRum
    path: str
    folder: Path


@pytest.fixture(params=[two_flipped_bytes, with_other_user], ids=["undecodable", "decodable"])
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Damaged]:
    """A server that was started again after one of three batches was damaged."""
    with _Up(tmp_path, OPENRUM_METRICS="127.0.0.1:0") as server:
        path = f"/appmonitors/{server.monitor_id()}"
        for document in _SENT:
            assert server.post(path, document)[0] == 200
        server.stop()
        damage(f"sqlite:///{server.database}", _DAMAGED, request.param)
        (tmp_path / "insight.duckdb").unlink(missing_ok=True)
        server.start()
        yield _Damaged(server, path, tmp_path)
        server.stop()


def _ids(*documents: dict[str, Any]) -> list[str]:
    return sorted(event["id"] for document in documents for event in document["RumEvents"])


def _stored_ids(server: OpenRum) -> list[str]:
    return sorted(event["event_id"] for event in stored_events(server.grpc))


def _projected(server: OpenRum) -> int:
    status, text = server.get("/insight-state")
    return int(json.loads(text)["events"]) if status == 200 else -1


def _skipped(server: OpenRum) -> list[str]:
    return [line for line in server.output if "damaged batch skipped" in line]


def test_a_damaged_batch_stops_nothing_and_its_retry_restores_it(damaged: _Damaged) -> None:
    server, path, folder = damaged
    other = {**batch(1), "BatchId": _SENT[1]["BatchId"]}
    wait_until(lambda: _projected(server) == 6)

    assert _stored_ids(server) == _ids(_SENT[0], _SENT[2])
    status, text = server.post(path, other)
    assert (status, "stored batch that is damaged" in text) == (400, True)
    assert server.get("/readyz") == (200, "ok")
    assert server.post(path, _SENT[0])[0] == 200
    printed = run_openrum("events", "my-app", "--json", OPENRUM_SERVICE=server.grpc, cwd=folder)
    assert (printed.returncode, len(printed.stdout.splitlines())) == (0, 6)
    (*_, address) = page_addresses(server)
    # The two reads, and the put with its ID.
    assert read_values(address)["openrum_service_damaged_batches_total",] == 3
    assert "openrum_rum_projection_damaged_batches 1.0\n" in server.get("/insight-metrics")[1]
    wait_until(lambda: _skipped(server))
    found = _skipped(server)
    assert 1 <= len(found) <= 2  # the service and the projector
    assert all("db check" in line for line in found)

    assert server.post(path, _SENT[1])[0] == 200
    assert _stored_ids(server) == _ids(*_SENT)
    wait_until(lambda: _projected(server) == 9)
    check = run_openrum(
        "db", "check", OPENRUM_DATABASE_URL=f"sqlite:///{server.database}", cwd=folder
    )
    assert check.stdout.startswith("No problems in 3 batches with 9 events")


@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_an_export_names_the_damaged_batches_that_it_lacks(
    damaged: _Damaged, tmp_path: Path, format_: str
) -> None:
    folder = tmp_path / "out"
    ran = export(damaged.server.database, "my-app", folder, "--format", format_)
    again = export(damaged.server.database, "my-app", folder, "--format", format_)
    exported = lines(folder) if format_ == "jsonl" else rows(folder)

    lacks = f"{folder} lacks 1 damaged batch: 2. Run `openrum db check`\n"
    assert (ran.returncode, ran.stderr) == (1, f"Error: {lacks}")
    assert ran.stdout.startswith("Exported 6 events in 1 file, ")
    assert sorted(event["event_id"] for event in exported) == _ids(_SENT[0], _SENT[2])
    assert (again.returncode, again.stderr) == (0, lacks)
