"""Bodies: bounded as they arrive, bounded again as they are gunzipped."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from rum_bridge.body import read_body
from rum_bridge.errors import HttpError

_LIMIT = 1 << 16


async def _read(
    chunks: list[bytes],
    *,
    headers: dict[str, str] | None = None,
    max_bytes: int = _LIMIT,
    max_decoded_bytes: int = _LIMIT,
) -> tuple[bytes, bytes]:
    """Reads a body that arrives in these chunks."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    raw_headers = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    request = Request({"type": "http", "method": "POST", "headers": raw_headers}, receive)
    return await read_body(
        request, max_bytes=max_bytes, max_decoded_bytes=max_decoded_bytes, timeout_s=10
    )


def _gunzipped(raw: bytes, **limits: int) -> bytes:
    return asyncio.run(_read([raw], headers={"content-encoding": "gzip"}, **limits))[1]


def _refusal(raw: bytes, **limits: int) -> tuple[int, str]:
    with pytest.raises(HttpError) as refused:
        _gunzipped(raw, **limits)
    return refused.value.status, refused.value.error_type


_NOT_GZIP = (400, "ValidationException")
_TOO_LONG = (413, "RequestEntityTooLargeException")


@settings(max_examples=100, deadline=None)
@given(
    members=st.lists(st.tuples(st.binary(max_size=5000), st.integers(0, 9)), min_size=1, max_size=4)
)
def test_members_decode_to_what_was_encoded(members: list[tuple[bytes, int]]) -> None:
    raw = b"".join(gzip.compress(data, level) for data, level in members)

    assert b"".join(data for data, _ in members) == _gunzipped(raw)


def test_a_member_longer_than_a_chunk_of_decoding_is_whole() -> None:
    data = random.Random(1).randbytes(1 << 20)

    assert _gunzipped(gzip.compress(data), max_bytes=2 << 20, max_decoded_bytes=1 << 20) == data


@pytest.mark.parametrize("size", [1, 1 << 10, 1 << 18, (1 << 18) + 1])
def test_the_bound_of_a_decoded_body_is_exact(size: int) -> None:
    raw = gzip.compress(bytes(size))

    assert len(_gunzipped(raw, max_decoded_bytes=size)) == size
    assert _refusal(raw, max_decoded_bytes=size - 1) == _TOO_LONG


def test_the_bound_holds_over_all_members_together() -> None:
    raw = gzip.compress(bytes(600)) * 2

    assert len(_gunzipped(raw, max_decoded_bytes=1200)) == 1200
    assert _refusal(raw, max_decoded_bytes=1199) == _TOO_LONG


def test_what_follows_the_bound_is_not_decoded() -> None:
    """The damage behind the bound is not seen, so nobody looked there."""
    raw = gzip.compress(random.Random(1).randbytes(1 << 20))
    damaged = raw[: len(raw) // 2] + b"\xff" * (len(raw) - len(raw) // 2)

    assert _refusal(damaged, max_bytes=2 << 20, max_decoded_bytes=1 << 10) == _TOO_LONG


_RAW = gzip.compress(b'{"RumEvents": []}', mtime=0)


@pytest.mark.parametrize("kept", range(1, len(_RAW)))
def test_a_body_cut_at_any_byte_is_refused(kept: int) -> None:
    assert _refusal(_RAW[:kept]) == _NOT_GZIP


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"\x00" * 20,
        zlib.compress(b"{}"),
        _RAW + b"garbage",
        _RAW[:-8] + b"\x00" * 8,
        _RAW[:-4] + b"\xff" * 4,
    ],
    ids=["json", "zeros", "zlib", "garbage-behind", "wrong-checksum", "wrong-length"],
)
def test_what_is_not_gzip_is_refused(raw: bytes) -> None:
    assert _refusal(raw) == _NOT_GZIP


def test_many_members_are_refused_before_they_cost_much() -> None:
    """Each copies what follows it: without a bound their cost grows with the square."""
    assert _refusal(gzip.compress(b"") * 101) == _NOT_GZIP
    assert _gunzipped(gzip.compress(b"x") * 100) == b"x" * 100


@settings(max_examples=50, deadline=None)
@given(chunks=st.lists(st.binary(max_size=100), max_size=5))
def test_chunks_are_one_body(chunks: list[bytes]) -> None:
    assert (b"".join(chunks), b"".join(chunks)) == asyncio.run(_read(chunks))


async def test_the_bound_of_a_body_is_exact() -> None:
    assert await _read([b"x" * 60, b"x" * 40], max_bytes=100)

    with pytest.raises(HttpError) as refused:
        await _read([b"x" * 60, b"x" * 41], max_bytes=100)
    assert (refused.value.status, refused.value.error_type) == _TOO_LONG


async def test_a_declared_length_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(HttpError) as refused:
        await _read([], headers={"content-length": "101"}, max_bytes=100)

    assert (refused.value.status, refused.value.error_type) == _TOO_LONG


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip "])
async def test_spellings_of_gzip(encoding: str) -> None:
    raw, body = await _read([_RAW], headers={"content-encoding": encoding})

    assert (raw, body) == (_RAW, b'{"RumEvents": []}')


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
async def test_spellings_of_no_encoding(encoding: str) -> None:
    raw, body = await _read([_RAW], headers={"content-encoding": encoding})

    assert (raw, body) == (_RAW, _RAW)


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip;q=1", "\x00"])
async def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(HttpError) as refused:
        await _read([_RAW], headers={"content-encoding": encoding})

    assert (refused.value.status, refused.value.error_type) == (
        415,
        "UnsupportedMediaTypeException",
    )
