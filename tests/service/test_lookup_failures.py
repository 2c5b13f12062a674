"""Batches whose app monitors cannot be read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rum_service.auth.callers import Call
from rum_service.errors import InternalServerException
from rum_service.ingest.preparation import Put
from rum_service.storage import open_store
from tests.support.batches import message, new_id
from tests.support.services import settings_in, started


async def test_app_monitors_that_cannot_be_read_are_read_once_for_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL that does not answer would take 15 seconds for each batch."""
    settings = settings_in(tmp_path)
    store = await asyncio.to_thread(open_store, settings.database_url)
    reads = []

    def fail() -> list[str]:
        reads.append(1)
        raise OSError("the database does not answer")

    monkeypatch.setattr(store.monitors, "ids", fail)
    async with started(store, settings) as service:
        messages = [message(new_id(), events).SerializeToString() for events in range(4)]
        puts = [Put(content, Call(), str) for content in (*messages, b"\xff")]
        results = await service.ingest.put_many(puts)
        received = service.accounting.ledger.received
        ended = service.accounting.ledger.ended
    store.close()

    assert [type(result) for result in results] == [InternalServerException] * 5
    assert len(reads) == 1
    assert (received.batches, received.events) == (5, 1 + 2 + 3)
    assert ended == {("", "rejected", "InternalServerException"): received}
