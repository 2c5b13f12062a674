"""Erase a user or a session from the log, and keep a proof of it.

`ErasureRunner` does the work.
"""

from __future__ import annotations

__all__ = ["Erasures"]

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from time import perf_counter

from rum.operator.v1 import operator_service_pb2 as pb
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.erasure_messages import erasure_message, subject_of
from rum_service.control.erasure_runner import ErasureRunner
from rum_service.control.erasure_search import ErasureSearch
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.page_tokens import decode_token, encode_token
from rum_service.storage.base import Store
from rum_service.storage.threads import on_thread

# How long each page of the preview takes.
_PAGE_S = 0.5
_MAX_SEQUENCE = 2**62
_MAX_PAGE = 1000
_DEFAULT_PAGE = 100


class Erasures:
    """The use cases. For use on one event loop; the store works on the executor's threads.

    Args:
        clock: Unix seconds.
    """

    def __init__(
        self,
        monitors: AppMonitors,
        store: Store,
        search: ErasureSearch,
        runner: ErasureRunner,
        executor: Executor,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._monitors = monitors
        self._log = store.log
        self._store = store.erasures
        self._search = search
        self._runner = runner
        self._executor = executor
        self._clock = clock

    async def preview(self, request: pb.PreviewErasureRequest) -> pb.PreviewErasureResponse:
        """Count what an erasure would erase in the next batches.

        Raises ValidationException or ResourceNotFoundException.
        """
        subject = subject_of(request.subject)
        record = await self._monitors.by_name(request.app_monitor_name)
        through, below = await self._position(request.page_token)
        amount = pb.ErasedAmount()
        end_s = perf_counter() + _PAGE_S
        following: int | None = below
        while following is not None:
            step = await self._search.step(record.key, subject, following)
            for remainder in step.found.values():
                amount.events += remainder.erased_events
                amount.rewritten_batches += bool(remainder.event_count)
                amount.deleted_batches += not remainder.event_count
            following = step.below
            if perf_counter() >= end_s:
                break
        progress = await self._progress(record.key, through, following or 0)
        response = pb.PreviewErasureResponse(amount=amount, progress=progress)
        if following is not None:
            response.next_page_token = encode_token(through, following)
        return response

    async def start(self, request: pb.StartErasureRequest, *, erased_by: str) -> pb.Erasure:
        """Begin an erasure. Raises ValidationException or ResourceNotFoundException.

        Args:
            erased_by: the name of the caller, for the proof.
        """
        subject = subject_of(request.subject)
        monitor = await self._monitors.by_name(request.app_monitor_name)
        record = await on_thread(
            self._executor,
            self._store.begin,
            monitor.key,
            monitor.name,
            kind=subject.kind,
            subject=subject.id,
            digest=hashlib.sha256(subject.id.encode()).digest(),
            erased_by=erased_by,
            now_ms=self._now_ms(),
        )
        self._runner.run(record)
        return erasure_message(record)

    async def get(self, request: pb.GetErasureRequest) -> pb.Erasure:
        """Return an erasure. Raises ResourceNotFoundException."""
        key = min(max(request.id, 0), _MAX_SEQUENCE)
        record = await on_thread(self._executor, self._store.by_key, key)
        if record is None:
            raise ResourceNotFoundException(
                "There is no erasure with this ID.", str(request.id), "Erasure"
            )
        erasure = erasure_message(record)
        if record.finished_ms is None:
            below = self._runner.below(record)
            progress = await self._progress(record.app_monitor, record.through_sequence, below)
            erasure.progress.CopyFrom(progress)
        return erasure

    async def list(self, request: pb.ListErasuresRequest) -> pb.ListErasuresResponse:
        """Return a page of erasures, newest first. Raises ValidationException."""
        size = request.page_size or _DEFAULT_PAGE
        if not 1 <= size <= _MAX_PAGE:
            raise ValidationException(f"page_size must be 1 to {_MAX_PAGE}.")
        token = request.page_token
        below = decode_token("page_token", token, int)[0] if token else None
        records = await on_thread(self._executor, self._store.list, below=below, limit=size + 1)
        response = pb.ListErasuresResponse(
            erasures=[erasure_message(record) for record in records[:size]]
        )
        if len(records) > size:
            response.next_page_token = encode_token(records[size - 1].key)
        return response

    async def _progress(self, app_monitor: int, through: int, below: int) -> pb.ErasureProgress:
        searched, total = await on_thread(
            self._executor, self._store.progress, app_monitor, through=through, below=below
        )
        return pb.ErasureProgress(searched=searched, total=total)

    async def _position(self, token: str) -> tuple[int, int]:
        """Return the newest sequence to search, and the one below which to continue."""
        if not token:
            newest = await on_thread(self._executor, self._log.newest_sequence)
            return newest, newest + 1
        return decode_token("page_token", token, int, int)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
