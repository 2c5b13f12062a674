"""Log a share of the requests, with their outcome and duration, and send a span of each.

The request ID decides, so the bridge and the service log the same requests, under the same ID.
"""

from __future__ import annotations

__all__ = ["REQUEST_EVENT", "RequestLog"]

from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Literal, TypeAlias
from zlib import crc32

import structlog

from rum_endpoint.operating import OperatingSettings
from rum_endpoint.start_error import StartError

if TYPE_CHECKING:
    from rum_endpoint.spans import Spans

logger = structlog.get_logger()

REQUEST_EVENT = "request"
"""The event of the lines."""

_HASHES = 1 << 32

Part: TypeAlias = Literal["bridge", "service"]


class RequestLog:
    """Writes one line for each chosen request.

    Args:
        part: the process that writes.
        share: the share of the requests to log, 0 to 1.
        spans: takes a span of each, too.
    """

    def __init__(self, part: Part, share: float, spans: Spans | None = None) -> None:
        self._part = part
        self._chosen_hashes = round(share * _HASHES)
        self._spans = spans
        self.is_on = share > 0
        """Whether any request is logged. Check it first: then the others cost nothing."""

    @classmethod
    def of(cls, part: Part, settings: OperatingSettings) -> RequestLog:
        """Return the log that the settings describe. Raises StartError."""
        spans = _open_spans(settings.traces, part) if settings.traces else None
        return cls(part, settings.request_sampling, spans)

    def write(
        self,
        request_id: str,
        operation: str,
        began_s: float,
        outcome: str,
        *,
        error: bool = False,
        relayed: bool = False,
        **members: str | int,
    ) -> None:
        """Log a request that ends now, if it is chosen.

        Args:
            began_s: the value of `perf_counter` when it arrived.
            outcome: a word, or the name of the exception in the response.
            error: whether it is an exception.
            relayed: whether the request came from a bridge.
            members: more facts, but no content of the request.
        """
        if crc32(request_id.encode()) >= self._chosen_hashes:
            return
        duration_s, ended_ns = perf_counter() - began_s, time_ns()
        logger.info(
            REQUEST_EVENT,
            part=self._part,
            request_id=request_id,
            operation=operation,
            outcome=outcome,
            duration_ms=round(duration_s * 1000, 3),
            **members,
        )
        if self._spans:
            attributes = {f"openrum.{name}": value for name, value in members.items()}
            attributes["openrum.outcome"] = outcome
            self._spans.add(
                request_id,
                operation,
                (ended_ns - round(duration_s * 1e9), ended_ns),
                attributes,
                error=outcome if error else None,
                relayed=relayed,
            )


def _open_spans(url: str, part: Part) -> Spans:
    try:
        from rum_endpoint.spans import Spans
    except ImportError:
        raise StartError("OPENRUM_TRACES needs the packages of openrum[traces]") from None
    return Spans(url, part)
