"""Erasures in memory: there are none. Tests of erasures run against the SQL stores."""

from __future__ import annotations

__all__ = ["MemoryErasures"]

from collections.abc import Callable, Sequence
from typing import NoReturn

from rum_service.storage.records import ErasedBatch, ErasureRecord, Remainder


class MemoryErasures:
    """Implements `ErasureStore` without `begin`."""

    def begin(
        self,
        app_monitor: int,
        app_monitor_name: str,
        *,
        kind: str,
        subject: str,
        digest: bytes,
        erased_by: str,
        now_ms: int,
    ) -> NoReturn:
        raise NotImplementedError

    def advance(
        self,
        key: int,
        *,
        sequences: Sequence[int],
        below: int,
        remainder: Callable[[bytes], Remainder | None],
        damaged: Sequence[int] = (),
    ) -> NoReturn:
        raise NotImplementedError

    def claim(self, key: int, *, now_ms: int, until_ms: int, held_ms: int | None) -> NoReturn:
        raise NotImplementedError

    def finish(self, key: int, *, now_ms: int) -> NoReturn:
        raise NotImplementedError

    def scrub(self) -> bool:
        return True

    def progress(self, app_monitor: int, *, through: int, below: int) -> NoReturn:
        raise NotImplementedError

    def by_key(self, key: int) -> ErasureRecord | None:
        return None

    def list(self, *, below: int | None, limit: int) -> Sequence[ErasureRecord]:
        return []

    def unfinished(self) -> Sequence[ErasureRecord]:
        return []

    def changed_after(self, change: int, *, limit: int) -> Sequence[ErasedBatch]:
        return []
