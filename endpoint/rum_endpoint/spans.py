"""Send spans of requests to an OpenTelemetry collector.

The request ID is the trace ID, so that the spans of the bridge and of the service form one trace
without another header. The packages are in the extra `openrum[traces]`; `rum_endpoint.request_log`
imports this module only if OPENRUM_TRACES is set.
"""

from __future__ import annotations

__all__ = ["Spans", "span_id_of_bridge", "trace_id_of"]

from collections.abc import Mapping
from hashlib import blake2b
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

_EXPORT_TIMEOUT_S = 2.0


class Spans:
    """Sends spans, on a thread with a bounded queue. Without a collector they are dropped.

    Args:
        url: where the collector takes OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces.
        part: `bridge` or `service`.
    """

    def __init__(self, url: str, part: str) -> None:
        self._part = part
        self._ids = _ChosenIds()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # the request log has chosen already
            resource=Resource.create({"service.name": f"openrum-{part}"}),
            id_generator=self._ids,
        )
        exporter = OTLPSpanExporter(url, timeout=_EXPORT_TIMEOUT_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("openrum")

    def add(
        self,
        request_id: str,
        operation: str,
        times_ns: tuple[int, int],
        attributes: Mapping[str, str | int],
        *,
        error: str | None,
        relayed: bool,
    ) -> None:
        """Send a request's span.

        Args:
            times_ns: when it began and ended, in nanoseconds since the Unix epoch.
            error: the name of the exception in the response, or None.
            relayed: whether the request came from a bridge, whose span is the parent.
        """
        began_ns, ended_ns = times_ns
        trace_id = self._ids.trace_id = trace_id_of(request_id)
        self._ids.span_id = span_id_of_bridge(trace_id) if self._part == "bridge" else None
        context = Context()
        if relayed:
            flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
            parent = trace.SpanContext(trace_id, span_id_of_bridge(trace_id), True, flags)
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent), context)
        span = self._tracer.start_span(
            operation,
            context,
            trace.SpanKind.SERVER,
            {"openrum.request_id": request_id, **attributes},
            start_time=began_ns,
        )
        if error:
            span.set_status(trace.StatusCode.ERROR, error)
        span.end(ended_ns)


class _ChosenIds(RandomIdGenerator):
    """Gives a span the IDs that were set for it."""

    trace_id = 0
    span_id: int | None = None

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id or super().generate_span_id()


def trace_id_of(request_id: str) -> int:
    """Return the trace ID: the request ID if it is a UUID, otherwise a hash of it."""
    try:
        return UUID(request_id).int or 1
    except ValueError:
        digest = blake2b(request_id.encode(), digest_size=16).digest()
        return int.from_bytes(digest, "big") or 1


def span_id_of_bridge(trace_id: int) -> int:
    """Return the ID of the bridge's span, which the service can compute too."""
    return (trace_id & (2**64 - 1)) or 1
