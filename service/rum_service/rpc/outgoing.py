"""Bounds the memory of responses that clients do not read.

A client chooses with its HTTP/2 window how many bytes it takes. gRPC keeps the rest until
the call ends.
"""

from __future__ import annotations

__all__ = ["Outgoing"]

import asyncio
from collections import Counter
from functools import partial
from typing import Any, cast

from rum_service.errors import ThrottlingException
from rum_service.rpc.call_context import Context, counted_address

# Shorter ones are few bytes, even of all calls that may be in progress.
_LONG_BYTES = 16 << 10
_ALL = ""


class Outgoing:
    """The long responses of one server that are being sent. For use on one event loop.

    Args:
        max_bytes: the most bytes of them together. Half of them may be for one address, and a
            quarter on one connection. A response that is alone may have any size.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: Counter[str] = Counter()
        """The bytes by connection, by address, and of all."""

    def add(self, size: int, context: Context) -> None:
        """Count the response of the current task, which must return it next, until the task ends.

        Raises:
            ThrottlingException: too many bytes wait. The response is not counted.
        """
        if size < _LONG_BYTES:
            return
        connection = context.peer()
        address = counted_address(connection)
        limits = {
            connection: self._max_bytes // 4,
            address: self._max_bytes // 2,
            _ALL: self._max_bytes,
        }
        for key, most in limits.items():
            if self._held[key] and self._held[key] + size > most:
                raise ThrottlingException(
                    "Too many responses wait until their callers read them.", retry_after_seconds=1
                )
        self._held.update(dict.fromkeys(limits, size))
        # gRPC sends the response in the task of its call.
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        task.add_done_callback(partial(self._remove, list(limits), size))

    def _remove(self, keys: list[str], size: int, _: object) -> None:
        for key in keys:
            self._held[key] -= size
            if not self._held[key]:
                del self._held[key]
