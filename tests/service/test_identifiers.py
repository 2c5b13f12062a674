"""UUIDs, one at a time and many at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_service.events.identifiers import UUID_PATTERN, are_uuids, is_uuid

_UUID = "00000000-aAfF-9999-0000-0123456789ab"
_texts = st.one_of(
    st.from_regex(UUID_PATTERN, fullmatch=True),
    st.text(alphabet="0aFgx-\n", max_size=40),
    st.just(f"{_UUID}\n{_UUID}"),
)


@given(st.lists(_texts, max_size=4))
def test_several_texts_are_uuids_if_each_one_is(texts: list[str]) -> None:
    assert are_uuids(texts) == all(map(is_uuid, texts))


@pytest.mark.parametrize(
    "texts",
    [
        ["xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"],
        [f"{_UUID}\n{_UUID}"],
        [f"{_UUID}\n{_UUID}", ""],
        [_UUID, _UUID + "\n"],
        [_UUID.replace("9", "\N{ARABIC-INDIC DIGIT NINE}")],
        [""],
    ],
)
def test_texts_that_resemble_uuids_are_rejected(texts: list[str]) -> None:
    assert not are_uuids(texts)
