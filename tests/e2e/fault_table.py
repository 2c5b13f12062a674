"""Inflicts a fault under load again and again, and counts what is lost and stored twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.support.load import Ledger, Load
from tests.support.running import OpenRum, read_back

__all__ = ["HEAD", "Row", "under_load"]

HEAD = (
    "| fault | runs | acknowledged | lost | doubled | time to heal, at most |\n"
    "|---|---|---|---|---|---|"
)
_SEED = 20261124


@dataclass(frozen=True)
class Row:
    """What a fault did."""

    fault: str
    runs: int
    acknowledged: int
    """Batches."""
    lost: int
    doubled: int
    """Batches that are stored twice, or incomplete."""
    heal_s: float
    """The longest time from the end of a fault to the next acknowledged batch."""

    def __str__(self) -> str:
        numbers = f"{self.runs} | {self.acknowledged:,} | {self.lost} | {self.doubled}"
        healed = f"{self.heal_s:.1f} s" if self.heal_s >= 0.1 else "< 0.1 s"
        return f"| {self.fault} | {numbers} | {healed} |"


def under_load(server: OpenRum, fault: str, runs: int, inflict: Callable[[], float]) -> Row:
    """Inflict a fault under load, and compare what is stored with what was acknowledged.

    Args:
        inflict: returns when the fault is over, with the monotonic time when it ended.
    """
    name = fault.replace(" ", "-").replace(",", "")[:60]
    with grpc.insecure_channel(server.grpc) as channel:
        create = CreateAppMonitorRequest(name=name, domain="localhost")
        monitor_id = ControlPlaneServiceStub(channel).CreateAppMonitor(create).id
    heal_s = 0.0
    load = Load(monitor_id, url=server.url, service=server.grpc, rest=4, stubs=2, seed=_SEED)
    with load:
        for _ in range(runs):
            load.wait_for_acknowledged(30)
            ended = inflict()
            load.wait_for_acknowledged(1)
            heal_s = max(heal_s, time.monotonic() - ended)
        load.wait_for_acknowledged(30)
    lost, doubled = _compare(load.ledger, read_back(server.grpc, name))
    row = Row(fault, runs, len(load.ledger.acknowledged), lost, doubled, heal_s)
    print(row, dict(load.ledger.outcomes), flush=True)
    return row


def _compare(ledger: Ledger, documents: list[str]) -> tuple[int, int]:
    """Return how many acknowledged batches are missing, and how many are not stored once."""
    found: dict[str, Counter[str]] = {}
    for document in documents:
        item = json.loads(document)
        found.setdefault(item["batch_id"], Counter())[item["event_id"]] += 1
    expected = {batch_id: Counter(ledger.sent.get(batch_id, ())) for batch_id in found}
    wrong = sum(events != expected[batch_id] for batch_id, events in found.items())
    return len(ledger.acknowledged - found.keys()), wrong
