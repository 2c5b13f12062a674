"""The memory of an import: how many events wait for the others of their batches."""

from __future__ import annotations

import uuid

import pytest

from rum.v1.data_plane_service_pb2 import RumEvent
from rum_cli import import_batches
from rum_cli.import_batches import ImportBatches
from rum_cli.import_lines import EventLine, LineError

_MONITOR = str(uuid.UUID(int=1))


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> ImportBatches:
    """An import that keeps at most three events."""
    monkeypatch.setattr(import_batches, "_MAX_EVENTS", 3)
    return ImportBatches(lambda _: _MONITOR, now_ms=2_000_000)


def _line(batch: int, position: int) -> EventLine:
    """Return an event of a batch of two."""
    return EventLine(
        app_monitor_id=_MONITOR,
        batch_id=str(uuid.UUID(int=batch)),
        body={"AppMonitorDetails": {}, "UserDetails": {}},
        event=RumEvent(id=str(uuid.UUID(int=position)), timestamp=1.0, type="t", details="{}"),
        event_ms=1000,
        position=position,
        events=2,
        received_ms=1000,
        country=None,
    )


def test_events_beyond_the_limit_are_not_kept(batches: ImportBatches) -> None:
    for batch in range(3):
        batches.add(_line(batch, 0), "file:1")

    for batch in range(3, 6):
        with pytest.raises(LineError, match="too many batches are incomplete"):
            batches.add(_line(batch, 0), "file:2")

    assert [events for _, _, events in batches.incomplete()] == [1, 1, 1]


def test_at_the_limit_batches_still_become_complete(batches: ImportBatches) -> None:
    for batch in range(3):
        batches.add(_line(batch, 0), "file:1")

    complete = batches.add(_line(1, 1), "file:2")

    assert complete is not None
    assert [event.id[-1] for event in complete.request.rum_events] == ["0", "1"]
    assert batches.add(_line(3, 0), "file:3") is None
