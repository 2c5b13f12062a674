"""Escapes of lone surrogates are replaced, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_bridge.errors import HttpError
from rum_bridge.json_text import load_json
from rum_bridge.surrogates import without_lone_surrogates

_PARTS = st.sampled_from(
    [r"\ud83d", r"\uDE00", r"\uDBFF", r"\udfff", r"\\", r"\"", r"\n", r"\u0041", "ud83d", "a", "é"]
)


@given(text=st.lists(_PARTS, max_size=12).map("".join))
def test_lone_surrogates_are_replaced_as_python_would(text: str) -> None:
    body = f'"{text}"'
    # Python's parser keeps lone surrogates and joins pairs.
    expected = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in json.loads(body))

    assert json.loads(without_lone_surrogates(body.encode())) == expected


@given(body=st.binary(max_size=50))
def test_a_body_without_surrogates_is_unchanged(body: bytes) -> None:
    assert without_lone_surrogates(body) == body


@pytest.mark.parametrize(
    "body",
    [b'{"a":"\\ud800","b":"\0\0"}', b'{"a":"\\ud800","b":\0\0}', b'{"a":"\\UD800"}'],
    ids=["zeros in a string", "zeros", "upper-case escape"],
)
def test_a_surrogate_makes_nothing_else_valid(body: bytes) -> None:
    with pytest.raises(HttpError) as error:
        load_json(body)

    assert error.value.message == "The body is not JSON."


def test_more_than_100_000_lone_surrogates_are_rejected() -> None:
    def load(count: int) -> object:
        return load_json(b'{"a":"%b"}' % (rb"\udc00" * count))

    assert load(100_000) == {"a": "\ufffd" * 100_000}
    with pytest.raises(HttpError):
        load(100_001)
