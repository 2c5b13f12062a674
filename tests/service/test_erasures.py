"""A user or a session is erased from the log, and a proof of it is kept."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, update
from zstandard import ZstdCompressor

from rum.operator.v1 import operator_service_pb2 as pb
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, DeleteAppMonitorRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.composition.service import Service
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.events.subjects import Subject
from rum_service.ingest.log_check import LogCheck
from rum_service.storage import inspect_database, open_store
from rum_service.storage.base import Store
from rum_service.storage.inspection import LogRow
from rum_service.storage.records import Appended, ErasureRecord
from rum_service.storage.schema import batches, counted_batches, stored_bytes
from rum_service.storage.sql_erasures import SqlErasures
from tests.support.batches import message, new_id, put_of
from tests.support.databases import migrated_sqlite
from tests.support.logged import read
from tests.support.services import settings_in, started

USER = "0a1b2c3d-4e5f-4789-8abc-def012345678"
OTHER = "11111111-4e5f-4789-8abc-def012345678"
SESSION = "5e551011-4e5f-4789-8abc-def012345678"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with no rows."""
    if request.param == "sqlite":
        return migrated_sqlite(tmp_path / "openrum.sqlite3")
    return str(request.getfixturevalue("migrated_postgres"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@asynccontextmanager
async def running(folder: Path, store: Store) -> AsyncIterator[tuple[Service, str]]:
    """Run a service with the app monitor `shop`, and yield it and the ID of that."""
    async with started(store, settings_in(folder)) as service:
        record = store.monitors.by_name("shop")
        if record is None:
            request = CreateAppMonitorRequest(name="shop", domain="localhost")
            request.custom_events.status = "ENABLED"
            yield service, await service.app_monitors.create(request)
        else:
            yield service, record.id


def batch(
    monitor_id: str, *texts: str, user: str | None = None, session: str | None = None
) -> PutRumEventsRequest:
    """Return a batch with an event for each text of details."""
    request = message(monitor_id, 0)
    request.rum_events.extend(
        RumEvent(id=new_id(), timestamp=1_700_000_000 + number, type="t", details=text)
        for number, text in enumerate(texts)
    )
    if user:
        request.user_details.user_id = user
    if session:
        request.user_details.session_id = session
    return request


async def put(service: Service, *requests: PutRumEventsRequest) -> list[object]:
    return list(await service.ingest.put_many([put_of(request) for request in requests]))


async def erase(service: Service, **subject: str) -> pb.Erasure:
    """Erase to the end."""
    request = pb.StartErasureRequest(app_monitor_name="shop", subject=pb.ErasureSubject(**subject))
    begun = await service.erasures.start(request, erased_by="a test")
    return await finished(service, begun.id)


async def finished(service: Service, erasure_id: int) -> pb.Erasure:
    async with asyncio.timeout(60):
        while True:
            found = await service.erasures.get(pb.GetErasureRequest(id=erasure_id))
            if found.HasField("finish_time"):
                return found
            await asyncio.sleep(0.01)


def logged(store: Store, key: int = 1) -> list[PutRumEventsRequest]:
    """Return all batches of the log, oldest first."""
    found = read(store.log, key, limit=1_000_000)
    return [PutRumEventsRequest.FromString(each.content) for each in reversed(found)]


def begin(store: Store, subject: str = USER) -> ErasureRecord:
    """Begin an erasure that no service works on."""
    return store.erasures.begin(
        1, "shop", kind="user", subject=subject, digest=bytes(32), erased_by="x", now_ms=0
    )


def damage(url: str, sequence: int, payload: bytes) -> None:
    """Replace the payload of a stored batch. The bytes of all batches are counted again."""
    engine = create_engine(url)
    change = update(batches).where(batches.c.sequence == sequence).values(payload=payload)
    with engine.begin() as connection:
        assert connection.execute(change).rowcount == 1
        connection.execute(update(counted_batches).values(sequence=0))
        connection.execute(update(stored_bytes).values(bytes=0))
    engine.dispose()


def problems(url: str) -> Sequence[str]:
    """Return what `openrum db check` says about the batches and their sums."""
    store, inspection = inspect_database(url)
    with closing(inspection):
        sums, counted = inspection.sums()
        monitors = {record.key: record.id for record in store.monitors.list(after="", limit=1_000)}
        check = LogCheck(monitors, counted=counted, now_ms=0)
        rows = inspection.rows(after=0, newest=inspection.newest(), limit=100_000)
        found = [problem for row in rows for problem in check.problems(row)]
        assert {key: check.sizes[key] for key in sums} == sums
        return found


async def test_batches_of_a_user_are_emptied_and_others_are_kept(
    tmp_path: Path, url: str, store: Store
) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        own = [batch(monitor_id, '{"n":1}', '{"n":2}', user=USER) for _ in range(3)]
        others = [batch(monitor_id, '{"n":3}') for _ in range(3)]
        await put(service, own[0], others[0], own[1], others[1])
        await put(service, others[2], own[2])

        proof = await erase(service, user_id=USER.upper())

        assert [each for each in logged(store) if each.rum_events] == others
        assert len(logged(store)) == 6
        assert USER not in str(logged(store))
        amount = proof.amount
        assert (amount.deleted_batches, amount.rewritten_batches, amount.events) == (3, 0, 6)
        assert problems(url) == []


async def test_batches_that_mix_users_are_rewritten(tmp_path: Path, url: str, store: Store) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        named = json.dumps({"url": f"https://shop.example/users/{USER}"})
        mixed = batch(monitor_id, '{"n":1}', named, '{"n":2}', named)
        single = batch(monitor_id, named)
        await put(service, mixed, single)

        proof = await erase(service, user_id=USER)

        del mixed.rum_events[3], mixed.rum_events[1]
        first, second = logged(store)
        assert first == mixed
        assert (second.batch_id, list(second.rum_events)) == (single.batch_id, [])
        amount = proof.amount
        assert (amount.deleted_batches, amount.rewritten_batches, amount.events) == (1, 1, 3)
        assert problems(url) == []


async def test_a_session_is_erased_and_other_sessions_of_its_user_are_kept(
    tmp_path: Path, store: Store
) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        own = batch(monitor_id, "{}", user=USER, session=SESSION)
        other = batch(monitor_id, "{}", user=USER)
        await put(service, own, other)

        proof = await erase(service, session_id=SESSION)

        assert [[], [other.rum_events[0]]] == [list(each.rum_events) for each in logged(store)]
        assert proof.subject_kind == "session"


async def test_a_retry_of_an_erased_batch_stores_nothing(tmp_path: Path, store: Store) -> None:
    named = json.dumps({"user": USER})
    async with running(tmp_path, store) as (service, monitor_id):
        own = batch(monitor_id, "{}", user=USER)
        mixed = batch(monitor_id, "{}", named)
        await put(service, own, mixed)
        await erase(service, user_id=USER)
        before = logged(store)

        retried = await put(service, own, mixed)
        changed = batch(monitor_id, '{"other":1}', user=USER)
        changed.batch_id = own.batch_id
        conflict = await put(service, changed)
        again = await erase(service, user_id=USER)

        assert retried == [Appended.DUPLICATE, Appended.DUPLICATE]
        assert [ValidationException] == [type(error) for error in conflict]
        assert logged(store) == before
        assert (again.amount.events, again.amount.stored_bytes) == (0, 0)


async def test_a_retry_is_recognized_after_events_were_dropped_and_others_erased(
    tmp_path: Path, url: str, store: Store
) -> None:
    async with running(tmp_path, store) as (service, _):
        request = CreateAppMonitorRequest(name="strict", domain="localhost")
        monitor_id = await service.app_monitors.create(request)
        sent = batch(monitor_id, "{}", "{}", json.dumps(USER))
        sent.rum_events[0].type = sent.rum_events[2].type = "com.amazon.rum.page_view_event"
        await put(service, sent)
        start = pb.StartErasureRequest(
            app_monitor_name="strict", subject=pb.ErasureSubject(user_id=USER)
        )
        begun = await service.erasures.start(start, erased_by="a test")
        await finished(service, begun.id)

        retried = await put(service, sent)

        assert retried == [Appended.DUPLICATE]
        (left,) = logged(store, 2)
        assert [sent.rum_events[0]] == list(left.rum_events)
        assert store.log.dropped_events([2]) == {2: 1}
        assert problems(url) == []


async def test_the_proof_tells_what_was_erased_and_by_whom(
    tmp_path: Path, url: str, store: Store
) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        # More than one transaction counts, and more than one step searches.
        for start in range(0, 1500, 100):
            await put(
                service,
                *(
                    batch(monitor_id, "{}", user=USER if number % 10 == 0 else None)
                    for number in range(start, start + 100)
                ),
            )
        while store.usage.count():
            pass
        before = store.usage.read()[1].stored_bytes
        newest = store.log.newest_sequence()
        proof = await erase(service, user_id=USER)
        listed = await service.erasures.list(pb.ListErasuresRequest())
        key = (await service.app_monitors.by_name("shop")).key
        await service.app_monitors.delete(DeleteAppMonitorRequest(name="shop"))
        kept = await service.erasures.list(pb.ListErasuresRequest())
    stored = store.erasures.by_key(proof.id)

    assert proof.app_monitor_name == "shop"
    assert proof.subject_sha256 == hashlib.sha256(USER.encode()).hexdigest()
    assert (proof.erased_by, proof.through_sequence) == ("a test", newest)
    assert (proof.amount.deleted_batches, proof.amount.events) == (150, 150)
    assert not proof.HasField("progress")
    assert proof.start_time.ToMilliseconds() <= proof.finish_time.ToMilliseconds()
    assert proof.amount.stored_bytes > 0
    assert before - proof.amount.stored_bytes == before - stored.bytes if stored else False
    assert [proof] == list(listed.erasures) == list(kept.erasures)
    assert stored and (stored.app_monitor, stored.subject) == (key, None)


async def test_the_usage_is_that_of_the_remaining_bytes(
    tmp_path: Path, url: str, store: Store
) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        requests = [batch(monitor_id, "{}" * 40, user=USER) for _ in range(1100)]
        await put(service, *requests)
        counted = store.usage.count()
        await put(service, batch(monitor_id, "{}" * 40, user=USER))
        before = store.usage.read()[1].stored_bytes
        proof = await erase(service, user_id=USER)
        after = store.usage.read()[1].stored_bytes

        assert not counted
        assert before - after == proof.amount.stored_bytes > 0
        assert problems(url) == []


async def test_a_preview_counts_the_same_and_changes_nothing(tmp_path: Path, store: Store) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        own = [batch(monitor_id, "{}", "{}", user=USER) for _ in range(70)]
        mixed = [batch(monitor_id, "{}", json.dumps(USER)) for _ in range(70)]
        await put(service, *own, *mixed)
        before = logged(store)
        request = pb.PreviewErasureRequest(
            app_monitor_name="shop", subject=pb.ErasureSubject(user_id=USER)
        )
        found = await service.erasures.preview(request)
        unchanged = logged(store)
        proof = await erase(service, user_id=USER)

    assert found.next_page_token == ""
    assert found.progress == pb.ErasureProgress(searched=140, total=140)
    assert unchanged == before
    expected = pb.ErasedAmount(deleted_batches=70, rewritten_batches=70, events=210)
    assert found.amount == expected
    proof.amount.ClearField("stored_bytes")
    assert proof.amount == expected


async def test_a_preview_continues_from_page_to_page(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rum_service.control.erasures._PAGE_S", 0.0)
    monkeypatch.setattr("rum_service.control.erasure_search._BATCHES_PER_STEP", 10)
    request = pb.PreviewErasureRequest(
        app_monitor_name="shop", subject=pb.ErasureSubject(user_id=USER)
    )
    total = pb.ErasedAmount()
    searched = []
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, *(batch(monitor_id, "{}", user=USER) for _ in range(25)))
        while True:
            page = await service.erasures.preview(request)
            total.deleted_batches += page.amount.deleted_batches
            searched.append(page.progress.searched)
            await put(service, batch(monitor_id, "{}", user=USER))  # not searched
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token

    assert total.deleted_batches == 25
    assert searched == sorted(searched)
    assert len(searched) >= 3
    assert page.progress == pb.ErasureProgress(searched=25, total=25)


async def test_batches_that_arrive_after_the_start_are_kept_until_the_next_erasure(
    tmp_path: Path, store: Store
) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, batch(monitor_id, "{}", user=USER))
        first = begin(store)
        newest = store.log.newest_sequence()
        await put(service, batch(monitor_id, "{}", user=USER))
    async with running(tmp_path, store) as (service, _):
        resumed = await finished(service, first.key)
        kept = sum(len(each.rum_events) for each in logged(store))
        second = await erase(service, user_id=USER)
    later = store.log.newest_sequence()

    assert newest < later
    assert (resumed.amount.events, kept, second.amount.events) == (1, 1, 1)
    assert (resumed.through_sequence, second.through_sequence) == (newest, later)


async def test_an_interrupted_erasure_continues_at_the_next_start(
    tmp_path: Path, url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rum_service.control.erasure_search._BATCHES_PER_STEP", 5)
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, *(batch(monitor_id, "{}", user=USER) for _ in range(200)))
        request = pb.StartErasureRequest(
            app_monitor_name="shop", subject=pb.ErasureSubject(user_id=USER)
        )
        begun = await service.erasures.start(request, erased_by="a test")
        while store.erasures.by_key(begun.id).events == 0:  # type: ignore[union-attr]
            await asyncio.sleep(0)
    half = store.erasures.by_key(begun.id)
    async with running(tmp_path, store) as (service, _):
        proof = await finished(service, begun.id)

    assert half and half.finished_ms is None and 0 < half.events < 200
    assert half.subject == USER
    assert (proof.amount.deleted_batches, proof.amount.events) == (200, 200)
    assert problems(url) == []


async def test_the_progress_is_known_and_noted_where_nothing_matches(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rum_service.control.erasure_search._BATCHES_PER_STEP", 1)
    monkeypatch.setattr("rum_service.control.erasure_runner._STEPS_PER_NOTE", 10)
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, *(batch(monitor_id, "{}") for _ in range(100)))
        request = pb.StartErasureRequest(
            app_monitor_name="shop", subject=pb.ErasureSubject(user_id=USER)
        )
        begun = await service.erasures.start(request, erased_by="a test")
        searched, noted = set(), set()
        async with asyncio.timeout(60):
            while True:
                found = await service.erasures.get(pb.GetErasureRequest(id=begun.id))
                searched.add((found.progress.searched, found.progress.total))
                noted.add(store.erasures.by_key(begun.id).below_sequence)  # type: ignore[union-attr]
                if found.HasField("finish_time"):
                    break

    assert not found.HasField("progress")
    assert {total for _, total in searched - {(0, 0)}} == {100}
    assert len(searched) > 5
    assert len(noted) > 3


async def test_a_service_continues_what_another_one_has_left(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rum_service.control.erasure_runner._LOOK_S", 0.01)
    looks: list[int] = []

    def unfinished() -> Sequence[ErasureRecord]:
        looks.append(1)
        return find()

    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, batch(monitor_id, "{}", user=USER))
        await erase(service, user_id=OTHER)  # what the start continues has ended
        now_ms = round(time.time() * 1000)
        held_ms = now_ms + 60_000
        with monkeypatch.context() as patch:  # before this service looks
            patch.setattr(SqlErasures, "unfinished", lambda _: [])
            begun = begin(store)
            assert store.erasures.claim(begun.key, now_ms=now_ms, until_ms=held_ms, held_ms=None)
        find = store.erasures.unfinished
        monkeypatch.setattr(store.erasures, "unfinished", unfinished)
        async with asyncio.timeout(60):
            while len(looks) < 5:
                await asyncio.sleep(0.01)
        claimed = store.erasures.by_key(begun.key)
        seen = [record.key for record in service.erasure_runner.unfinished]
        assert store.erasures.claim(begun.key, now_ms=now_ms, until_ms=now_ms, held_ms=held_ms)
        proof = await finished(service, begun.key)

    assert claimed and claimed.events == 0
    assert seen == [begun.key]
    assert proof.amount.events == 1


async def test_a_service_has_the_claim_until_it_stops(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rum_service.control.erasure_search._BATCHES_PER_STEP", 1)
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, *(batch(monitor_id, "{}", user=USER) for _ in range(500)))
        request = pb.StartErasureRequest(
            app_monitor_name="shop", subject=pb.ErasureSubject(user_id=USER)
        )
        begun = await service.erasures.start(request, erased_by="a test")
        while store.erasures.by_key(begun.id).events == 0:  # type: ignore[union-attr]
            await asyncio.sleep(0)
        now_ms = round(time.time() * 1000)
        while_running = store.erasures.claim(
            begun.id, now_ms=now_ms, until_ms=now_ms + 1, held_ms=None
        )
    now_ms = round(time.time() * 1000)
    afterwards = store.erasures.claim(begun.id, now_ms=now_ms, until_ms=now_ms, held_ms=None)

    assert (while_running, afterwards) == (False, True)


async def test_two_services_that_erase_the_same_count_it_once(
    tmp_path: Path, url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their clocks differ, so both have the claim."""
    monkeypatch.setattr(SqlErasures, "claim", lambda *_, **__: True)
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, *(batch(monitor_id, "{}", user=USER) for _ in range(300)))
    damage(url, _rows(url)[7].sequence, b"damaged")
    begun = begin(store)
    with closing(open_store(url)) as other:
        async with running(tmp_path, store) as (first, _), running(tmp_path, other) as (second, _):
            proof = await finished(first, begun.key)
            same = await finished(second, begun.key)

    assert proof == same
    assert (proof.amount.deleted_batches, proof.amount.events) == (299, 299)
    assert proof.damaged_batches == len(proof.damaged_sequences) == 1
    assert len(store.erasures.changed_after(0, limit=1_000)) == 299


async def test_an_erasure_that_fails_does_not_keep_others_waiting(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    remainder = Subject.remainder

    def failing(subject: Subject, content: bytes) -> object:
        if subject.id == OTHER:
            raise OSError("the disk")
        return remainder(subject, content)

    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, batch(monitor_id, "{}", user=USER), batch(monitor_id, "{}", user=OTHER))
        with monkeypatch.context() as patch:
            patch.setattr(Subject, "remainder", failing)
            patch.setattr("rum_service.control.erasure_runner._RETRY_S", 0.2)
            stuck = await service.erasures.start(
                pb.StartErasureRequest(
                    app_monitor_name="shop", subject=pb.ErasureSubject(user_id=OTHER)
                ),
                erased_by="a test",
            )
            proof = await erase(service, user_id=USER)
            half = store.erasures.by_key(stuck.id)
        healed = await finished(service, stuck.id)

    assert proof.amount.events == 1
    assert half and (half.finished_ms, half.events) == (None, 0)
    assert healed.amount.events == 1


async def test_damaged_batches_are_named_and_the_others_are_erased(
    tmp_path: Path, url: str, store: Store
) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, *(batch(monitor_id, "{}", "{}", user=USER) for _ in range(8)))
        rows = _rows(url)
        cut, changed, no_message = (rows[index].sequence for index in (2, 3, 6))
        damage(url, cut, rows[2].payload[:30])
        damage(url, changed, rows[3].payload + b"\0")  # can be decoded still
        damage(url, no_message, ZstdCompressor().compress(b"\xff" * 40))

        proof = await erase(service, user_id=USER)
        later = await erase(service, user_id=OTHER)
        await put(service, batch(monitor_id, "{}", user=USER))
        again = await erase(service, user_id=USER)

    assert (proof.damaged_batches, list(proof.damaged_sequences)) == (3, [no_message, changed, cut])
    assert (proof.amount.deleted_batches, proof.amount.events) == (6, 12)
    assert list(later.damaged_sequences) == [no_message, cut]  # the other one is empty now
    assert (again.amount.events, list(again.damaged_sequences)) == (1, [no_message, cut])
    assert problems(url) == ["its payload is damaged: the checksum differs"] * 2


async def test_the_proof_has_the_first_hundred_damaged_batches(
    tmp_path: Path, url: str, store: Store
) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, *(batch(monitor_id, "{}", user=USER) for _ in range(130)))
        sequences = [row.sequence for row in _rows(url)]
        for sequence in sequences[:120]:
            damage(url, sequence, b"damaged")
        proof = await erase(service, user_id=USER)

    assert proof.damaged_batches == 120
    assert list(proof.damaged_sequences) == sequences[119:19:-1]
    assert proof.amount.deleted_batches == 10


async def test_puts_of_others_are_stored_while_an_erasure_runs(
    tmp_path: Path, url: str, store: Store
) -> None:
    async with running(tmp_path, store) as (service, monitor_id):
        await put(service, *(batch(monitor_id, "{}", user=USER) for _ in range(300)))
        request = pb.StartErasureRequest(
            app_monitor_name="shop", subject=pb.ErasureSubject(user_id=USER)
        )
        begun = await service.erasures.start(request, erased_by="a test")
        others = []
        async with asyncio.timeout(60):
            while True:
                others.append(batch(monitor_id, "{}"))
                assert await put(service, others[-1]) == [Appended.STORED]
                erasure = await service.erasures.get(pb.GetErasureRequest(id=begun.id))
                if erasure.HasField("finish_time"):
                    break

        assert [each for each in logged(store) if each.rum_events] == others
        assert erasure.amount.events == 300
        assert problems(url) == []


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ({}, "subject.user_id or subject.session_id is required."),
        ({"user_id": ""}, "subject.user_id must match"),
        ({"session_id": "jane"}, "subject.session_id must match"),
        ({"user_id": "00000000-0000-0000-0000-000000000000"}, "must not be the nil UUID"),
    ],
    ids=["none", "empty", "no-uuid", "nil"],
)
async def test_a_subject_must_be_one_user_or_session(
    tmp_path: Path, store: Store, subject: dict[str, str], reason: str
) -> None:
    async with running(tmp_path, store) as (service, _):
        for request in (pb.StartErasureRequest, pb.PreviewErasureRequest):
            call = service.erasures.start if request is pb.StartErasureRequest else None
            message = request(app_monitor_name="shop", subject=pb.ErasureSubject(**subject))
            with pytest.raises(ValidationException, match=reason):
                if call:
                    await call(message, erased_by="x")  # type: ignore[arg-type]
                else:
                    await service.erasures.preview(message)  # type: ignore[arg-type]

    assert store.erasures.list(below=None, limit=10) == []


async def test_erasures_are_listed_in_pages_and_missing_ones_are_not_found(
    tmp_path: Path, store: Store
) -> None:
    async with running(tmp_path, store) as (service, _):
        for _ in range(3):
            await erase(service, user_id=USER)
        first = await service.erasures.list(pb.ListErasuresRequest(page_size=2))
        rest = await service.erasures.list(
            pb.ListErasuresRequest(page_size=2, page_token=first.next_page_token)
        )
        with pytest.raises(ResourceNotFoundException):
            await service.erasures.get(pb.GetErasureRequest(id=2**63 - 1))
        with pytest.raises(ValidationException, match="page_size"):
            await service.erasures.list(pb.ListErasuresRequest(page_size=1001))
        with pytest.raises(ValidationException, match="page_token"):
            await service.erasures.list(pb.ListErasuresRequest(page_token="x"))
        start = pb.StartErasureRequest(
            app_monitor_name="blog", subject=pb.ErasureSubject(user_id=USER)
        )
        with pytest.raises(ResourceNotFoundException):
            await service.erasures.start(start, erased_by="x")

    assert [each.id for each in (*first.erasures, *rest.erasures)] == [3, 2, 1]
    assert rest.next_page_token == ""


async def test_no_file_of_sqlite_contains_what_was_erased(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'openrum.sqlite3'}"
    with closing(open_store(url)) as store:
        async with running(tmp_path, store) as (service, monitor_id):
            random.seed(3)
            sizes = (10, 300, 3_000, 30_000)  # in a page, and in many
            own, others = [], []
            for number in range(40):
                text = random.randbytes(sizes[number % 4]).hex()
                own.append(batch(monitor_id, json.dumps(text), user=USER))
                others.append(batch(monitor_id, json.dumps(text[::-1])))
            await put(service, *(each for pair in zip(own, others, strict=True) for each in pair))
            payloads = _payloads(url)
            before = _bytes(tmp_path)
            await erase(service, user_id=USER)
            async with asyncio.timeout(60):
                while USER.encode() in _bytes(tmp_path):  # the ID, until the last cut of the log
                    await asyncio.sleep(0.05)
            after = _bytes(tmp_path)
            left = b"".join(_payloads(url))
    parts = {
        payload[start:][:16]
        for payload in payloads
        for start in range(40, len(payload) - 40, 1_499)
    }
    found = {part for part in parts if part in before}  # others are in two pages
    erased = {part for part in found if part not in left}

    assert len(erased) > 100
    assert len(found - erased) > 100
    assert [part for part in erased if part in after] == []
    assert all(part in after for part in found - erased)


def _payloads(url: str) -> list[bytes]:
    return [row.payload for row in _rows(url)]


def _rows(url: str) -> list[LogRow]:
    _, inspection = inspect_database(url)
    with closing(inspection):
        return inspection.rows(after=0, newest=inspection.newest(), limit=10**6)


def _bytes(folder: Path) -> bytes:
    """Return what is in all files of the database."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("openrum.sqlite3*")))
