"""GetStatistics: how many events arrived and how they ended, since the start of the process."""

from __future__ import annotations

__all__ = ["Statistics"]

from collections.abc import Callable

from rum.operator.v1 import operator_service_pb2 as pb
from rum_endpoint.ledger import Amount, Ledger

SERVICE, BRIDGE = "service", "bridge"


class Statistics:
    """The use case.

    Args:
        ledger: the counts of the service.
        clock: Unix seconds.
    """

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._bridge: Ledger | None = None
        self._start_s = clock()

    def include(self, bridge: Ledger) -> None:
        """Add the counts from a bridge in this process."""
        self._bridge = bridge

    def get(self) -> pb.GetStatisticsResponse:
        """Return the present counts."""
        response = pb.GetStatisticsResponse(accounts=[self._service()])
        response.start_time.FromMilliseconds(round(self._start_s * 1000))
        if self._bridge:
            response.accounts.append(_bridge(self._bridge))
        return response

    def _service(self) -> pb.Account:
        ended = [
            pb.End(outcome=outcome, app_monitor_name=name, reason=reason, amount=_message(amount))
            for (name, outcome, reason), amount in self._ledger.ended.items()
        ]
        return pb.Account(part=SERVICE, received=_message(self._ledger.received), ended=ended)


def _bridge(ledger: Ledger) -> pb.Account:
    ended = [
        pb.End(outcome=outcome, source=source, reason=reason, amount=_message(amount))
        for (source, outcome, reason), amount in ledger.ended.items()
    ]
    return pb.Account(part=BRIDGE, received=_message(ledger.received), ended=ended)


def _message(amount: Amount) -> pb.Amount:
    return pb.Amount(batches=amount.batches, events=amount.events, bytes=amount.bytes)
