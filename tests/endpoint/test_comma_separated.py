"""Lists in environment variables."""

from __future__ import annotations

import pytest

from rum_endpoint.comma_separated import split_items


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (" a , b ", ["a", "b"]),
        ("10.0.0.0/8,::1", ["10.0.0.0/8", "::1"]),
        ("", []),
        ("  ", []),
        (["a,b"], ["a,b"]),
        (None, None),
    ],
)
def test_text_is_split_at_commas(value: object, items: object) -> None:
    assert split_items(value, example="x,y") == items


@pytest.mark.parametrize("text", ["a,", ",a", "a,,b", ",", "a, ,b"])
def test_an_empty_item_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="has an empty item; separate items by one comma: x,y"):
        split_items(text, example="x,y")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('["10.0.0.0/8", "::1"]', "10.0.0.0/8,::1"),
        (' ["a"]', "a"),
        ("[]", "x,y"),
        ("[1]", "x,y"),
        ("[a", "x,y"),
        ("[" * 10_000, "x,y"),
    ],
    ids=lambda value: value[:20],
)
def test_a_json_array_is_rejected_with_the_new_form(text: str, shown: str) -> None:
    with pytest.raises(ValueError, match="without brackets or quotes") as error:
        split_items(text, example="x,y")

    assert str(error.value).endswith(f"without brackets or quotes: {shown}")
