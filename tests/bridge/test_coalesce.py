"""The coalescer: which puts share a call, which wait, and how each one ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest
from google.rpc.status_pb2 import Status

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_bridge.errors import NO_ANSWER, HttpError
from rum_bridge.puts.coalesce import Coalescer
from rum_bridge.upstream.batch_put import GrpcBatchPut
from rum_bridge.upstream.channel import CHANNEL_OPTIONS, BridgeToken
from rum_service.errors import ResourceNotFoundException
from rum_service.rpc.status import to_status
from tests.bridge.standin import StandIn, all_ok

_MAX_WAITING_BYTES = 1 << 20
_TIMEOUT_S = 10.0

NO_TOKEN = BridgeToken(Path("there-is-none"))


@pytest.fixture
async def channel(standin: StandIn) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(standin.address, options=CHANNEL_OPTIONS) as channel:
        yield channel


@pytest.fixture
def coalescer(channel: grpc.aio.Channel) -> Coalescer:
    return _coalescer(channel)


def _coalescer(
    channel: grpc.aio.Channel,
    *,
    timeout_s: float = _TIMEOUT_S,
    max_waiting_bytes: int = _MAX_WAITING_BYTES,
    gather_s: float = _TIMEOUT_S,
) -> Coalescer:
    return Coalescer(
        GrpcBatchPut(channel, NO_TOKEN),
        max_waiting_bytes=max_waiting_bytes,
        timeout_s=timeout_s,
        gather_s=gather_s,
    )


def _entry(request_id: str, size: int = 0) -> bytes:
    entry = pb.BatchPutRumEventsEntry(request_id=request_id, request=b"x" * size)
    return pb.BatchPutRumEventsRequest(entries=[entry]).SerializeToString()


class _Gate:
    """Holds the responses of the stand-in until a test opens it."""

    def __init__(self, standin: StandIn) -> None:
        self._open = asyncio.Event()
        standin.respond = self._respond

    async def _respond(self, request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        await self._open.wait()
        return await all_ok(request)

    def open(self) -> None:
        self._open.set()


def _put(
    coalescer: Coalescer, request_id: str, size: int = 0, app_monitor: str = "shop"
) -> asyncio.Task[None]:
    return asyncio.create_task(coalescer.put(app_monitor, _entry(request_id, size)))


async def _two_calls_in_progress(
    standin: StandIn, coalescer: Coalescer
) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
    """Start two calls, so that all further puts wait."""
    first = _put(coalescer, "first")
    await standin.arrived.acquire()
    second = _put(coalescer, "second")
    await standin.arrived.acquire()
    return first, second


async def _error(put: asyncio.Task[None]) -> HttpError:
    with pytest.raises(HttpError) as error:
        await put
    return error.value


async def test_a_put_that_waits_alone_is_sent_at_once(
    standin: StandIn, coalescer: Coalescer
) -> None:
    await coalescer.put("shop", _entry("a"))
    await coalescer.put("shop", _entry("b"))

    assert standin.calls == [["a"], ["b"]]


async def test_puts_that_arrive_in_turns_of_the_event_loop_share_a_call(
    standin: StandIn, coalescer: Coalescer
) -> None:
    puts = []
    for name in ("a", "b", "c", "d"):
        puts.append(_put(coalescer, name))
        await asyncio.sleep(0)
    await asyncio.gather(*puts)

    assert standin.calls == [["a", "b", "c", "d"]]


async def test_a_call_starts_while_puts_keep_arriving(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    coalescer = _coalescer(channel, gather_s=0.0)
    puts = []
    for number in range(20):
        puts.append(_put(coalescer, str(number)))
        await asyncio.sleep(0)
    await asyncio.gather(*puts)

    assert len(standin.calls) > 1


async def test_waiting_puts_share_one_call_in_order(standin: StandIn, coalescer: Coalescer) -> None:
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    names = [f"r{number}" for number in range(30)]
    waiting = [_put(coalescer, name) for name in names]
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*in_progress, *waiting)

    assert standin.calls == [["first"], ["second"], names]


async def test_at_most_two_calls_are_in_progress(standin: StandIn, coalescer: Coalescer) -> None:
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    third = _put(coalescer, "third")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await standin.arrived.acquire()
    gate.open()
    await asyncio.gather(*in_progress, third)

    assert standin.calls == [["first"], ["second"], ["third"]]


async def test_a_call_has_at_most_32_entries(standin: StandIn, coalescer: Coalescer) -> None:
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    waiting = [_put(coalescer, str(number)) for number in range(50)]
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*in_progress, *waiting)

    assert sorted(len(call) for call in standin.calls) == [1, 1, 18, 32]


async def test_a_call_has_at_most_4_mib_unless_one_entry_is_larger(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    coalescer = _coalescer(channel, max_waiting_bytes=64 << 20)
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    sizes = {"a": 2 << 20, "b": 1 << 20, "c": 2 << 20, "long": 6 << 20, "d": 1}
    waiting = [_put(coalescer, name, size) for name, size in sizes.items()]
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*in_progress, *waiting)

    assert sorted(standin.calls[2:]) == [["a", "b"], ["c"], ["d"], ["long"]]


async def test_each_put_has_its_own_outcome(standin: StandIn, coalescer: Coalescer) -> None:
    missing = to_status(ResourceNotFoundException("No.", "b", "AppMonitor"))
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    waiting = [_put(coalescer, name) for name in "abc"]
    await asyncio.sleep(0)

    async def reject_b(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        return pb.BatchPutRumEventsResponse(
            statuses=[missing if e.request_id == "b" else Status() for e in request.entries]
        )

    standin.respond = reject_b
    gate.open()
    a, b, c = await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.gather(*in_progress)

    assert (a, c) == (None, None)
    assert isinstance(b, HttpError)
    assert (b.status, b.error_type, b.members["resourceName"]) == (
        404,
        "ResourceNotFoundException",
        "b",
    )


async def test_a_full_queue_rejects_puts_until_it_has_room(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    limit = len(_entry("first")) + len(_entry("second")) + len(_entry("waits", 1000))
    coalescer = _coalescer(channel, max_waiting_bytes=limit)
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    waits = _put(coalescer, "waits", 1000)
    await asyncio.sleep(0)
    rejected = await _error(_put(coalescer, "x"))
    gate.open()
    await asyncio.gather(*in_progress, waits)

    assert (rejected.status, rejected.error_type, rejected.retry_after_s) == (
        429,
        "ThrottlingException",
        1,
    )
    await coalescer.put("shop", _entry("again", 1000))
    assert standin.calls == [["first"], ["second"], ["waits"], ["again"]]


@pytest.mark.parametrize("statuses", [0, 1, 3])
async def test_a_response_with_a_wrong_number_of_statuses_fails_all_puts(
    standin: StandIn, coalescer: Coalescer, statuses: int
) -> None:
    """It is unknown which put a status belongs to."""
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    waiting = [_put(coalescer, name) for name in "ab"]
    await asyncio.sleep(0)

    async def wrong(_: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        return pb.BatchPutRumEventsResponse(statuses=[Status()] * statuses)

    standin.respond = wrong
    gate.open()
    errors = [await _error(put) for put in waiting]
    await asyncio.gather(*in_progress)

    # The service may have stored them.
    assert {(r.status, r.error_type, r.retry_after_s, r.source) for r in errors} == {
        (500, "InternalServerException", 1, NO_ANSWER)
    }


async def test_a_cancelled_put_is_not_sent_and_others_are(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    limit = sum(len(_entry(name)) for name in ("first", "second", "a", "b", "c"))
    coalescer = _coalescer(channel, max_waiting_bytes=limit)
    gate = _Gate(standin)
    first, second = await _two_calls_in_progress(standin, coalescer)
    a, b, c = [_put(coalescer, name) for name in "abc"]
    await asyncio.sleep(0)
    b.cancel()
    first.cancel()  # in progress: the call continues
    await asyncio.wait([first, b])
    gate.open()
    await asyncio.gather(second, a, c)

    assert standin.calls == [["first"], ["second"], ["a", "c"]]
    await coalescer.put(
        "shop", _entry("x", limit - len(_entry("x")) - 20)
    )  # the queue has all its room again


async def test_an_app_monitor_does_not_wait_for_the_queue_of_another(
    standin: StandIn, coalescer: Coalescer
) -> None:
    await coalescer.put("quiet", _entry("known"))
    await standin.arrived.acquire()
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    busy = [_put(coalescer, f"busy{number}") for number in range(1000)]
    await asyncio.sleep(0)
    quiet = _put(coalescer, "quiet", app_monitor="quiet")
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*in_progress, *busy, quiet)

    (next_call,) = [call for call in standin.calls if "busy0" in call]
    assert "quiet" in next_call


async def test_ids_for_which_nothing_was_stored_share_their_turns(
    standin: StandIn, coalescer: Coalescer
) -> None:
    """Otherwise a client could take the turns of all others with made-up ids."""
    await coalescer.put("shop", _entry("known"))
    await standin.arrived.acquire()
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    made_up = [_put(coalescer, f"x{number}", app_monitor=f"x{number}") for number in range(50)]
    known = [_put(coalescer, f"k{number}") for number in range(10)]
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*in_progress, *made_up, *known)

    (next_call,) = [call for call in standin.calls if "x0" in call]
    assert {f"k{number}" for number in range(10)} <= {*next_call}


async def test_a_put_whose_client_has_disconnected_is_not_sent(
    standin: StandIn, coalescer: Coalescer
) -> None:
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    gone = asyncio.create_task(coalescer.put("shop", _entry("gone"), lambda: True))
    stays = _put(coalescer, "stays")
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(*in_progress, stays)

    assert (await _error(gone)).error_type == "RequestTimeoutException"
    assert standin.calls == [["first"], ["second"], ["stays"]]
    assert coalescer.budget.used == 0


async def test_a_slow_call_is_followed_by_one_with_many_puts(
    standin: StandIn, coalescer: Coalescer
) -> None:
    gate = _Gate(standin)
    in_progress = await _two_calls_in_progress(standin, coalescer)
    waiting = [_put(coalescer, str(number)) for number in range(300)]
    async with asyncio.timeout(10):
        while coalescer._fast:  # until both calls are slow
            await asyncio.sleep(0.01)
    gate.open()
    await asyncio.gather(*in_progress, *waiting)

    assert [len(call) for call in standin.calls] == [1, 1, 300]


async def test_calls_are_short_again_after_a_fast_one(
    standin: StandIn, coalescer: Coalescer
) -> None:
    coalescer.queue.observe(1.0, 1)
    assert coalescer.queue.is_slow
    await _put(coalescer, "fast")

    assert not coalescer.queue.is_slow


async def test_a_put_that_was_not_sent_in_time_is_known_not_to_be_stored() -> None:
    ends = asyncio.Event()

    async def batch_put(request: bytes, _: float) -> pb.BatchPutRumEventsResponse:
        await ends.wait()
        entries = pb.BatchPutRumEventsRequest.FromString(request).entries
        return pb.BatchPutRumEventsResponse(statuses=[Status() for _ in entries])

    coalescer = Coalescer(batch_put, max_waiting_bytes=_MAX_WAITING_BYTES, timeout_s=0.2)
    sent = [_put(coalescer, "first")]
    while not coalescer._calls:
        await asyncio.sleep(0)
    sent.append(_put(coalescer, "second"))
    while len(coalescer._calls) < 2:
        await asyncio.sleep(0)
    error = await _error(_put(coalescer, "unsent"))
    ends.set()

    assert await asyncio.gather(*sent) == [None, None]
    assert (error.status, error.source, error.retry_after_s) == (503, "bridge", 1)
