from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_service.events.fingerprint import error_fingerprint, error_title, frame_label
from tests.support import traffic

_STACK = (
    "RangeError: total of order {order}\n"
    "    at sum (https://cdn.example/a/cart.{hash}.js:{line}:{column})\n"
    "    at o.dispatch (https://cdn.example/a/vendor.11c0.js:1:{column})\n"
    "    at https://shop.example/checkout.html?m={order}:{line}:5\n"
    "    at f{order} (https://cdn.example/a/far.js:1:1)"
)


def _fingerprint(
    message: str = "total of order 17", error_type: str = "RangeError", **parts: object
) -> str:
    shown = {"order": 17, "hash": "3f9d2c1a", "line": 1, "column": 99, **parts}
    return error_fingerprint(error_type, message, _STACK.format(**shown), "")


def test_a_fingerprint_has_16_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{16}", _fingerprint())


def test_lines_columns_and_content_hashes_do_not_split_a_group() -> None:
    assert _fingerprint(line=7, column=20311, hash="00c0ffee", order=18) == _fingerprint()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17", "order 4,711.50"),
        ("user 'u17' is gone", "user 'x-99-z' is gone"),
        ("GET https://a.example/x?1 failed", "GET https://b.example/ failed"),
        ("mail to ann@example.org", "mail to bob@example.com"),
        (
            "no 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "no 00000000-0000-4000-8000-000000000001",
        ),
        ("token 9f1c2ab0 at 0xDEAD", "token ab12cd34ef at 0x1"),
    ],
)
def test_variable_parts_of_a_message_do_not_split_a_group(one: str, other: str) -> None:
    assert _fingerprint(one) == _fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("reading 'price'", "reading 'name'"),
        ("can't read the user's name", "can't read the user's age"),
        ("cart is empty", "cart is full"),
    ],
)
def test_other_messages_are_other_groups(one: str, other: str) -> None:
    assert _fingerprint(one) != _fingerprint(other)


def test_another_type_is_another_group() -> None:
    assert _fingerprint() != _fingerprint(error_type="TypeError")


def test_another_function_is_another_group() -> None:
    one, other = (f"    at {name} (https://a.example/x.js:1:1)" for name in ("add", "remove"))

    assert error_fingerprint("E", "m", one, "") != error_fingerprint("E", "m", other, "")


def test_the_depth_of_a_recursion_does_not_split_a_group() -> None:
    frame = "    at walk (https://a.example/x.js:1:{})\n"
    last = "    at start (https://a.example/x.js:9:9)"
    one, other = ("".join(frame.format(n) for n in range(depth)) + last for depth in (2, 9))

    assert error_fingerprint("E", "m", one, "") == error_fingerprint("E", "m", other, "")


def test_the_same_frames_in_chrome_firefox_and_safari_are_one_group() -> None:
    place = "https://a.example/x.js:1:2"

    assert error_fingerprint("E", "m", f"E: m\n    at Cart.add ({place})", "") == (
        error_fingerprint("E", "m", f"add@{place}", "")
    )


def test_without_a_stack_the_file_counts() -> None:
    assert error_fingerprint("E", "m", "", "https://a.example/x.js") != (
        error_fingerprint("E", "m", "", "https://a.example/y.js")
    )


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("https://a.example/assets/app.3f9d2c1a.js", "app.js"),
        ("https://a.example/assets/app-3f9d2c1a.min.js", "app.min.js"),
        ("https://a.example/assets/index-DpYx3K2a.js", "index.js"),
        ("https://a.example/assets/index-BkQzXaLw.js", "index.js"),
        ("https://a.example/assets/index-settings.js?v=1", "index-settings.js"),
        ("https://a.example/v2/jquery-3.js", "jquery-3.js"),
        ("webpack-internal:///./src/cart.tsx", "cart.tsx"),
        ("https://a.example/checkout.html?m=1", "<page>"),
        ("https://a.example/", "<page>"),
    ],
)
def test_a_frame_is_labelled_with_its_file_without_hash(url: str, file: str) -> None:
    assert frame_label(f"    at f ({url}:1:2)", "") == f"{file}:f"


def test_thrown_texts_form_one_group() -> None:
    first, second = (f"order {number} has failed" for number in (17, 4711))

    assert error_fingerprint(first, first, "", "") == error_fingerprint(second, second, "", "")
    assert error_title(first, first) == first


def test_an_error_title_is_one_short_line() -> None:
    assert error_title("TypeError", "a\nb") == "TypeError: a b"
    assert error_title("", "Script error.") == "Script error."
    assert len(error_title("E" * 5000, "m" * 5000)) == 300


def test_captured_errors_form_one_group_for_each_cause() -> None:
    groups: dict[str, set[str]] = {}
    for name in traffic.NAMES:
        for request in traffic.load(name):
            for event in (request.document or {}).get("RumEvents", []):
                if event["type"].endswith("js_error_event"):
                    error = json.loads(event["details"])
                    cause = re.sub(r"\d+", "N", error["message"])
                    members = ("type", "message", "stack", "filename")
                    fingerprint = error_fingerprint(*(error.get(m, "") for m in members))
                    groups.setdefault(cause, set()).add(fingerprint)

    assert len(groups) == 5
    assert all(len(fingerprints) == 1 for fingerprints in groups.values())


_HOSTILE = st.text(alphabet="a1'\"`@.-_:/ ()\n", max_size=1500) | st.text(st.characters())


@given(_HOSTILE, _HOSTILE, _HOSTILE, _HOSTILE)
def test_any_text_gives_a_fingerprint_and_a_title(
    error_type: str, message: str, stack: str, filename: str
) -> None:
    assert len(error_fingerprint(error_type, message, stack, filename)) == 16
    error_title(error_type, message).encode()
    frame_label(stack, filename).encode()
