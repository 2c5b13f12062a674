from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rum_service.events.stack import Frame, stack_frames

_APP = "https://shop.example/app.js"

_CHROME = f"""TypeError: Cannot read properties of null (reading 'x')
    at Cart.add ({_APP}:1:2345)
    at async Promise.all (index 0)
    at new Basket ({_APP}?v=2:30:1)
    at https://shop.example/a/(shop)/page.js:9:58
    at JSON.parse (<anonymous>)
    at eval (eval at evaluate ({_APP}:370:30), <anonymous>:1:76)
    at Object.cut (http://shop.exam..."""

_FIREFOX = f"""add@{_APP}:1:2345
@{_APP}:2:1
async*load@{_APP}:3:4
run/<@{_APP} line 5 > eval:1:2
"""

_SAFARI = f"""add@{_APP}:1:2345
[native code]
forEach@[native code]
{_APP}:7:8
global code@https://shop.example/:9:10"""


def test_frames_of_chrome() -> None:
    assert stack_frames(_CHROME) == [
        Frame("Cart.add", _APP, 1, 2345),
        Frame("async Promise.all", "index 0", 0, 0),
        Frame("new Basket", f"{_APP}?v=2", 30, 1),
        Frame("", "https://shop.example/a/(shop)/page.js", 9, 58),
        Frame("JSON.parse", "<anonymous>", 0, 0),
        Frame("eval", "<anonymous>", 1, 76),
    ]


def test_frames_of_firefox() -> None:
    assert stack_frames(_FIREFOX) == [
        Frame("add", _APP, 1, 2345),
        Frame("", _APP, 2, 1),
        Frame("async*load", _APP, 3, 4),
        Frame("run/<", _APP, 5, 0),
    ]


def test_frames_of_safari() -> None:
    assert stack_frames(_SAFARI) == [
        Frame("add", _APP, 1, 2345),
        Frame("forEach", "[native code]", 0, 0),
        Frame("", _APP, 7, 8),
        Frame("global code", "https://shop.example/", 9, 10),
    ]


def test_text_that_is_no_stack_has_no_frames() -> None:
    assert stack_frames("Error: mail ann@example.org at 10:30") == []


def test_at_most_100_frames_are_read() -> None:
    assert len(stack_frames("    at f (a.js:1:2)\n" * 500)) == 100


@given(st.text(alphabet="at (:@/\n.<>1x5[ ", max_size=400) | st.text(st.characters()))
def test_any_text_can_be_read(stack: str) -> None:
    for frame in stack_frames(stack):
        frame.function.encode()
        frame.url.encode()
        assert frame.line >= 0
        assert frame.column >= 0
