"""Request bodies: limited in time, and in size before and after decompression."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive

from rum_bridge.errors import HttpError
from rum_bridge.http.body import BodyReader
from rum_bridge.limits.budget import ByteBudget
from rum_bridge.settings import BridgeSettings
from tests.support.traffic import NAMES, load

_LIMIT = 1 << 16
_BUDGET = 64 << 20


async def _read(
    chunks: list[bytes],
    *,
    headers: dict[str, str] | None = None,
    max_bytes: int = _LIMIT,
    max_decoded_bytes: int = _LIMIT,
) -> tuple[bytes, bytes]:
    """Read a body that arrives in these chunks."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    reader = BodyReader(
        ByteBudget(_BUDGET), max_bytes=max_bytes, max_decoded_bytes=max_decoded_bytes, timeout_s=10
    )
    return await reader.read(
        receive, {name.encode(): value.encode() for name, value in (headers or {}).items()}
    )


def _gunzipped(raw: bytes, **limits: int) -> bytes:
    return asyncio.run(_read([raw], headers={"content-encoding": "gzip"}, **limits))[1]


def _error(raw: bytes, **limits: int) -> tuple[int, str]:
    with pytest.raises(HttpError) as error:
        _gunzipped(raw, **limits)
    return error.value.status, error.value.error_type


_NOT_GZIP = (400, "ValidationException")
_TOO_LARGE = (413, "RequestEntityTooLargeException")


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=5000), level=st.integers(0, 9))
def test_gzip_is_decompressed(data: bytes, level: int) -> None:
    assert _gunzipped(gzip.compress(data, level)) == data


@pytest.mark.parametrize("name", NAMES)
def test_every_captured_body_is_decompressed(name: str) -> None:
    """No captured client sends a gzip body of several members."""
    requests = [r for r in load(name) if r.header("content-encoding") == "gzip"]
    limits = {"max_bytes": 4 << 20, "max_decoded_bytes": 2 << 20}
    decoded = [_gunzipped(request.body, **limits) for request in requests]

    assert decoded == [gzip.decompress(request.body) for request in requests]


def test_the_captures_contain_gzip_bodies() -> None:
    encodings = {r.header("content-encoding") for name in NAMES for r in load(name)}

    assert "gzip" in encodings


def test_a_large_body_is_decompressed_completely() -> None:
    data = random.Random(1).randbytes(1 << 20)

    assert _gunzipped(gzip.compress(data), max_bytes=2 << 20, max_decoded_bytes=1 << 20) == data


@pytest.mark.parametrize("size", [1, 1 << 10, 1 << 18, (1 << 18) + 1])
def test_the_limit_of_a_decompressed_body_is_exact(size: int) -> None:
    raw = gzip.compress(bytes(size))

    assert len(_gunzipped(raw, max_decoded_bytes=size)) == size
    assert _error(raw, max_decoded_bytes=size - 1) == _TOO_LARGE


def test_data_beyond_the_limit_is_not_decompressed() -> None:
    """The error is about the size and not about the damaged data behind the limit."""
    raw = gzip.compress(random.Random(1).randbytes(1 << 20))
    damaged = raw[: len(raw) // 2] + b"\xff" * (len(raw) - len(raw) // 2)

    assert _error(damaged, max_bytes=2 << 20, max_decoded_bytes=1 << 10) == _TOO_LARGE


_RAW = gzip.compress(b'{"RumEvents": []}', mtime=0)


@pytest.mark.parametrize("kept", range(1, len(_RAW)))
def test_an_incomplete_gzip_body_is_rejected(kept: int) -> None:
    assert _error(_RAW[:kept]) == _NOT_GZIP


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"\x00" * 20,
        zlib.compress(b"{}"),
        _RAW + b"garbage",
        _RAW + b"\x00",
        _RAW + _RAW,
        _RAW + gzip.compress(b""),
        gzip.compress(b"") * 2000,
        _RAW[:-8] + b"\x00" * 8,
        _RAW[:-4] + b"\xff" * 4,
    ],
    ids=[
        "json",
        "zeros",
        "zlib",
        "garbage-after-the-member",
        "zero-after-the-member",
        "two-members",
        "an-empty-second-member",
        "two-thousand-members",
        "wrong-checksum",
        "wrong-length",
    ],
)
def test_a_body_other_than_one_gzip_member_is_rejected(raw: bytes) -> None:
    assert _error(raw) == _NOT_GZIP


def test_an_empty_body_is_empty_with_any_encoding() -> None:
    assert _gunzipped(b"") == b""


@settings(max_examples=50, deadline=None)
@given(chunks=st.lists(st.binary(max_size=100), max_size=5))
def test_chunks_are_joined(chunks: list[bytes]) -> None:
    assert (b"".join(chunks), b"".join(chunks)) == asyncio.run(_read(chunks))


@pytest.mark.parametrize("headers", [{}, {"content-length": "101"}], ids=["chunks", "declared"])
async def test_a_body_that_is_not_compressed_has_the_limit_of_decoded_bodies(
    headers: dict[str, str],
) -> None:
    with pytest.raises(HttpError) as error:
        await _read([b"x" * 60, b"x" * 41], headers=headers, max_decoded_bytes=100)

    assert (error.value.status, error.value.error_type) == _TOO_LARGE
    assert error.value.message == "The body must have at most 100 bytes."


def test_a_body_has_at_most_2_mib_decoded_by_default() -> None:
    size = BridgeSettings().max_decoded_bytes
    largest = max(len(request.body) for name in NAMES for request in load(name))

    assert size == 2 << 20
    assert size > 5 * largest


async def test_the_limit_of_a_body_is_exact() -> None:
    assert await _read([b"x" * 60, b"x" * 40], max_bytes=100)

    with pytest.raises(HttpError) as error:
        await _read([b"x" * 60, b"x" * 41], max_bytes=100)
    assert (error.value.status, error.value.error_type) == _TOO_LARGE


async def test_a_content_length_over_the_limit_is_rejected_before_the_body_is_read() -> None:
    with pytest.raises(HttpError) as error:
        await _read([], headers={"content-length": "101"}, max_bytes=100)

    assert (error.value.status, error.value.error_type) == _TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip "])
async def test_gzip_is_recognized_in_every_spelling(encoding: str) -> None:
    raw, body = await _read([_RAW], headers={"content-encoding": encoding})

    assert (raw, body) == (_RAW, b'{"RumEvents": []}')


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
async def test_identity_is_recognized_in_every_spelling(encoding: str) -> None:
    raw, body = await _read([_RAW], headers={"content-encoding": encoding})

    assert (raw, body) == (_RAW, _RAW)


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip;q=1", "\x00"])
async def test_other_encodings_are_rejected(encoding: str) -> None:
    with pytest.raises(HttpError) as error:
        await _read([_RAW], headers={"content-encoding": encoding})

    assert (error.value.status, error.value.error_type) == (
        415,
        "UnsupportedMediaTypeException",
    )


_TIMEOUT_S = 0.05


def _reader() -> BodyReader:
    return BodyReader(
        ByteBudget(_BUDGET), max_bytes=_LIMIT, max_decoded_bytes=_LIMIT, timeout_s=_TIMEOUT_S
    )


def _stalling(*chunks: bytes) -> Receive:
    """Return a `receive` that never returns again after these chunks."""
    waiting = iter(chunks)

    async def receive() -> Message:
        for chunk in waiting:
            return {"type": "http.request", "body": chunk, "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    return receive


@pytest.mark.parametrize("chunks", [[], [b"{"], [b"{", b"}"]], ids=len)
async def test_a_body_that_stalls_is_rejected(chunks: list[bytes]) -> None:
    with pytest.raises(HttpError) as error:
        await _reader().read(_stalling(*chunks), {})

    assert (error.value.status, error.value.error_type) == (408, "RequestTimeoutException")
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_each_stalled_body_is_rejected_and_others_are_read() -> None:
    reader = _reader()

    async def complete() -> Message:
        return {"type": "http.request", "body": b"{}"}

    outcomes = await asyncio.gather(
        *(reader.read(r, {}) for r in (_stalling(), complete, _stalling(b"{"), complete)),
        return_exceptions=True,
    )

    assert [getattr(outcome, "status", outcome) for outcome in outcomes] == [
        408,
        (b"{}", b"{}"),
        408,
        (b"{}", b"{}"),
    ]


async def test_a_cancelled_request_is_not_reported_as_slow() -> None:
    """A stopping server cancels requests."""
    reading = asyncio.create_task(_reader().read(_stalling(), {}))
    await asyncio.sleep(0)
    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_a_slow_request_that_is_also_cancelled_stays_cancelled() -> None:
    reading: asyncio.Task[tuple[bytes, bytes]]

    async def receive() -> Message:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            reading.cancel()
            raise
        raise AssertionError

    reading = asyncio.create_task(_reader().read(receive, {}))

    with pytest.raises(asyncio.CancelledError):
        await reading
