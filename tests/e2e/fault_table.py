"""Inflicts a fault under load again and again, and counts what is lost and stored twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
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


def under_load(
    server: OpenRum,
    fault: str,
    runs: int,
    inflict: Callable[[], float],
    others: Sequence[OpenRum] = (),
) -> Row:
    """Inflict a fault under load, and compare what is stored with what was acknowledged.

    Args:
        others: more servers on the same database. They get the same load.
        inflict: returns when the fault is over, with the monotonic time when it ended.
    """
    name = fault.replace(" ", "-").replace(",", "")[:60]
    with grpc.insecure_channel(server.grpc) as channel:
        create = CreateAppMonitorRequest(name=name, domain="localhost")
        monitor_id = ControlPlaneServiceStub(channel).CreateAppMonitor(create).id
    heal_s = 0.0
    loads = [
        Load(monitor_id, url=each.url, service=each.grpc, rest=4, stubs=2, seed=_SEED + number)
        for number, each in enumerate([server, *others])
    ]
    with ExitStack() as stack:
        for load in loads:
            stack.enter_context(load)
        for _ in range(runs):
            _wait_for_acknowledged(loads, 30)
            ended = inflict()
            _wait_for_acknowledged(loads, 1)
            heal_s = max(heal_s, time.monotonic() - ended)
        _wait_for_acknowledged(loads, 30)
    lost, doubled = _compare([load.ledger for load in loads], read_back(server.grpc, name))
    acknowledged = sum(len(load.ledger.acknowledged) for load in loads)
    row = Row(fault, runs, acknowledged, lost, doubled, heal_s)
    print(row, *(dict(load.ledger.outcomes) for load in loads), flush=True)
    return row


def _wait_for_acknowledged(loads: list[Load], more: int) -> None:
    """Wait until each load has this number of acknowledged batches more."""
    for load in loads:
        load.wait_for_acknowledged(more)


def _compare(ledgers: list[Ledger], documents: list[str]) -> tuple[int, int]:
    """Return how many acknowledged batches are missing, and how many are not stored once."""
    found: dict[str, Counter[str]] = {}
    for document in documents:
        item = json.loads(document)
        found.setdefault(item["batch_id"], Counter())[item["event_id"]] += 1
    sent = {batch_id: events for ledger in ledgers for batch_id, events in ledger.sent.items()}
    wrong = sum(events != Counter(sent.get(batch_id, ())) for batch_id, events in found.items())
    lost = sum(len(ledger.acknowledged - found.keys()) for ledger in ledgers)
    return lost, wrong
