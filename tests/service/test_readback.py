"""GetAppMonitorData: pages, time ranges and filters."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, QueryFilter, TimeRange
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.control.readback import Readback
from rum_service.control.scan import ScanLimits
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.storage.records import Batch
from tests.service.conftest import UseCases
from tests.support.batches import message, new_id
from tests.support.services import ACCOUNT


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def of(monitor_id: str, *events: RumEvent, **members: Any) -> PutRumEventsRequest:
    """Return a batch of these events."""
    request = message(monitor_id, events=0, **members)
    request.rum_events.extend(events)
    return request


def at(seconds: float, **members: Any) -> RumEvent:
    """Return an event with this timestamp."""
    members = {"type": "t", "details": "{}", **members}
    return RumEvent(id=new_id(), timestamp=seconds, **members)


def types(documents: list[dict[str, Any]]) -> list[str]:
    return [document["event_type"] for document in documents]


async def test_the_last_event_of_the_newest_batch_comes_first(
    use_cases: UseCases,
) -> None:
    shop = await use_cases.create()
    await use_cases.put(of(shop, at(9, type="1st"), at(5, type="2nd")), of(shop, at(1, type="3rd")))

    assert types(await use_cases.events()) == ["3rd", "2nd", "1st"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_pages_of_any_size_contain_every_event_once(use_cases: UseCases, size: int) -> None:
    shop = await use_cases.create()
    events = [[at(1, type=f"{batch}.{n}") for n in range(batch)] for batch in range(5)]
    await use_cases.put(*(of(shop, *batch) for batch in events))

    newest_first = [event.type for batch in reversed(events) for event in reversed(batch)]
    assert types(await use_cases.events(max_results=size)) == newest_first


async def test_new_events_do_not_change_the_following_pages(use_cases: UseCases) -> None:
    shop = await use_cases.create()
    await use_cases.put(of(shop, *(at(1, type=str(n)) for n in range(5))))
    seen, token = [], None
    for _ in range(3):
        page = await use_cases.page(max_results=2, next_token=token)
        seen += types([json.loads(event) for event in page.events])
        token = page.next_token
        await use_cases.put(of(shop, at(1, type="new"), at(1, type="new")))

    assert seen == ["4", "3", "2", "1", "0"]
    assert token == ""


async def test_the_last_page_has_no_token(use_cases: UseCases) -> None:
    shop = await use_cases.create()
    await use_cases.put(of(shop, at(1), at(1)))

    page = await use_cases.page(max_results=2)

    assert len(page.events) == 2
    assert not page.HasField("next_token")


@pytest.mark.parametrize("max_results", [None, 0])
async def test_a_page_has_a_hundred_events_by_default(
    use_cases: UseCases, max_results: int | None
) -> None:
    shop = await use_cases.create()
    await use_cases.put(message(shop, events=101))

    assert len((await use_cases.page(max_results=max_results)).events) == 100


@pytest.mark.parametrize("character", ["x", "é", "😀"], ids=["1-byte", "2-bytes", "4-bytes"])
async def test_a_page_fits_in_the_message_limit_of_grpc_clients(
    use_cases: UseCases, character: str
) -> None:
    """Every gRPC client accepts 4 MiB by default and could not read a longer page."""
    shop = await use_cases.create()
    details = json.dumps({"text": character * 200_000}, ensure_ascii=False)
    await use_cases.put(of(shop, *(at(1, details=details) for _ in range(12))))

    first = await use_cases.page()

    assert 1 <= len(first.events) < 12
    assert first.ByteSize() <= 1 << 21
    assert len(await use_cases.events()) == 12


async def test_an_event_longer_than_the_page_limit_gets_its_own_page(use_cases: UseCases) -> None:
    shop = await use_cases.create()
    large = json.dumps({"text": "x" * (3 << 20)})
    await use_cases.put(of(shop, at(1), at(1, details=large), at(1)))

    pages = [len((await use_cases.page()).events)]
    assert pages == [1]
    assert len(await use_cases.events()) == 3


@pytest.mark.parametrize(
    ("after", "before", "found"),
    [
        pytest.param(1_500, 1_500, ["b"], id="both-ends-included"),
        pytest.param(1_501, 2_999, [], id="between"),
        pytest.param(1_000, 1_500, ["b", "a"], id="first-two"),
        pytest.param(1_501, None, ["c"], id="no-end"),
        pytest.param(-(2**63), 2**63 - 1, ["c", "b", "a"], id="widest-64-bit-range"),
        pytest.param(3_000, 1_000, [], id="reversed"),
    ],
)
async def test_the_time_range_includes_both_ends(
    use_cases: UseCases, after: int, before: int | None, found: list[str]
) -> None:
    shop = await use_cases.create()
    await use_cases.put(of(shop, at(1, type="a"), at(1.5, type="b"), at(3, type="c")))

    assert types(await use_cases.events(after=after, before=before)) == found


EVENTS = {
    "chrome": {"browserName": "Chrome", "deviceType": "desktop", "pageId": "/"},
    "safari": {"browserName": "Safari", "deviceType": "mobile", "pageId": "/a", "osName": "iOS"},
    "german": {"countryCode": "DE", "pageId": "/a", "osName": "Linux"},
    "silent": {},
    "number": {"browserName": 7, "pageId": None},
}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({"Browser": ["Chrome"]}, {"chrome"}, id="Browser"),
        pytest.param({"Device": ["mobile"]}, {"safari"}, id="Device"),
        pytest.param({"Country": ["DE", "AT"]}, {"german"}, id="Country"),
        pytest.param({"Page": ["/a"]}, {"safari", "german"}, id="Page"),
        pytest.param({"OS": ["iOS", "Linux"]}, {"safari", "german"}, id="OS"),
        pytest.param({"EventType": ["silent", "chrome"]}, {"silent", "chrome"}, id="EventType"),
        pytest.param({"Page": ["/a"], "OS": ["iOS"]}, {"safari"}, id="all-must-match"),
        pytest.param({"Browser": ["7"]}, set(), id="a-number-never-matches"),
        pytest.param({"Browser": []}, set(), id="no-values-match-nothing"),
        pytest.param(
            {"Browser": ["Chrome"], "Invert": ["Browser"]},
            {"safari", "german", "silent", "number"},
            id="inverted",
        ),
        pytest.param(
            {"Page": ["/a"], "OS": ["iOS"], "Invert": ["OS"]}, {"german"}, id="one-inverted"
        ),
        pytest.param(
            {"Page": ["/a"], "OS": ["iOS"], "Invert": ["true"]},
            {"chrome", "silent", "number"},
            id="all-inverted",
        ),
        pytest.param({"Page": ["/"], "Invert": ["false"]}, {"chrome"}, id="none-inverted"),
        pytest.param({"Invert": ["true"]}, set(EVENTS), id="nothing-to-invert"),
    ],
)
async def test_a_filter_selects_the_matching_events(
    use_cases: UseCases, filters: dict[str, list[str]], found: set[str]
) -> None:
    shop = await use_cases.create()
    events = [at(1, type=name, metadata=json.dumps(data)) for name, data in EVENTS.items()]
    await use_cases.put(of(shop, *events))
    query = [QueryFilter(name=name, values=values) for name, values in filters.items()]

    assert set(types(await use_cases.events(filters=query))) == found


async def test_filters_with_the_same_name_are_alternatives_and_use_session_metadata(
    use_cases: UseCases,
) -> None:
    shop = await use_cases.create()
    session = json.dumps({"browserName": "Chrome", "pageId": "/"})
    own = at(1, type="own", metadata='{"browserName":"Safari"}')
    await use_cases.put(of(shop, at(1, type="session"), own, session_metadata=session))
    names = [QueryFilter(name="Browser", values=[name]) for name in ("Chrome", "Safari")]

    assert types(await use_cases.events(filters=names[:1])) == ["session"]
    assert types(await use_cases.events(filters=names[1:])) == ["own"]
    assert types(await use_cases.events(filters=names)) == ["own", "session"]


_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)


async def test_an_event_with_only_a_user_agent_has_its_browser_and_matches_filters(
    use_cases: UseCases,
) -> None:
    shop = await use_cases.create()
    session = json.dumps({"aws:userAgent": _IPHONE, "deviceType": "desktop"})
    derived = {"browserName": "Mobile Safari", "browserVersion": "18.1"}
    derived |= {"osName": "iOS", "osVersion": "18.1"}
    own = at(1, type="own", metadata='{"browserName":"Chrome"}')
    await use_cases.put(of(shop, at(1, type="session"), own, session_metadata=session))

    documents = await use_cases.events(
        filters=[
            QueryFilter(name="Browser", values=["Mobile Safari"]),
            QueryFilter(name="OS", values=["iOS"]),
        ]
    )
    chrome = await use_cases.events(filters=[QueryFilter(name="Browser", values=["Chrome"])])

    assert types(documents) == ["session"]
    assert documents[0]["metadata"] == {**json.loads(session), **derived}
    assert "browserName=Mobile Safari" in documents[0]["metadata_values"]
    assert [event["metadata"] for event in chrome] == [
        {**json.loads(session), "browserName": "Chrome"}
    ]


async def test_an_unknown_value_of_invert_is_rejected(use_cases: UseCases) -> None:
    await use_cases.create()

    with pytest.raises(ValidationException, match=r"^Filters: Invert takes true, false or one of"):
        await use_cases.page(filters=[QueryFilter(name="Invert", values=["yes"])])


GARBAGE = {
    "text": "garbage",
    "not-ascii": "é",
    "no-json": "bm90IGpzb24=",
    "one-part": "WzFd",
    "text-parts": "WyIxIiwgIjIiXQ==",
    "booleans": "W3RydWUsIHRydWVd",
    "floats": "WzEuMCwgMi4wXQ==",
    "nested": "W1tdLCBbXV0=",
    "object": "e30=",
    "not-utf-8": "/w==",
    "long": "x" * 1025,
}


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE)
async def test_an_invalid_token_is_rejected_and_the_message_names_the_member(
    use_cases: UseCases, token: str
) -> None:
    await use_cases.create()

    with pytest.raises(ValidationException, match=r"^NextToken must (be the token|have)"):
        await use_cases.page(next_token=token)


@pytest.mark.parametrize(
    ("token", "found"),
    [
        ("WzAsIDBd", 0),  # [0, 0]
        ("Wy0xLCAtMV0=", 0),  # [-1, -1]
        ("Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5LCA5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OV0=", 2),  # past 2**64
    ],
)
async def test_a_forged_token_cannot_fail(use_cases: UseCases, token: str, found: int) -> None:
    shop = await use_cases.create()
    await use_cases.put(of(shop, at(1), at(1)))

    assert len((await use_cases.page(next_token=token)).events) == found


async def test_reading_an_unknown_app_monitor_raises_resource_not_found(
    use_cases: UseCases,
) -> None:
    with pytest.raises(ResourceNotFoundException) as raised:
        await use_cases.page("nowhere")

    assert (raised.value.resource_name, raised.value.resource_type) == ("nowhere", "AppMonitor")


@pytest.mark.parametrize(
    ("limits", "batches", "events_per_batch"),
    [
        pytest.param(ScanLimits(batches=100), 130, 1, id="batches"),
        pytest.param(ScanLimits(batches=100), 130, 0, id="empty-batches"),
        pytest.param(ScanLimits(events=400), 5, 100, id="events"),
        pytest.param(ScanLimits(bytes=20_000), 5, 100, id="bytes"),
    ],
)
async def test_a_page_ends_early_when_the_filter_matches_nothing_and_the_next_page_continues(
    use_cases: UseCases,
    executor: Executor,
    limits: ScanLimits,
    batches: int,
    events_per_batch: int,
) -> None:
    readback = Readback(
        use_cases.service.app_monitors,
        use_cases.store.log,
        executor,
        account_id=ACCOUNT,
        limits=limits,
    )
    shop = await use_cases.create()
    (monitor,) = use_cases.store.monitors.by_ids([shop])
    ordinary = of(shop, *[at(1)] * events_per_batch)
    rare = of(shop, at(1, type="rare", metadata='{"pageId":"/rare"}'))
    contents = [rare.SerializeToString(), *[ordinary.SerializeToString()] * batches]
    use_cases.store.log.append(
        [
            Batch(monitor.key, n.to_bytes(16, "big"), 0, 1_000, 1_000, 1, content)
            for n, content in enumerate(contents)
        ]
    )
    request = GetAppMonitorDataRequest(
        name="shop",
        time_range=TimeRange(after=0),
        filters=[QueryFilter(name="Page", values=["/rare"])],
    )

    first = await readback.get(request)
    request.next_token = first.next_token
    second = await readback.get(request)

    assert first.events == []
    assert types([json.loads(event) for event in second.events]) == ["rare"]
    assert not second.HasField("next_token")


class CpuClock:
    """A CPU clock that advances by a millisecond each time it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self) -> float:
        self.reads += 1
        return self.reads / 1000


def readback_of(use_cases: UseCases, executor: Executor, **arguments: Any) -> Readback:
    return Readback(
        use_cases.service.app_monitors,
        use_cases.store.log,
        executor,
        account_id=ACCOUNT,
        **{"cpu_clock": CpuClock(), "sleep": lambda _seconds: None, **arguments},
    )


@pytest.mark.parametrize("cpu_s", [0.0, 0.003, 0.02])
@pytest.mark.parametrize(
    "filters",
    [
        pytest.param({}, id="all"),
        pytest.param({"EventType": ["a"]}, id="type"),
        pytest.param({"Page": ["/a"]}, id="metadata"),
    ],
)
async def test_pages_that_end_for_lack_of_cpu_time_contain_every_event_once(
    use_cases: UseCases, executor: Executor, cpu_s: float, filters: dict[str, list[str]]
) -> None:
    readback = readback_of(use_cases, executor, limits=ScanLimits(cpu_s=cpu_s))
    shop = await use_cases.create()
    batches = [
        [at(1, type="ab"[n % 2], metadata=f'{{"pageId":"/{"ab"[n % 2]}"}}') for n in range(size)]
        for size in (3, 0, 1, 30, 2, 0, 7)
    ]
    await use_cases.put(*(of(shop, *events) for events in batches))
    request = GetAppMonitorDataRequest(
        name="shop",
        time_range=TimeRange(after=0),
        filters=[QueryFilter(name=name, values=values) for name, values in filters.items()],
    )
    pages, found = 0, []
    for pages in range(1, 200):  # noqa: B007 # counts the pages
        page = await readback.get(request)
        found += [json.loads(event)["event_id"] for event in page.events]
        request.next_token = page.next_token
        if not page.HasField("next_token"):
            break

    newest_first = [event for events in reversed(batches) for event in reversed(events)]
    assert found == [event.id for event in newest_first if event.type == "a" or not filters]
    assert 1 < pages < 199


async def test_a_page_ends_in_a_batch_when_its_cpu_time_is_used_up(
    use_cases: UseCases, executor: Executor
) -> None:
    clock = CpuClock()
    readback = readback_of(use_cases, executor, limits=ScanLimits(cpu_s=0.05), cpu_clock=clock)
    shop = await use_cases.create()
    await use_cases.put(message(shop, events=1000))
    request = GetAppMonitorDataRequest(
        name="shop",
        time_range=TimeRange(after=0),
        filters=[QueryFilter(name="Page", values=["/rare"])],
    )

    page = await readback.get(request)

    assert page.HasField("next_token")
    assert clock.reads < 60


@pytest.mark.parametrize(
    ("busy", "pause_s"),
    [pytest.param(True, 0.01, id="busy"), pytest.param(False, 0.00005, id="idle")],
)
async def test_reading_gives_way_to_puts_for_longer_while_they_wait(
    use_cases: UseCases, executor: Executor, busy: bool, pause_s: float
) -> None:
    pauses: list[float] = []
    readback = readback_of(use_cases, executor, is_busy=lambda: busy, sleep=pauses.append)
    shop = await use_cases.create()
    await use_cases.put(message(shop, events=20))

    await readback.get(GetAppMonitorDataRequest(name="shop", time_range=TimeRange(after=0)))

    assert len(pauses) >= 20  # one for each millisecond of CPU time
    assert pauses == pytest.approx([pause_s] * len(pauses))


async def test_a_page_ends_early_when_it_takes_too_long_and_the_next_one_continues(
    use_cases: UseCases, executor: Executor
) -> None:
    ticks = count()
    readback = readback_of(
        use_cases,
        executor,
        limits=ScanLimits(cpu_s=1000, wall_s=10),
        clock=lambda: next(ticks),
    )
    shop = await use_cases.create()
    request = message(shop, events=50)
    await use_cases.put(request)
    search = GetAppMonitorDataRequest(name="shop", time_range=TimeRange(after=0))
    found, pages = [], 0
    for pages in range(1, 60):  # noqa: B007 # counts the pages
        page = await readback.get(search)
        found += [json.loads(event)["event_id"] for event in page.events]
        search.next_token = page.next_token
        if not page.HasField("next_token"):
            break

    assert found == [event.id for event in reversed(request.rum_events)]
    assert 5 < pages < 59


async def test_reading_stops_when_the_caller_has_gone(
    use_cases: UseCases, executor: Executor
) -> None:
    paused, go_on = threading.Event(), threading.Event()
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        paused.set()
        assert go_on.wait(30)

    readback = readback_of(use_cases, executor, limits=ScanLimits(cpu_s=1000), sleep=pause)
    shop = await use_cases.create()
    await use_cases.put(message(shop, events=500))
    search = GetAppMonitorDataRequest(name="shop", time_range=TimeRange(after=0), max_results=100)
    call = asyncio.create_task(readback.get(search))
    await asyncio.to_thread(paused.wait, 30)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    go_on.set()
    await asyncio.to_thread(executor.shutdown)

    assert call.cancelled()
    assert len(pauses) == 1


async def test_a_batch_that_cannot_be_decoded_is_skipped(use_cases: UseCases) -> None:
    """A version without checksums may have stored it."""
    shop = await use_cases.create()
    (monitor,) = use_cases.store.monitors.by_ids([shop])
    await use_cases.put(of(shop, at(1, type="before")))
    use_cases.store.log.append([Batch(monitor.key, bytes(16), 0, 1_000, 1_000, 1, b"\xff")])
    await use_cases.put(of(shop, at(1, type="after")))

    assert types(await use_cases.events()) == ["after", "before"]
    assert use_cases.store.damaged.met == 1
