"""The projection has exactly the events of the log."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_projector.engines.base import CustomMetricRow, Engine, EventRow, Place
from rum_projector.engines.duckdb import open_duckdb
from rum_projector.projection import Projection
from rum_projector.schema import (
    COUNTERS,
    HOUR_MS,
    MINUTE_MS,
    VITALS,
    custom_metrics,
    error_groups,
    event_counts,
    events,
    hour_counts,
    vitals,
)
from rum_service.events.measures import Kind
from rum_service.storage import open_store
from rum_service.storage.base import LogStore, Store
from rum_service.storage.records import Batch, CommittedBatch, MetricDefinitionRecord
from tests.support.batches import message
from tests.support.damage import damage, two_flipped_bytes
from tests.support.databases import migrated_sqlite
from tests.support.projection_rows import chunk, event_row

RUM = "com.amazon.rum."
RECEIVED_MS = 1_795_000_000_000
DAY_MS = 86_400_000


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that the service can keep its log in, with one app monitor."""
    if request.param == "sqlite":
        opened = open_store(migrated_sqlite(tmp_path / "store.sqlite3"))
    else:
        opened = open_store(request.getfixturevalue("migrated_postgres"))
    opened.monitors.create("a" * 36, "a", "{}")
    yield opened
    opened.close()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(migrated_sqlite(tmp_path / "lite.sqlite3"))
    opened.monitors.create("a" * 36, "a", "{}")
    yield opened
    opened.close()


def projection(store: Store, engine: Engine, **options: int) -> Projection:
    started = Projection(store, engine, clock=time.time, **options)
    started.start()
    return started


def project(store: Store, engine: Engine, **options: int) -> Projection:
    """Project everything that is in the log."""
    started = projection(store, engine, **options)
    while started.step():
        pass
    return started


def put(
    store: Store,
    *sent: RumEvent,
    monitor: int = 1,
    received_ms: int = RECEIVED_MS,
    is_imported: bool = False,
    **members: str,
) -> PutRumEventsRequest:
    """Append a batch of these events."""
    request = message("a" * 36, 0, **members)
    request.rum_events.extend(sent)
    times = [RECEIVED_MS]
    store.log.append(
        [
            Batch(
                app_monitor=monitor,
                batch_id=random.randbytes(16),
                received_ms=received_ms,
                first_ms=min(times),
                last_ms=max(times),
                event_count=len(sent),
                content=request.SerializeToString(),
                is_imported=is_imported,
            )
        ]
    )
    return request


def sent(
    event_type: str = f"{RUM}page_view_event",
    *,
    at_ms: float = RECEIVED_MS - 1_000,
    details: object = None,
    metadata: object = None,
) -> RumEvent:
    texts = (
        value if isinstance(value, str) else json.dumps(value) for value in (details, metadata)
    )
    written, about = texts
    return RumEvent(
        id="e", timestamp=at_ms / 1000, type=event_type, details=written, metadata=about
    )


def rows(engine: Engine) -> list[EventRow]:
    order = (events.c.sequence, events.c.position)
    return [EventRow(*row) for row in engine.query(select(events).order_by(*order))]


def a_day(store: Store) -> None:
    """Append batches of every kind of event."""
    random.seed(7)
    for number in range(40):
        page = {
            "pageId": f"/product/{number % 9}",
            "domain": "shop.example",
            "deviceType": "mobile",
        }
        error = {"type": "TypeError", "message": f"x {number} of y", "stack": "at f (app.js:1:2)"}
        put(
            store,
            sent(metadata=page, details={"pageInteractionId": f"/-{number}"}),
            sent(
                f"{RUM}largest_contentful_paint_event",
                metadata=page,
                details={"value": number + 0.5, "attribution": {"timeToFirstByte": 3}},
            ),
            sent(f"{RUM}js_error_event", metadata=page, details=error, at_ms=RECEIVED_MS - number),
            sent("custom", metadata=page, details={"n": number}),
        )


def test_every_event_of_the_log_has_one_row(store: Store, engine: Engine) -> None:
    request = put(
        store,
        sent(
            f"{RUM}http_event",
            at_ms=RECEIVED_MS - 5.4,
            metadata={"pageId": "/cart", "domain": "shop.example", "countryCode": "de"},
            details={
                "request": {"method": "GET", "url": "https://shop.example/api/cart/17"},
                "response": {"status": 503},
                "duration": 12.5,
            },
        ),
        sent("my_event", details={"a": "ü"}, metadata={}),
    )

    project(store, engine)

    first, second = rows(engine)
    assert first == event_row(
        store.log.newest_sequence(),
        0,
        ts=RECEIVED_MS - 5,
        received=RECEIVED_MS,
        kind=Kind.HTTP,
        session=request.user_details.session_id,
        user=request.user_details.user_id,
        page="/cart",
        browser="",
        browser_major=0,
        os="",
        device="",
        country="DE",
        release="",
        value=12.5,
        name="GET /api/cart/:id",
        status=503,
        bytes=len(request.rum_events[0].details) + len(request.rum_events[0].metadata),
    )
    assert (second.position, second.kind, second.type) == (1, Kind.OTHER, "my_event")
    assert second.bytes == len(request.rum_events[1].details.encode()) + 2


def test_events_that_arrive_later_are_added(store: Store, engine: Engine) -> None:
    put(store, sent())
    started = project(store, engine)
    put(store, sent(), sent())
    while started.step():
        pass

    assert len(rows(engine)) == 3
    assert len({(row.sequence, row.position) for row in rows(engine)}) == 3


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        pytest.param(RECEIVED_MS - 7 * DAY_MS, RECEIVED_MS - 7 * DAY_MS, id="seven-days"),
        pytest.param(RECEIVED_MS - 7 * DAY_MS - 1, RECEIVED_MS, id="older"),
        pytest.param(RECEIVED_MS, RECEIVED_MS, id="now"),
        pytest.param(RECEIVED_MS + 1, RECEIVED_MS, id="future"),
        pytest.param(0, RECEIVED_MS, id="1970"),
        pytest.param(253_402_300_799_999, RECEIVED_MS, id="year-9999"),
        pytest.param(-62_135_596_800_000, RECEIVED_MS, id="year-1"),
        pytest.param(float("inf"), RECEIVED_MS, id="infinite"),
        pytest.param(float("nan"), RECEIVED_MS, id="no-number"),
    ],
)
def test_the_time_of_an_event_is_bounded_by_its_receipt(
    lite: Store, engine: Engine, at_ms: float, expected: int
) -> None:
    put(lite, sent(at_ms=at_ms))

    project(lite, engine)

    assert [expected] == [row.ts for row in rows(engine)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "7",
        '"text"',
        "{",
        '{"a":NaN}',
        '{"pageId":7,"attribution":[],"request":"x","response":null,"stack":{},"value":"1"}',
        '{"pageId":"\\ud83d","type":"\\udead","message":"\\u0000","value":1e400}',
        '{"pageId":"/\u202e☃🦆","message":"🦆","value":-1,"duration":true}',
        '{"value":' + "9" * 5_000 + "}",
        '{"a":' * 5_000,
        '{"pageId":"' + "/a" * 100_000 + '"}',
        "\x00\x01",
    ],
    ids=range(14),
)
def test_any_text_of_a_client_gives_a_row(lite: Store, engine: Engine, text: str) -> None:
    kinds = ["page_view", "js_error", "http", "largest_contentful_paint", "dom", "session_start"]
    put(lite, *(sent(f"{RUM}{kind}_event", details=text, metadata=text) for kind in kinds))
    put(lite, sent("\x00" + text[:200], details=text, metadata=text), session_metadata=text)
    put(lite, sent(metadata={"pageId": "/after"}))

    project(lite, engine)

    assert len(rows(engine)) == len(kinds) + 2
    assert rows(engine)[-1].page == "/after"


def test_a_page_that_a_client_cut_inside_a_surrogate_pair_is_read(
    lite: Store, engine: Engine
) -> None:
    put(lite, sent(metadata='{"pageId":"/a\\ud83d"}'))

    project(lite, engine)

    assert rows(engine)[0].page.startswith("/a")


def test_metadata_of_an_event_overrides_that_of_its_session(lite: Store, engine: Engine) -> None:
    put(
        lite,
        sent(metadata={"pageId": "/", "countryCode": "FR"}),
        sent(metadata={"pageId": "/"}),
        session_metadata='{"countryCode":"DE","browserName":"Firefox"}',
    )

    project(lite, engine)

    assert [(row.country, row.browser) for row in rows(engine)] == [
        ("FR", "Firefox"),
        ("DE", "Firefox"),
    ]


def test_a_projection_in_small_steps_equals_one_in_a_single_step(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    a_day(store)
    other, _ = open_duckdb(
        tmp_path / "other.duckdb", name="log", memory_bytes=64 << 20, newest=0, now_ms=0
    )
    project(store, engine, chunk_events=5)
    project(store, other)

    whole, groups = tables(other), other.query(select(func.count()).select_from(error_groups))
    other.close()

    assert whole == tables(engine)
    assert groups == [(1,)]


def test_rebuilding_gives_the_same_rows(store: Store, engine: Engine) -> None:
    a_day(store)
    started = project(store, engine, chunk_events=11)
    before = tables(engine)
    started.rebuild()
    started.step()
    during = started.freshness()
    while started.step():
        pass

    assert before == tables(engine)
    assert during.rebuilding
    assert not started.freshness().rebuilding


def tables(engine: Engine) -> list[Sequence[object]]:
    groups = select(error_groups).order_by(error_groups.c.monitor, error_groups.c.fingerprint)
    values = select(vitals).order_by(*vitals.c)
    return [*rows(engine), *engine.query(groups), *counts(engine), *engine.query(values)]


def counts(engine: Engine) -> Sequence[tuple[object, ...]]:
    """Return the rows of `event_counts`. A batch in two chunks has rows of both, added up here."""
    numbers = ("payload_bytes", *COUNTERS)
    keys = [column for column in event_counts.c if column.name not in numbers]
    sums = (func.sum(event_counts.c[name]) for name in numbers)
    return engine.query(select(*keys, *sums).group_by(*keys).order_by(*keys))


def errors_of(store: Store, numbers: Sequence[int], *, message: str) -> None:
    """Append batches that were received one after the other, each with an error."""
    for number in numbers:
        at_ms = RECEIVED_MS + number
        details = {"type": "Error", "message": message, "stack": f"at {message} (app.js:1:2)"}
        error = sent(f"{RUM}js_error_event", details=details, at_ms=at_ms)
        put(store, sent(at_ms=at_ms), error, received_ms=at_ms)


def remove(store: Store, before: int) -> None:
    """Remove the batches that were received before a number of milliseconds."""
    before_ms = {1: RECEIVED_MS + before}
    while not store.retention.remove(before_ms, limit=7, max_bytes=1 << 20)[1].is_done:
        pass


def test_removed_batches_leave_the_projection(store: Store, engine: Engine, tmp_path: Path) -> None:
    errors_of(store, range(10), message="gone")
    errors_of(store, range(10, 50), message="stays")
    started = project(store, engine)
    remove(store, 30)
    started.delete_removed()
    kept = tables(engine)
    groups = engine.query(select(error_groups))
    started.delete_removed()
    rebuilt, _ = open_duckdb(
        tmp_path / "other.duckdb", name="log", memory_bytes=64 << 20, newest=0, now_ms=0
    )
    project(store, rebuilt)
    rebuilt_groups = rebuilt.query(select(error_groups))
    rebuilt_tables = tables(rebuilt)
    rebuilt.close()

    assert tables(engine) == kept
    assert [row for row in kept if row not in groups] == [
        row for row in rebuilt_tables if row not in rebuilt_groups
    ]
    # The time of the first error stays, and a rebuild does not know it.
    (group,), (rebuilt_group,) = groups, rebuilt_groups
    assert group[2] == RECEIVED_MS + 10
    assert rebuilt_group[2] == RECEIVED_MS + 30
    assert group[4:] == rebuilt_group[4:]
    assert started.freshness().events == 40


def test_removed_imported_batches_leave_the_projection(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    errors_of(store, range(100, 105), message="stays")
    for number in range(10):
        at_ms = RECEIVED_MS + number
        put(store, sent(at_ms=at_ms), received_ms=at_ms, is_imported=True)
    errors_of(store, range(105, 110), message="stays")
    started = project(store, engine)
    before = started.freshness().events
    remove(store, 7)
    started.step()
    started.delete_removed()
    rebuilt, _ = open_duckdb(
        tmp_path / "other.duckdb", name="log", memory_bytes=64 << 20, newest=0, now_ms=0
    )
    project(store, rebuilt)
    rebuilt_tables = tables(rebuilt)
    rebuilt.close()

    assert (before, started.freshness().events) == (30, 23)
    assert tables(engine) == rebuilt_tables


def test_a_projection_of_an_empty_log_is_current(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    errors_of(store, range(5), message="gone")
    started = project(store, engine)
    remove(store, 100)
    started.delete_removed()
    empty = tables(engine)
    again = project(store, engine).freshness()
    started.rebuild()
    while started.step():
        pass
    rebuilt = started.freshness()

    assert empty == []
    assert again.projected_sequence == again.log_sequence == rebuilt.projected_sequence
    assert not rebuilt.rebuilding


def test_a_chunk_may_end_inside_a_batch(store: Store, engine: Engine) -> None:
    for _ in range(4):
        put(store, sent(), sent(), sent())
    started = projection(store, engine, chunk_events=4)
    seen = []
    while started.step():
        freshness = started.freshness()
        counts = freshness.projected_sequence, freshness.events, freshness.lag_ms > 0
        seen.append((engine.cursor().place, *counts))

    assert seen == [
        (Place(2, 1), 1, 4, True),
        (Place(3, 2), 2, 8, True),
        (Place(4), 4, 12, False),
    ]
    assert [(row.sequence, row.position) for row in rows(engine)] == [
        (sequence, position) for sequence in range(1, 5) for position in range(3)
    ]


@pytest.mark.parametrize("before", [pytest.param(2, id="this-batch"), pytest.param(9, id="all")])
def test_a_batch_may_be_removed_while_a_part_of_it_is_projected(
    store: Store, engine: Engine, before: int
) -> None:
    errors_of(store, range(4), message="x")
    started = projection(store, engine, chunk_events=3)
    started.step()
    inside = engine.cursor().place
    remove(store, before)
    started.delete_removed()
    while started.step():
        pass
    freshness = started.freshness()

    kept = [(sequence, position) for sequence in range(before + 1, 5) for position in range(2)]
    assert inside == Place(2, 1)
    assert [(row.sequence, row.position) for row in rows(engine)] == kept
    assert freshness.events == len(kept)
    assert (freshness.projected_sequence, freshness.lag_ms) == (freshness.log_sequence, 0)


def test_batches_that_were_removed_before_they_were_read_are_skipped(
    store: Store, engine: Engine
) -> None:
    started = project(store, engine)
    errors_of(store, range(20), message="x")
    remove(store, 100)
    removed = started.step()
    errors_of(store, range(200, 203), message="y")
    while started.step():
        pass
    freshness = started.freshness()

    assert not removed
    assert (freshness.projected_sequence, freshness.lag_ms) == (freshness.log_sequence, 0)
    assert freshness.events == 6


class _Interrupted:
    """A log whose first read returns nothing, as if all that it found was removed meanwhile."""

    def __init__(self, store: Store) -> None:
        self._log = store.log
        self._reads = 0

    def after(self, sequence: int, **limits: int) -> list[CommittedBatch]:
        self._reads += 1
        return self._log.after(sequence, **limits) if self._reads > 1 else []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def test_an_empty_read_skips_no_batches(lite: Store, engine: Engine) -> None:
    errors_of(lite, range(5), message="x")
    interrupted = Projection(
        replace(lite, log=cast("LogStore", _Interrupted(lite))), engine, clock=time.time
    )
    interrupted.start()
    first = interrupted.step()
    while interrupted.step():
        pass

    assert not first
    assert interrupted.freshness().events == 10


def test_each_event_is_counted_once_in_its_minute(store: Store, engine: Engine) -> None:
    a_day(store)
    project(store, engine, chunk_events=8)  # two batches
    keys = ("sequence", "session", "user", "page", "browser", "os", "device", "country", "release")
    expected = Counter(
        (row.ts // MINUTE_MS * MINUTE_MS, *(getattr(row, key) for key in keys))
        for row in rows(engine)
    )
    columns = (event_counts.c[name] for name in ("ts", *keys, "events"))
    found = engine.query(select(*columns))

    assert dict(expected) == {row[:-1]: row[-1] for row in found}
    assert len(found) == len(expected) < expected.total()


def added_up(engine: Engine) -> Counter[tuple[object, ...]]:
    """Return how many events each session has in an hour, and check that each has one row."""
    columns = ("ts", "monitor", "session", "user", "page", "browser", "os", "device", "country")
    found = engine.query(
        select(
            *(hour_counts.c[name] for name in columns), hour_counts.c.release, hour_counts.c.events
        )
    )
    counts = Counter({row[:-1]: row[-1] for row in found})
    assert len(found) == len(counts)
    return counts


def in_hours(engine: Engine, *, before_ms: int) -> Counter[tuple[object, ...]]:
    """Return the same, of the events before a time."""
    return Counter(
        (row.ts // HOUR_MS * HOUR_MS, row.monitor, row.session, row.user, row.page, row.browser,
         row.os, row.device, row.country, row.release)
        for row in rows(engine) if row.ts < before_ms
    )  # fmt: skip


def over_hours(store: Store, numbers: Sequence[float]) -> None:
    """Append a batch of two pages for each number of hours after `RECEIVED_MS`."""
    for number in numbers:
        at_ms = RECEIVED_MS + round(number * HOUR_MS)
        pages = [sent(at_ms=at_ms, metadata={"pageId": page}) for page in ("/", "/", "/cart")]
        put(store, *pages, received_ms=at_ms)


def test_hours_that_are_over_are_added_up(lite: Store, engine: Engine) -> None:
    over_hours(lite, [0, 0, 1, 3, 3.5])
    project(lite, engine)

    more = [engine.add_up_hours(limit=2), engine.add_up_hours(limit=2)]

    last = RECEIVED_MS // HOUR_MS * HOUR_MS + 3 * HOUR_MS
    assert more == [True, False]
    assert added_up(engine) == in_hours(engine, before_ms=last)
    assert added_up(engine).total() == 9


def test_a_late_event_removes_the_sums_of_its_hour(lite: Store, engine: Engine) -> None:
    over_hours(lite, [0, 1, 3.5])
    started = project(lite, engine)
    engine.add_up_hours(limit=9)
    late_ms = RECEIVED_MS + 1
    put(lite, sent(at_ms=late_ms), received_ms=late_ms + 4 * HOUR_MS)
    while started.step():
        pass
    without = added_up(engine)
    engine.add_up_hours(limit=9)

    first = RECEIVED_MS // HOUR_MS * HOUR_MS
    assert {row[0] for row in without} == {first + HOUR_MS}
    assert added_up(engine) == in_hours(engine, before_ms=first + 3 * HOUR_MS)


def test_removed_batches_leave_the_sums_of_hours(lite: Store, engine: Engine) -> None:
    over_hours(lite, [0, 1, 1.2, 3.5])
    started = project(lite, engine)
    engine.add_up_hours(limit=9)
    remove(lite, HOUR_MS + 1)
    started.delete_removed()
    without = added_up(engine)
    engine.add_up_hours(limit=9)

    assert without.total() == 0
    assert added_up(engine) == in_hours(engine, before_ms=RECEIVED_MS + 2 * HOUR_MS)
    assert added_up(engine).total() == 3


def test_web_vitals_and_navigations_have_a_second_row(store: Store, engine: Engine) -> None:
    a_day(store)
    project(store, engine, chunk_events=7)
    expected = Counter(
        tuple(getattr(row, column.name) for column in vitals.c)
        for row in rows(engine)
        if row.kind in VITALS and row.value is not None
    )

    assert expected == Counter(engine.query(select(vitals)))
    assert 0 < expected.total() < len(rows(engine))


def test_ten_thousand_pages_are_told_apart(lite: Store, engine: Engine) -> None:
    words = [f"/{first}/{second}" for first in _words() for second in _words()][:10_000]
    for start in range(0, 10_000, 500):
        put(lite, *(sent(metadata={"pageId": page}) for page in words[start : start + 500]))

    project(lite, engine)

    pages = select(func.count(events.c.page.distinct()), func.count())
    assert engine.query(pages) == [(10_000, 10_000)]


def _words() -> list[str]:
    return [first + second for first in "abcdefghij" for second in "klmnopqrst"]


def test_events_of_a_deleted_app_monitor_are_not_projected(lite: Store, engine: Engine) -> None:
    other = lite.monitors.create("b" * 36, "b", "{}").key
    put(lite, sent())
    put(lite, sent(), monitor=other)
    started = project(lite, engine)
    before = engine.app_monitors()
    lite.monitors.delete(other)

    started.delete_absent()
    put(lite, sent(), monitor=other)
    while started.step():
        pass

    assert before == {1, other}
    assert engine.app_monitors() == {1}
    assert started.freshness().lag_ms == 0


def test_a_new_app_monitor_is_projected(lite: Store, engine: Engine) -> None:
    started = projection(lite, engine)
    other = lite.monitors.create("b" * 36, "b", "{}").key
    put(lite, sent(), monitor=other)
    while started.step():
        pass

    assert engine.app_monitors() == {other}


def test_metrics_that_an_app_monitor_defines_have_a_value_for_each_matching_event(
    lite: Store, engine: Engine
) -> None:
    other = lite.monitors.create("b" * 36, "b", "{}").key
    definition = {
        "Name": "SlowCarts",
        "Namespace": "Shop",
        "EventPattern": json.dumps(
            {"event_type": ["cart"], "event_details": {"ms": [{"numeric": [">", 10]}]}}
        ),
        "ValueKey": "event_details.ms",
        "DimensionKeys": {"metadata.tier": "Tier"},
    }
    lite.metrics.put_destination(1, "CloudWatch", "", None)
    (destination,) = lite.metrics.list_destinations(1, after=0, limit=1)
    record = MetricDefinitionRecord("id", json.dumps(definition), b"digest")
    lite.metrics.create_definitions(destination.key, [record], limit=10)
    for monitor in (1, other):
        put(
            lite,
            sent("cart", details={"ms": 5}),
            sent("cart", details={"ms": 50.5}, metadata={"tier": "gold"}),
            sent("other", details={"ms": 50}),
            sent("cart", details="text"),
            sent("cart", details={"ms": 20}),
            monitor=monitor,
        )

    project(lite, engine)

    row = CustomMetricRow(
        1, "id", "SlowCarts", "Shop", RECEIVED_MS - 1_000, 50.5, '{"Tier": "gold"}', 1
    )
    found = engine.query(select(custom_metrics).order_by(custom_metrics.c.value.desc()))
    assert [row, row._replace(value=20.0, dimensions="{}")] == [
        CustomMetricRow(*values) for values in found
    ]


def test_metrics_and_dimensions_know_the_browser_of_a_user_agent(
    lite: Store, engine: Engine
) -> None:
    definition = {
        "Name": "Firefox",
        "EventPattern": json.dumps(
            {"event_type": ["cart"], "metadata": {"browserName": ["Firefox"]}}
        ),
        "DimensionKeys": {"metadata.osName": "System"},
    }
    lite.metrics.put_destination(1, "CloudWatch", "", None)
    (destination,) = lite.metrics.list_destinations(1, after=0, limit=1)
    record = MetricDefinitionRecord("id", json.dumps(definition), b"digest")
    lite.metrics.create_definitions(destination.key, [record], limit=10)
    user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
    session = json.dumps({"aws:userAgent": user_agent})
    named = sent("cart", metadata={"browserName": "Edge"})
    put(lite, sent("cart", metadata={}), named, session_metadata=session)

    project(lite, engine)

    found = engine.query(select(custom_metrics.c.value, custom_metrics.c.dimensions))
    assert [tuple(row) for row in found] == [(1.0, '{"System": "Linux"}')]
    assert [(row.browser, row.os) for row in rows(engine)] == [("Firefox", "Linux"), ("Edge", "")]


def test_freshness_tells_what_is_missing_and_for_how_long(lite: Store, engine: Engine) -> None:
    started = Projection(lite, engine, clock=lambda: RECEIVED_MS / 1000 + 3)
    started.start()
    empty = started.freshness()
    put(lite, sent())
    put(lite, sent(), received_ms=RECEIVED_MS + 2_000)
    waiting = started.freshness()
    while started.step():
        pass
    done = started.freshness()

    newest = lite.log.newest_sequence()
    assert (empty.projected_sequence, empty.log_sequence, empty.lag_ms) == (0, 0, 0)
    assert (waiting.projected_sequence, waiting.log_sequence, waiting.lag_ms) == (0, newest, 3_000)
    assert (done.projected_sequence, done.log_sequence, done.lag_ms) == (newest, newest, 0)
    assert (done.events, done.updated_ms) == (2, RECEIVED_MS + 3_000)


def test_a_projection_that_is_ahead_of_its_log_is_built_again(lite: Store, engine: Engine) -> None:
    """Somebody deleted the log and kept the projection."""
    put(lite, sent())
    engine.write(chunk(event_row(900)), after=Place(0), until=Place(900), now_ms=7)

    project(lite, engine)

    assert [lite.log.newest_sequence()] == [row.sequence for row in rows(engine)]


def test_a_batch_that_cannot_be_decoded_has_no_rows(lite: Store, engine: Engine) -> None:
    put(lite, sent())
    lite.log.append([Batch(1, bytes(16), RECEIVED_MS, RECEIVED_MS, RECEIVED_MS, 1, b"\xff")])
    put(lite, sent())
    project(lite, engine)

    assert [row.sequence for row in rows(engine)] == [1, 3]
    assert engine.cursor().place == Place(3)
    assert lite.damaged.met == 1


def test_a_batch_that_is_damaged_while_a_part_of_it_is_projected_keeps_this_part(
    lite: Store, engine: Engine, tmp_path: Path
) -> None:
    put(lite, sent(), sent(), sent())
    put(lite, sent())
    started = projection(lite, engine, chunk_events=2)
    started.step()
    damage(f"sqlite:///{tmp_path / 'lite.sqlite3'}", 1, two_flipped_bytes)
    while started.step():
        pass

    assert [(row.sequence, row.position) for row in rows(engine)] == [(1, 0), (1, 1), (2, 0)]
    assert engine.cursor().place == Place(2)
    assert lite.damaged.met == 1
