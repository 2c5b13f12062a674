"""Log a share of the requests, with their outcome and duration.

The request ID decides, so the bridge and the service log the same requests, under the same ID.
"""

from __future__ import annotations

__all__ = ["RequestLog"]

from time import perf_counter
from typing import Literal
from zlib import crc32

import structlog

logger = structlog.get_logger()

_HASHES = 1 << 32


class RequestLog:
    """Writes one line for each chosen request.

    Args:
        part: the process that writes.
        share: the share of the requests to log, 0 to 1.
    """

    def __init__(self, part: Literal["bridge", "service"], share: float) -> None:
        self._part = part
        self._chosen_hashes = round(share * _HASHES)
        self.is_on = share > 0
        """Whether any request is logged. Check it first: then the others cost nothing."""

    def write(
        self, request_id: str, operation: str, began_s: float, outcome: str, **members: object
    ) -> None:
        """Log a request that ends now, if it is chosen.

        Args:
            began_s: the value of `perf_counter` when it arrived.
            outcome: a word, or the name of the exception in the response.
            members: more facts, but no content of the request.
        """
        if crc32(request_id.encode()) < self._chosen_hashes:
            logger.info(
                "request",
                part=self._part,
                request_id=request_id,
                operation=operation,
                outcome=outcome,
                duration_ms=round((perf_counter() - began_s) * 1000, 3),
                **members,
            )
