"""One damaged batch stops nothing: it is skipped and named, and its retry restores it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage import open_store, read_slices, repair_database
from rum_service.storage.base import Store
from rum_service.storage.postgres_partitions import DAY_MS
from rum_service.storage.records import Appended, Batch
from tests.support.batches import message, new_id
from tests.support.damage import Damage, damage, truncated, two_flipped_bytes, with_other_user
from tests.support.databases import migrated_sqlite
from tests.support.logged import ALL_TIME, logged

_BATCHES = 5
_DAMAGED = 2
_LONG = 3
# It is compressed to half of its length, and read separately.
_LONG_CONTENT = PutRumEventsRequest(alias=os.urandom(100_000).hex()).SerializeToString()
_MONITOR = new_id()
_CONTENTS = [
    _LONG_CONTENT if number == _LONG else message(_MONITOR, events=2).SerializeToString()
    for number in range(_BATCHES)
]


def _batch(number: int, content: bytes | None = None) -> Batch:
    return logged(number)._replace(content=_CONTENTS[number] if content is None else content)


class _Filled:
    """A database with five batches of app monitor 1."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = open_store(url)
        self.store.monitors.create(_MONITOR, "shop", "{}")
        self.store.log.append([_batch(number) for number in range(_BATCHES)])
        self.sequences = [
            batch.sequence for batch in self.store.log.after(0, limit=99, max_bytes=ALL_TIME)
        ]


@pytest.fixture(params=["sqlite", "postgres", "postgres-partitioned"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Filled]:
    if request.param == "sqlite":
        url = migrated_sqlite(tmp_path / "store.sqlite3")
    else:
        url = request.getfixturevalue("migrated_postgres")
    if request.param == "postgres-partitioned":
        store = open_store(url)
        store.log.maintain(20_000 * DAY_MS)
        store.close()
    found = _Filled(url)
    yield found
    found.store.close()


def _read(store: Store, *, accept_damaged: bool = False) -> tuple[list[bytes], list[int]]:
    found = store.log.read(
        1,
        below=None,
        after_ms=-ALL_TIME,
        before_ms=ALL_TIME,
        limit=99,
        max_bytes=ALL_TIME,
        accept_damaged=accept_damaged,
    )
    return [batch.content for batch in found.batches], list(found.damaged)


def _others(number: int) -> list[bytes]:
    return [content for n, content in enumerate(_CONTENTS) if n != number]


_DAMAGES = [two_flipped_bytes, truncated, with_other_user, lambda _: b""]
_NAMES = ["flipped", "truncated", "decodes", "empty"]


@pytest.mark.parametrize("how", _DAMAGES, ids=_NAMES)
def test_every_reader_skips_a_damaged_batch_and_names_it(filled: _Filled, how: Damage) -> None:
    sequence = filled.sequences[_DAMAGED]
    damage(filled.url, sequence, how)
    in_order = filled.store.log.after(0, limit=99, max_bytes=ALL_TIME)
    store, slices = read_slices(filled.url)
    bounds = {"earliest_ms": -ALL_TIME, "latest_ms": ALL_TIME}
    sliced = [*slices.read(1, after=0, through=ALL_TIME, **bounds)]
    store.close()

    assert _read(filled.store) == (_others(_DAMAGED)[::-1], [sequence])
    assert [batch.sequence for batch in in_order] == filled.sequences
    assert [batch.sequence for batch in in_order if batch.is_damaged] == [sequence]
    assert [batch.content for batch in in_order if not batch.is_damaged] == _others(_DAMAGED)
    assert in_order[_DAMAGED].content == b""
    assert sliced == in_order
    assert filled.store.damaged.met == 2


def test_a_long_damaged_batch_is_skipped(filled: _Filled) -> None:
    damage(
        filled.url, filled.sequences[_LONG], lambda payload: payload[:-1] + bytes([payload[-1] ^ 1])
    )

    assert _read(filled.store) == (_others(_LONG)[::-1], [filled.sequences[_LONG]])
    assert filled.store.log.after(0, limit=99, max_bytes=ALL_TIME)[_LONG].is_damaged


def test_a_batch_without_checksum_is_accepted_if_it_can_be_decompressed(filled: _Filled) -> None:
    damage(filled.url, filled.sequences[0], bytes, has_checksum=False)
    damage(filled.url, filled.sequences[1], two_flipped_bytes, has_checksum=False)

    assert _read(filled.store) == (_others(1)[::-1], [filled.sequences[1]])


def test_a_reader_that_accepts_damage_also_gets_what_can_be_decompressed(filled: _Filled) -> None:
    damage(filled.url, filled.sequences[0], with_other_user)
    damage(filled.url, filled.sequences[1], two_flipped_bytes)
    found, damaged = _read(filled.store, accept_damaged=True)

    assert damaged == [filled.sequences[1], filled.sequences[0]]
    assert found[:-1] == _CONTENTS[:1:-1]
    expected = PutRumEventsRequest.FromString(_CONTENTS[0]).rum_events
    assert PutRumEventsRequest.FromString(found[-1]).rum_events == expected


@pytest.mark.parametrize("how", _DAMAGES, ids=_NAMES)
def test_a_retry_restores_a_damaged_batch(filled: _Filled, how: Damage) -> None:
    while filled.store.usage.count():
        pass
    before = filled.store.usage.read()
    damage(filled.url, filled.sequences[_DAMAGED], how)
    new = logged(99)
    outcomes = filled.store.log.append([_batch(0), _batch(_DAMAGED), new])

    assert outcomes == [Appended.DUPLICATE, Appended.DUPLICATE, Appended.STORED]
    assert _read(filled.store) == ([new.content, *_CONTENTS[::-1]], [])
    changed = filled.store.erasures.changed_after(0, limit=9)
    assert [each.sequence for each in changed] == [filled.sequences[_DAMAGED]]
    filled.store.log.purge(1, limit=99)
    assert before[1].stored_bytes > 0
    assert filled.store.usage.read()[1].stored_bytes == 0


@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_batch_that_cannot_be_compared_with_a_damaged_one_is_rejected_alone(
    filled: _Filled, has_checksum: bool
) -> None:
    damage(filled.url, filled.sequences[_DAMAGED], two_flipped_bytes, has_checksum=has_checksum)
    retry = _batch(_DAMAGED, b"" if has_checksum else None)
    outcomes = filled.store.log.append([_batch(0), retry, logged(99)])

    assert outcomes == [Appended.DUPLICATE, Appended.DAMAGED, Appended.STORED]
    assert _read(filled.store)[1] == [filled.sequences[_DAMAGED]]


def test_the_batch_after_a_damaged_one_with_the_same_id_in_one_append_is_a_duplicate(
    filled: _Filled,
) -> None:
    damage(filled.url, filled.sequences[_DAMAGED], two_flipped_bytes)
    twice = [_batch(_DAMAGED), _batch(_DAMAGED)]

    assert filled.store.log.append(twice) == [Appended.DUPLICATE, Appended.DUPLICATE]
    assert _read(filled.store) == (_CONTENTS[::-1], [])


def test_a_damaged_batch_is_logged_once(
    filled: _Filled, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(filled.url, filled.sequences[_DAMAGED], two_flipped_bytes)
    for _ in range(3):
        _read(filled.store)
    logged_lines = [line for line in capsys.readouterr().out.splitlines() if "damaged" in line]

    assert len(logged_lines) == 1
    assert str(filled.sequences[_DAMAGED]) in logged_lines[0]
    assert uuid.UUID(int=_DAMAGED).hex not in logged_lines[0]
    assert filled.store.damaged.met == 3


@pytest.mark.parametrize("last_ms", [1_000, 30_000 * DAY_MS], ids=["past", "future"])
def test_a_batch_that_a_repair_has_removed_can_be_stored_again(
    filled: _Filled, last_ms: int
) -> None:
    """PostgreSQL finds the retries of batches from the future by another table."""
    batch = logged(77, last_ms=last_ms)
    assert filled.store.log.append([batch]) == [Appended.STORED]
    while filled.store.usage.count():
        pass
    store, inspection, repair = repair_database(filled.url)
    columns = repair.columns(store.log.newest_sequence())
    assert columns
    removed = [repair.remove(columns), repair.remove(columns)]
    inspection.close()

    assert removed == [True, False]
    assert filled.store.log.append([batch]) == [Appended.STORED]
    assert filled.store.log.append([batch]) == [Appended.DUPLICATE]
    assert _read(filled.store) == ([batch.content, *_CONTENTS[::-1]], [])


def test_retention_finds_batches_by_their_receipt_when_a_repair_has_noted_it(
    filled: _Filled,
) -> None:
    filled.store.log.append([logged(77, received_ms=10)])
    _, inspection, repair = repair_database(filled.url)
    newest = inspection.newest()
    before = _removed(filled.store)
    for _ in range(2):
        repair.note_receipts(1, [newest, newest + 1])
    (row,) = inspection.rows(after=newest - 1, newest=newest, limit=9)
    inspection.close()

    assert before == 0
    assert row.is_imported
    assert _removed(filled.store) == 1
    assert _read(filled.store) == (_CONTENTS[::-1], [])


def _removed(store: Store) -> int:
    """Remove batches from before the others, and return how many there were."""
    return store.retention.remove({1: 500}, limit=2, max_bytes=ALL_TIME)[1].batches


def test_a_repair_does_not_remove_a_batch_that_was_restored_meanwhile(filled: _Filled) -> None:
    sequence = filled.sequences[_DAMAGED]
    damage(filled.url, sequence, two_flipped_bytes)
    _, inspection, repair = repair_database(filled.url)
    columns = repair.columns(sequence)
    assert columns
    assert filled.store.log.append([_batch(_DAMAGED)]) == [Appended.DUPLICATE]
    removed = repair.remove(columns)
    inspection.close()

    assert not removed
    assert _read(filled.store) == (_CONTENTS[::-1], [])
