"""The metrics of the bridge. docs/reference/metrics.md shows the same table."""

from __future__ import annotations

__all__ = ["METRICS", "BridgeMetrics"]

from collections.abc import Iterator

from rum_bridge.counted_responses import CountedResponses
from rum_bridge.puts.accounting import PutAccounting
from rum_bridge.puts.admission import Admission
from rum_bridge.puts.coalesce import Coalescer
from rum_endpoint.metrics_page import Metric, Sample

_RECEIVED_BATCHES = Metric(
    "openrum_bridge_received_batches_total", "counter", "Puts whose body was read."
)
_RECEIVED_EVENTS = Metric(
    "openrum_bridge_received_events_total", "counter", "Events in the puts that were received."
)
_RECEIVED_BYTES = Metric(
    "openrum_bridge_received_bytes_total",
    "counter",
    "Size of the bodies of the puts that were received, as sent.",
)
_BATCHES = Metric(
    "openrum_bridge_batches_total",
    "counter",
    "Puts by their end: accepted, or rejected with the exception as the reason. source is bridge "
    "if the put was not passed on, service if the service rejected it, or no_answer.",
    ("outcome", "reason", "source"),
)
_EVENTS = Metric(
    "openrum_bridge_events_total",
    "counter",
    "Events by the end of their put.",
    ("outcome", "reason", "source"),
)
_IN_PROGRESS = Metric(
    "openrum_bridge_events_in_progress", "gauge", "Events that were received and have no end yet."
)
_RESPONSES = Metric(
    "openrum_bridge_responses_total",
    "counter",
    "Responses by HTTP status. kind is put or other.",
    ("kind", "status"),
)
_PUT_SECONDS = Metric(
    "openrum_bridge_put_duration_seconds",
    "histogram",
    "Time from a put's headers to its response.",
)
_WAITING_BATCHES = Metric(
    "openrum_bridge_waiting_batches", "gauge", "Batches that wait for the service."
)
_WAITING_BYTES = Metric(
    "openrum_bridge_waiting_bytes",
    "gauge",
    "Size of the puts that are being read or wait for the service.",
)
_MAX_WAITING_BYTES = Metric(
    "openrum_bridge_max_waiting_bytes",
    "gauge",
    "Size of waiting batches at which further ones are throttled.",
)
_HELD_PUTS = Metric(
    "openrum_bridge_held_puts",
    "gauge",
    "Puts that are held as bytes until it is their turn to be parsed.",
)
_UNPARSED = Metric(
    "openrum_bridge_rejected_unparsed_total",
    "counter",
    "Puts that got 429 without being parsed. openrum_bridge_batches_total counts them, too.",
)
_OLDEST = Metric(
    "openrum_bridge_oldest_waiting_seconds", "gauge", "Age of the batch that waits longest."
)
_CALL_SECONDS = Metric(
    "openrum_bridge_call_duration_seconds",
    "histogram",
    "Time that calls to the service take, with retries while it is unavailable.",
)
_CALL_BATCHES = Metric(
    "openrum_bridge_call_batches", "histogram", "Batches that share a call of the service."
)
_FAILED_CALLS = Metric(
    "openrum_bridge_failed_calls_total",
    "counter",
    "Calls of the service that failed. Each of their batches got an error.",
)
_CONNECTIONS = Metric("openrum_bridge_connections", "gauge", "Open HTTP connections.")
_REFUSED_CONNECTIONS = Metric(
    "openrum_bridge_refused_connections_total",
    "counter",
    "HTTP connections that got 503 because too many were open, in total or from one address.",
)
_ABORTED_CONNECTIONS = Metric(
    "openrum_bridge_aborted_connections_total",
    "counter",
    "HTTP connections that were closed because clients had not read too many bytes of responses.",
)

METRICS = (
    _RECEIVED_BATCHES,
    _RECEIVED_EVENTS,
    _RECEIVED_BYTES,
    _BATCHES,
    _EVENTS,
    _IN_PROGRESS,
    _RESPONSES,
    _PUT_SECONDS,
    _WAITING_BATCHES,
    _WAITING_BYTES,
    _MAX_WAITING_BYTES,
    _HELD_PUTS,
    _UNPARSED,
    _OLDEST,
    _CALL_SECONDS,
    _CALL_BATCHES,
    _FAILED_CALLS,
    _CONNECTIONS,
    _REFUSED_CONNECTIONS,
    _ABORTED_CONNECTIONS,
)


class BridgeMetrics:
    """Reads the counts that the parts of the bridge keep."""

    def __init__(
        self,
        puts: PutAccounting,
        coalescer: Coalescer,
        admission: Admission,
        others: CountedResponses,
        *,
        max_waiting_bytes: int,
    ) -> None:
        self._puts = puts
        self._coalescer = coalescer
        self._admission = admission
        self._others = others
        self._max_waiting_bytes = max_waiting_bytes

    def samples(self, connections: int, *, refused: int, aborted: int) -> Iterator[Sample]:
        """Yield the present values.

        Args:
            connections: the number of open HTTP connections, which the server knows.
            refused: how many it has refused because too many were open.
            aborted: how many it has closed because their clients did not read.
        """
        ledger, waiting = self._puts.ledger, self._coalescer
        yield Sample(_RECEIVED_BATCHES, ledger.received.batches)
        yield Sample(_RECEIVED_EVENTS, ledger.received.events)
        yield Sample(_RECEIVED_BYTES, ledger.received.bytes)
        for (source, *end), amount in ledger.ended.items():
            yield Sample(_BATCHES, amount.batches, (*end, source))
            yield Sample(_EVENTS, amount.events, (*end, source))
        yield Sample(_IN_PROGRESS, ledger.in_progress().events)
        for kind, statuses in (("put", self._puts.statuses), ("other", self._others.statuses)):
            for status, count in statuses.items():
                yield Sample(_RESPONSES, count, (kind, str(status)))
        yield Sample(_PUT_SECONDS, self._puts.seconds)
        yield Sample(_WAITING_BATCHES, waiting.waiting_batches)
        yield Sample(_WAITING_BYTES, waiting.budget.used)
        yield Sample(_MAX_WAITING_BYTES, self._max_waiting_bytes)
        yield Sample(_HELD_PUTS, len(self._admission))
        yield Sample(_UNPARSED, self._admission.rejected)
        yield Sample(_OLDEST, waiting.oldest_s)
        yield Sample(_CALL_SECONDS, waiting.call_seconds)
        yield Sample(_CALL_BATCHES, waiting.call_batches)
        yield Sample(_FAILED_CALLS, waiting.failed_calls)
        yield Sample(_CONNECTIONS, connections)
        yield Sample(_REFUSED_CONNECTIONS, refused)
        yield Sample(_ABORTED_CONNECTIONS, aborted)
