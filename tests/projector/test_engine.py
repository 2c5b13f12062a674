"""Every engine keeps the guarantees of `Engine`."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import func, literal_column, select, text

from rum_projector.engines.base import (
    CustomMetricRow,
    Engine,
    EngineError,
    ErrorGroupRow,
    EventRow,
    Place,
    QueryTimeoutError,
)
from rum_projector.engines.duckdb import open_duckdb
from rum_projector.event_counts import counts_of_events
from rum_projector.schema import COUNTERS, custom_metrics, error_groups, event_counts, events
from rum_service.events.measures import Kind
from tests.support.projection_rows import chunk, error_group, event_row

HOSTILE = "'; DROP TABLE events; --\x00 ☃ 🦆 \u202e"


def stored(engine: Engine) -> list[EventRow]:
    order = (events.c.sequence, events.c.position)
    return [EventRow(*row) for row in engine.query(select(events).order_by(*order))]


def test_a_new_engine_is_empty(engine: Engine) -> None:
    assert (engine.cursor().place, engine.cursor().events) == (Place(0), 0)
    assert stored(engine) == []
    assert engine.app_monitors() == set()


def test_rows_are_read_back_unchanged(engine: Engine) -> None:
    rows = [
        event_row(1, 0),
        event_row(
            2**40,
            2**31,
            ts=-5,
            received=2**45,
            kind=Kind.LCP,
            type="custom",
            browser_major=65_535,
            page_view="/-0",
            value=0.1,
            name="n",
            status=599,
            size=2**40,
            message="m",
            detail="d",
            parts=(1.5, 0.0, 2.25, 1e12),
        ),
        event_row(2**40, 2**31 + 1, value=0.0, status=0, size=0, parts=(1.0,) * 7),
    ]

    engine.write(chunk(*rows), after=Place(0), until=Place(2**40), now_ms=7)

    assert rows == [
        row._replace(parts=None if row.parts is None else tuple(row.parts))
        for row in stored(engine)
    ]


def test_a_value_that_only_the_last_row_has_is_kept(engine: Engine) -> None:
    """DuckDB derives the types of columns from their first values, unless told not to."""
    rows = [event_row(1, number) for number in range(3_000)]
    rows[-1] = rows[-1]._replace(name="2024", message="m", value=1.5, status=404, parts=(1.0, 2.0))

    engine.write(chunk(*rows), after=Place(0), until=Place(1), now_ms=7)

    last = stored(engine)[-1]
    assert (
        last.name,
        last.message,
        last.value,
        last.status,
        last.parts,
    ) == ("2024", "m", 1.5, 404, [1.0, 2.0])


def test_text_of_clients_is_data(engine: Engine) -> None:
    hostile = HOSTILE.replace("\x00", "")
    engine.write(
        chunk(event_row(page=hostile, user=hostile), error_group(title=hostile)),
        after=Place(0),
        until=Place(1),
        now_ms=7,
    )

    found = engine.query(select(events.c.user).where(events.c.page == hostile))

    assert [(hostile,)] == found
    assert [(hostile,)] == engine.query(select(error_groups.c.title))


def test_the_cursor_moves_with_the_rows(engine: Engine) -> None:
    engine.write(chunk(event_row(1), event_row(2)), after=Place(0), until=Place(3), now_ms=7)
    engine.write(chunk(event_row(4)), after=Place(3), until=Place(4), now_ms=8)

    cursor = engine.cursor()

    assert (cursor.place, cursor.events, cursor.updated_ms) == (Place(4), 3, 8)


def test_a_write_after_another_position_changes_nothing(engine: Engine) -> None:
    """Another process has written the same batches."""
    engine.write(chunk(event_row(1)), after=Place(0), until=Place(1), now_ms=7)

    with pytest.raises(EngineError, match="cursor"):
        engine.write(chunk(event_row(1), error_group()), after=Place(0), until=Place(1), now_ms=8)

    assert [event_row(1)] == stored(engine)
    assert engine.query(select(error_groups)) == []
    assert engine.cursor().updated_ms == 7


def test_the_cursor_can_be_inside_a_batch(engine: Engine) -> None:
    engine.write(chunk(event_row(1, 0)), after=Place(0), until=Place(1, 1), now_ms=7)
    engine.write(chunk(event_row(1, 1)), after=Place(1, 1), until=Place(1, 2), now_ms=7)
    inside = engine.cursor().place
    for other in (Place(1), Place(1, 1)):
        with pytest.raises(EngineError, match="cursor"):
            engine.write(chunk(event_row(1, 1)), after=other, until=Place(2), now_ms=7)
    engine.write(chunk(event_row(1, 2)), after=inside, until=Place(1), now_ms=7)

    assert inside == Place(1, 2)
    assert engine.cursor().place == Place(1)
    assert [event_row(1, position) for position in range(3)] == stored(engine)


def test_replacing_a_batch_moves_the_cursor_to_its_end(engine: Engine) -> None:
    engine.write(chunk(event_row(1), event_row(2)), after=Place(0), until=Place(2, 1), now_ms=7)
    engine.replace(chunk(event_row(1)), sequences=[1], after=0, change=1, now_ms=7)
    other = engine.cursor().place
    rows = [event_row(2, position) for position in range(3)]
    engine.replace(chunk(*rows), sequences=[2], after=1, change=2, now_ms=7)

    assert other == Place(2, 1)
    assert engine.cursor().place == Place(2)
    assert [event_row(1), *rows] == stored(engine)


def test_a_failed_write_changes_nothing(engine: Engine) -> None:
    broken = error_group(title=None)

    with pytest.raises(EngineError):
        engine.write(chunk(event_row(1), broken), after=Place(0), until=Place(1), now_ms=7)

    assert stored(engine) == []
    assert engine.cursor().place == Place(0)


def test_the_error_of_a_failed_write_has_no_data_of_visitors(engine: Engine) -> None:
    """It is logged."""
    broken = error_group(title=None, fingerprint="private")

    with pytest.raises(EngineError) as raised:
        engine.write(chunk(broken), after=Place(0), until=Place(1), now_ms=7)

    assert "private" not in str(raised.value)


def test_an_error_group_keeps_its_earliest_error(engine: Engine) -> None:
    versions = [
        error_group(first_ms=500, title="first", sample_sequence=1),
        error_group(first_ms=700, title="later", sample_sequence=2),
        error_group(first_ms=500, title="at the same time", sample_sequence=3),
        error_group(first_ms=400, title="earlier", first_release="0.9", sample_sequence=4),
        error_group(monitor=2, first_ms=100, title="of another app monitor"),
    ]
    for number, version in enumerate(versions):
        engine.write(chunk(version), after=Place(number), until=Place(number + 1), now_ms=7)

    found = engine.query(select(error_groups).order_by(error_groups.c.monitor))

    assert [versions[3], versions[4]] == [ErrorGroupRow(*row) for row in found]


def test_values_of_custom_metrics_are_read_back(engine: Engine) -> None:
    row = CustomMetricRow(1, "id", "Name", "NS", 1_000, 2.5, '{"page":"/"}', 7)
    added = chunk()
    added.custom_metrics.append(row)
    engine.write(added, after=Place(0), until=Place(1), now_ms=7)

    assert [row] == [CustomMetricRow(*found) for found in engine.query(select(custom_metrics))]


def test_clear_deletes_all_rows_and_moves_the_cursor_to_the_start(engine: Engine) -> None:
    engine.write(chunk(event_row(1), error_group()), after=Place(0), until=Place(9), now_ms=7)

    engine.clear(rebuild_until=12, now_ms=8)

    assert stored(engine) == []
    assert engine.query(select(error_groups)) == []
    cursor = engine.cursor()
    assert (
        cursor.place,
        cursor.events,
        cursor.rebuild_until,
        cursor.updated_ms,
    ) == (Place(0), 0, 12, 8)
    engine.write(chunk(event_row(1), error_group()), after=Place(0), until=Place(1), now_ms=9)
    assert [event_row(1)] == stored(engine)


def test_the_rows_of_deleted_app_monitors_are_deleted(engine: Engine) -> None:
    engine.write(
        chunk(*(event_row(key, monitor=key) for key in (1, 2, 3)), error_group(monitor=4)),
        after=Place(0),
        until=Place(3),
        now_ms=7,
    )
    before = engine.app_monitors()

    engine.delete_app_monitors({1, 3, 4})

    assert before == {1, 2, 3, 4}
    assert [event_row(2, monitor=2)] == stored(engine)
    assert engine.query(select(event_counts.c.monitor)) == [(2,)]
    assert engine.app_monitors() == {2}
    assert (engine.cursor().place, engine.cursor().events) == (Place(3), 1)


def test_a_slow_query_is_stopped_and_the_next_one_works(engine: Engine) -> None:
    numbers = text("SELECT range FROM range(3000000000)").columns(literal_column("range"))
    slow = select(func.sum(func.sin(numbers.subquery().c.range)))

    with pytest.raises(QueryTimeoutError):
        engine.query(slow, timeout_s=0.2)

    assert engine.query(select(func.count()).select_from(events)) == [(0,)]


def test_queries_see_whole_transactions_while_rows_are_written(engine: Engine) -> None:
    stop = threading.Event()
    count = select(func.count(), func.max(events.c.sequence)).select_from(events)

    def read() -> list[tuple[int, int | None]]:
        seen = []
        while not stop.is_set():
            seen += [(found[0], found[1]) for found in engine.query(count)]
        return seen

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for number in range(30):
                rows = [event_row(number + 1, position) for position in range(100)]
                engine.write(chunk(*rows), after=Place(number), until=Place(number + 1), now_ms=7)
        finally:
            stop.set()

    seen = [pair for reader in readers for pair in reader.result()]
    assert seen
    assert [pair for pair in seen if pair[0] != 100 * (pair[1] or 0)] == []


def test_the_statements_of_a_snapshot_see_the_same_rows(engine: Engine) -> None:
    count = select(func.count(), func.max(events.c.sequence)).select_from(events)
    engine.write(chunk(event_row(1)), after=Place(0), until=Place(1), now_ms=7)

    with engine.snapshot(timeout_s=5) as query:
        before = query(count)
        engine.write(chunk(event_row(2)), after=Place(1), until=Place(2), now_ms=7)
        later = query(count)
        engine.clear(rebuild_until=2, now_ms=8)
        cleared = query(count)

    assert before == later == cleared == [(1, 1)]
    assert engine.query(count) == [(0, None)]


def test_a_later_statement_of_a_snapshot_is_stopped(engine: Engine) -> None:
    numbers = text("SELECT range FROM range(3000000000)").columns(literal_column("range"))
    slow = select(func.sum(func.sin(numbers.subquery().c.range)))
    count = select(func.count()).select_from(events)

    with engine.snapshot(timeout_s=1) as query:
        first = query(count)
        with pytest.raises(QueryTimeoutError):
            query(slow)

    assert first == engine.query(count) == [(0,)]


def test_a_snapshot_that_took_too_long_runs_no_statement(engine: Engine) -> None:
    count = select(func.count()).select_from(events)

    with engine.snapshot(timeout_s=0) as query, pytest.raises(QueryTimeoutError):
        query(count)

    assert engine.query(count) == [(0,)]


@pytest.mark.parametrize("alone", [True, False])
def test_setting_stop_ends_the_statements_of_a_snapshot(engine: Engine, alone: bool) -> None:
    numbers = text("SELECT range FROM range(3000000000)").columns(literal_column("range"))
    slow = select(func.sum(func.sin(numbers.subquery().c.range)))
    count = select(func.count()).select_from(events)
    stop = threading.Event()
    opened = threading.Barrier(3)

    def read() -> None:
        with engine.snapshot(timeout_s=600, alone=alone, stop=stop) as query:
            opened.wait(30)
            with pytest.raises(QueryTimeoutError):
                query(slow)
            with pytest.raises(QueryTimeoutError):
                query(count)

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        opened.wait(30)
        stop.set()
        for reader in readers:
            reader.result(60)

    assert engine.query(count) == [(0,)]


def test_a_query_can_run_while_the_projection_is_cleared(engine: Engine) -> None:
    rows = [event_row(1, position) for position in range(1_000)]
    stop = threading.Event()

    def read() -> set[int]:
        counts = set()
        while not stop.is_set():
            counts.update(found for (found,) in engine.query(select(func.count(events.c.page))))
        return counts

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            for _ in range(20):
                engine.write(chunk(*rows), after=Place(0), until=Place(1), now_ms=7)
                engine.clear(rebuild_until=0, now_ms=8)
        finally:
            stop.set()

    assert reader.result() <= {0, 1_000}


def test_the_size_is_that_of_the_files(engine: Engine) -> None:
    assert engine.size_bytes() > 0


def test_a_file_that_duckdb_shortened_is_continued(tmp_path: Path) -> None:
    """DuckDB removes free blocks from the end of the file, but still counts them."""
    file = tmp_path / "insight.duckdb"
    many = [event_row(1, number, session=str(number * 7919)) for number in range(130_000)]

    def reopened() -> tuple[Engine, Path | None]:
        return open_duckdb(file, name="log", memory_bytes=64 << 20, newest=0, now_ms=0)

    for number, rows in enumerate([many, [event_row(1)], [event_row(2)]]):
        opened, _ = reopened()
        if number == 1:
            opened.clear(rebuild_until=1, now_ms=7)
        opened.write(chunk(*rows), after=Place(number // 2), until=Place(number or 1), now_ms=7)
        opened.close()
    with duckdb.connect(file) as connection:
        sql = "SELECT block_size * total_blocks FROM pragma_database_size()"
        ((counted,),) = connection.execute(sql).fetchall()

    again, aside = reopened()
    with closing(again):
        found = stored(again)

    assert file.stat().st_size < counted
    assert aside is None
    assert [event_row(1), event_row(2)] == found


def test_counts_of_minutes_are_those_of_the_events(engine: Engine) -> None:
    """Arrays count new events, and SQL counts those of partial minutes."""
    values = (
        None,
        0.0,
        0.1,
        0.25,
        100.0,
        200.0,
        300.0,
        1_800.0,
        2_000.0,
        2_500.0,
        3_000.0,
        8_001.0,
    )
    kinds = [(kind, value, None) for kind in Kind for value in values]
    statuses = [(Kind.HTTP, 1.0, status) for status in (None, 0, 200, 399, 400, 499, 500, 599, 600)]
    rows = [
        event_row(1, number, ts=number * 7_000, kind=kind, value=value, status=status)
        for number, (kind, value, status) in enumerate([*kinds, *statuses])
    ]

    engine.write(chunk(*rows), after=Place(0), until=Place(1), now_ms=7)

    minutes, each = (
        engine.query(
            select(
                table.c.ts.op("//")(literal_column("60000")).label("minute"),
                *(
                    func.coalesce(func.sum(table.c[name]), 0)
                    for name in ("payload_bytes", *COUNTERS)
                ),
            )
            .group_by(literal_column("minute"))
            .order_by(literal_column("minute"))
        )
        for table in (event_counts, counts_of_events().subquery())
    )
    assert len(minutes) > 10
    assert minutes == each
    assert all(sum(row[number] for row in minutes) for number in range(1, len(COUNTERS) + 2))
