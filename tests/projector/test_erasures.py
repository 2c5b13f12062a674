"""The projection follows erasures: it has the rows that a rebuild would give."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from rum.v1.data_plane_service_pb2 import RumEvent
from rum_projector.engines.base import Engine, EngineError, Place
from rum_projector.engines.duckdb import open_duckdb
from rum_projector.projection import Projection
from rum_projector.schema import (
    custom_metrics,
    error_groups,
    event_counts,
    events,
    hour_counts,
    vitals,
)
from rum_service.events.subjects import Subject
from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.records import Batch, MetricDefinitionRecord
from tests.support.batches import message
from tests.support.databases import migrated_sqlite
from tests.support.projection_rows import chunk, error_group, event_row

RUM = "com.amazon.rum."
NOW_MS = 1_795_000_000_000
USER = "0a1b2c3d-4e5f-4789-8abc-def012345678"


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with one app monitor that defines a metric."""
    if request.param == "sqlite":
        opened = open_store(migrated_sqlite(tmp_path / "store.sqlite3"))
    else:
        opened = open_store(request.getfixturevalue("migrated_postgres"))
    opened.monitors.create("a" * 36, "a", "{}")
    _define_metric(opened)
    yield opened
    opened.close()


def _define_metric(store: Store) -> None:
    definition = {
        "Name": "Carts",
        "EventPattern": json.dumps({"event_type": ["cart"]}),
        "ValueKey": "event_details.ms",
    }
    store.metrics.put_destination(1, "CloudWatch", "", None)
    (destination,) = store.metrics.list_destinations(1, after=0, limit=1)
    record = MetricDefinitionRecord("id", json.dumps(definition), b"digest")
    store.metrics.create_definitions(destination.key, [record], limit=10)


def event(kind: str, at_ms: int = NOW_MS, **details: Any) -> RumEvent:
    return RumEvent(
        id=str(uuid.uuid4()),
        timestamp=at_ms / 1000,
        type=kind,
        metadata='{"pageId":"/cart"}',
        details=json.dumps(details),
    )


def error(text: str, at_ms: int, **details: Any) -> RumEvent:
    return event(
        f"{RUM}js_error_event", at_ms, type="E", message=text, stack="at f (a.js:1:2)", **details
    )


def put(store: Store, *sent: RumEvent, user: str = "") -> int:
    """Append a batch of these events, and return its sequence."""
    request = message("a" * 36, 0)
    request.rum_events.extend(sent)
    if user:
        request.user_details.user_id = user
    batch = Batch(
        app_monitor=1,
        batch_id=random.randbytes(16),
        received_ms=NOW_MS,
        first_ms=NOW_MS,
        last_ms=NOW_MS,
        event_count=len(sent),
        content=request.SerializeToString(),
    )
    store.log.append([batch])
    return store.log.newest_sequence()


def erase(store: Store, *sequences: int, finish: bool = True) -> None:
    """Erase the user from these batches, as the service does."""
    begun = store.erasures.begin(
        1, "a", kind="user", subject=USER, digest=bytes(32), erased_by="x", now_ms=0
    )
    remainder = Subject("user", USER).remainder
    store.erasures.advance(begun.key, sequences=sequences, below=0, remainder=remainder)
    if finish:
        store.erasures.finish(begun.key, now_ms=0)


def project(store: Store, engine: Engine, **options: int) -> Projection:
    projection = Projection(store, engine, clock=time.time, **options)
    projection.start()
    while projection.step():
        pass
    return projection


def tables(engine: Engine) -> list[Sequence[object]]:
    """Return all rows of all tables, in a fixed order."""
    return [
        *engine.query(select(events).order_by(events.c.sequence, events.c.position)),
        *engine.query(select(error_groups).order_by(error_groups.c.fingerprint)),
        *engine.query(select(custom_metrics).order_by(*custom_metrics.columns)),
        *engine.query(select(event_counts).order_by(*event_counts.columns)),
        *engine.query(select(vitals).order_by(*vitals.columns)),
    ]


def rebuilt(store: Store, folder: Path) -> list[Sequence[object]]:
    """Return the rows of a new projection."""
    engine, _ = open_duckdb(
        folder / "new.duckdb", name="log", memory_bytes=64 << 20, newest=0, now_ms=0
    )
    with closing(engine):
        project(store, engine)
        return tables(engine)


def a_shop(store: Store) -> list[int]:
    """Append batches of the user and of others, and return the sequences of all."""
    named = {"about": USER}
    return [
        put(store, event("cart", ms=1), error("first", NOW_MS - 9), user=USER),
        put(store, event("cart", ms=2), error("first", NOW_MS - 8), error("second", NOW_MS - 3)),
        put(
            store,
            event("cart", ms=3, **named),
            error("second", NOW_MS - 7, **named),
            error("first", NOW_MS - 6),
            error("third", NOW_MS - 5, **named),
            event("cart", ms=4),
        ),
        put(store, error("fourth", NOW_MS - 4), user=USER),
        put(store, event("other"), event("cart", ms=5)),
    ]


def test_following_erasures_gives_the_rows_of_a_rebuild(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    sequences = a_shop(store)
    projection = project(store, engine)
    before = tables(engine)
    erase(store, *sequences)

    projection.step()

    after = tables(engine)
    assert after == rebuilt(store, tmp_path)
    assert USER in str(before)
    assert USER not in str(after)
    assert engine.cursor().events == len(engine.query(select(events))) == 7
    assert engine.cursor().erased == engine.cursor().scrubbed == 3


@pytest.mark.parametrize("projected", [1, 2, 3])
def test_a_batch_that_is_erased_while_a_part_of_it_is_projected_has_the_rows_of_a_rebuild(
    store: Store, engine: Engine, tmp_path: Path, projected: int
) -> None:
    sequences = a_shop(store)
    before = 5  # in the first two batches
    projection = Projection(store, engine, clock=time.time, chunk_events=before + projected)
    projection.start()
    projection.step()
    inside = engine.cursor().place
    erase(store, *sequences)

    while projection.step():
        pass

    # The first, the second and the fourth event of this batch are erased.
    assert inside == Place(sequences[2], projected)
    assert engine.cursor().place == Place(sequences[-1])
    assert tables(engine) == rebuilt(store, tmp_path)


def test_sums_of_hours_follow_erasures(store: Store, engine: Engine) -> None:
    hour_ms = 3_600_000
    erased = put(store, event("cart", NOW_MS - 3 * hour_ms), user=USER)
    put(store, event("cart", NOW_MS - 3 * hour_ms), event("cart"))
    projection = project(store, engine)
    engine.add_up_hours(limit=9)
    users = select(hour_counts.c.user, hour_counts.c.events).order_by(hour_counts.c.user)
    before = engine.query(users)
    erase(store, erased)

    projection.step()

    assert (USER, 1) in before
    assert engine.query(users) == []
    engine.add_up_hours(limit=9)
    assert engine.query(users) == [row for row in before if row[0] != USER]


def test_following_erasures_again_changes_nothing(store: Store, engine: Engine) -> None:
    sequences = a_shop(store)
    projection = project(store, engine)
    erase(store, *sequences)
    projection.step()
    before = tables(engine)
    replayed = projection._chunk_of({*sequences})
    engine.replace(replayed, sequences=sequences, after=3, change=4, now_ms=0)

    assert tables(engine) == before


def test_batches_that_are_not_projected_yet_are_projected_as_erased(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    first = put(store, event("cart", ms=1), user=USER)
    projection = project(store, engine)
    second = put(store, event("cart", ms=2), user=USER)
    put(store, event("cart", ms=3))
    erase(store, first, second)
    while projection.step():
        pass

    assert tables(engine) == rebuilt(store, tmp_path)
    assert engine.cursor().events == 1


def test_a_purged_batch_has_no_rows_after_its_erasure(store: Store, engine: Engine) -> None:
    sequences = [put(store, event("cart", ms=1), user=USER) for _ in range(2)]
    projection = project(store, engine)
    erase(store, *sequences)
    store.log.purge(1, limit=1)
    projection.step()

    assert tables(engine) == []


def test_many_changes_are_followed(store: Store, engine: Engine, tmp_path: Path) -> None:
    sequences = [put(store, event("cart", ms=n), user=USER if n % 3 else "") for n in range(600)]
    projection = project(store, engine)
    for start in range(0, len(sequences), 100):
        erase(store, *sequences[start : start + 100])
    projection.step()

    assert engine.cursor().events == 200
    assert tables(engine) == rebuilt(store, tmp_path)


def test_a_projection_that_knows_more_erasures_than_its_log_is_built_again(
    store: Store, engine: Engine
) -> None:
    """Somebody restored an older log and kept the projection."""
    sequence = put(store, event("cart", ms=1), user=USER)
    project(store, engine)
    engine.replace(chunk(), sequences=[sequence], after=0, change=5, now_ms=0)

    project(store, engine)

    assert (engine.cursor().erased, engine.cursor().events) == (0, 1)


def test_the_file_is_scrubbed_when_no_erasure_runs_any_more(store: Store, engine: Engine) -> None:
    sequences = [put(store, event("cart", ms=1), user=USER) for _ in range(2)]
    projection = project(store, engine)
    erase(store, sequences[0])
    erase(store, sequences[1], finish=False)
    projection.step()
    running = engine.cursor()
    store.erasures.finish(2, now_ms=0)
    projection.step()
    finished = engine.cursor()

    assert (running.erased, running.scrubbed) == (2, 0)
    assert (finished.erased, finished.scrubbed) == (2, 2)


def test_a_replacement_follows_the_cursor_or_changes_nothing(engine: Engine) -> None:
    rows = chunk(event_row(1), error_group(sample_sequence=1))
    engine.write(rows, after=Place(0), until=Place(1), now_ms=0)
    before = tables(engine)
    with pytest.raises(EngineError, match="another process"):
        engine.replace(chunk(), sequences=[1], after=5, change=6, now_ms=0)

    assert tables(engine) == before
    assert engine.cursor().erased == 0


def test_no_file_of_duckdb_contains_what_was_erased(tmp_path: Path) -> None:
    file = tmp_path / "insight.duckdb"
    engine, _ = open_duckdb(file, name="log", memory_bytes=128 << 20, newest=0, now_ms=0)
    # Without this, the test would not find what is there.
    engine._connection.execute("SET force_compression = 'uncompressed'")
    random.seed(5)
    # DuckDB stores 122,880 rows together. These are more.
    count = 130_000
    texts = [random.randbytes(18).hex() for _ in range(count)]
    for start in range(0, count, 65_000):
        part = range(start, start + 65_000)
        rows = [event_row(n, user=texts[n], message=texts[n][::-1]) for n in part]
        engine.write(chunk(*rows), after=Place(max(0, start - 1)), until=Place(part[-1]), now_ms=0)
    # Some in one place, and some everywhere.
    erased = [*range(60_000, 60_200), *range(7, count, 1_999)]
    with closing(engine):
        before = _found(file, texts, erased)
    engine, _ = open_duckdb(file, name="log", memory_bytes=128 << 20, newest=0, now_ms=0)
    engine._connection.execute("SET force_compression = 'uncompressed'")
    engine.replace(chunk(), sequences=erased, after=0, change=1, now_ms=0)
    deleted = _found(file, texts, erased)
    engine.scrub()
    scrubbed = _found(file, texts, erased)
    kept = _found(file, texts, range(0, count, 1_000))
    left = engine.query(select(events.c.sequence).where(events.c.sequence.in_(erased)))
    engine.write(chunk(event_row(count)), after=Place(count - 1), until=Place(count), now_ms=0)
    cursor = engine.cursor()
    engine.close()

    assert before == deleted == len(erased)
    assert scrubbed == 0
    assert kept >= 125
    assert left == []
    assert cursor.events == count + 1 - len(erased)
    assert cursor.scrubbed == 1


def test_a_scrubbed_file_keeps_its_constraints(engine: Engine, tmp_path: Path) -> None:
    engine.write(
        chunk(event_row(1), error_group(first_ms=9)), after=Place(0), until=Place(1), now_ms=0
    )
    engine.scrub()
    engine.write(chunk(error_group(first_ms=5)), after=Place(1), until=Place(2), now_ms=0)
    engine.scrub()

    ((first_ms,),) = engine.query(select(error_groups.c.first_ms))
    assert first_ms == 5


def _found(file: Path, texts: Sequence[str], numbers: Sequence[int]) -> int:
    """Return how many of these texts are in the files of a database."""
    content = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    return sum(texts[number].encode() in content for number in numbers)


def test_queries_are_answered_while_the_file_is_scrubbed(engine: Engine) -> None:
    rows = [event_row(n) for n in range(50_000)]
    engine.write(chunk(*rows), after=Place(0), until=Place(50_000), now_ms=0)
    found = set()
    ended = threading.Event()

    def count() -> None:
        while not ended.is_set():
            found.update(engine.query(select(func.count()).select_from(events)))

    with ThreadPoolExecutor(2) as pool:
        counting = [pool.submit(count) for _ in range(2)]
        try:
            for _ in range(3):
                engine.scrub()
        finally:
            ended.set()
        for each in counting:
            each.result(60)

    assert found == {(50_000,)}
    assert engine.cursor().events == 50_000
