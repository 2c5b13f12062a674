"""Read the frames of JavaScript stacks, as Chrome, Firefox and Safari write them. Pure.

Chrome   `    at Cart.add (https://shop.example/app.js:1:2345)`
Firefox  `add@https://shop.example/app.js:1:2345`
Safari   `add@https://shop.example/app.js:1:2345`, `[native code]`
"""

from __future__ import annotations

__all__ = ["Frame", "stack_frames"]

import re
from typing import NamedTuple

from rum_service.events.text import clean

# aws-rum-web cuts a stack at 200 or 1,000 characters.
_MAX_STACK = 16 << 10
_MAX_LINE = 1024
_MAX_FRAMES = 100
_MAX_NUMBER = 9  # digits

_POSITION = re.compile(rf":(\d{{1,{_MAX_NUMBER}}})(?::(\d{{1,{_MAX_NUMBER}}}))?$")
# Chrome: `eval (eval at load (https://…/app.js:1:2), <anonymous>:1:76)`; the last place is the one.
_EVAL = re.compile(r"^eval at .*, (?=\S+$)")
_FIREFOX_EVAL = re.compile(r" line (\d{1,9}) > (?:eval|Function).*$")


class Frame(NamedTuple):
    """A call in a stack. Line and column are 0 where the stack does not have them."""

    function: str
    """Empty for code outside functions and for functions without a name."""
    url: str
    line: int
    column: int


def stack_frames(stack: str) -> list[Frame]:
    """Return the frames, innermost first, at most 100. Other lines are skipped."""
    frames: list[Frame] = []
    for line in stack[:_MAX_STACK].split("\n"):
        text = clean(line, _MAX_LINE).strip()
        frame = _chrome(text[3:]) if text.startswith("at ") else _firefox(text)
        if frame:
            frames.append(frame)
            if len(frames) == _MAX_FRAMES:
                break
    return frames


def _chrome(text: str) -> Frame | None:
    function, opening, place = text.partition(" (")
    if not opening or not place.endswith(")"):
        # No function: `at https://…/app.js:1:2`. Any other text is the end of a truncated stack.
        place = text.removeprefix("async ")
        return None if " " in place else _frame("", place)
    return _frame(function, _EVAL.sub("", place[:-1]))


def _firefox(text: str) -> Frame | None:
    function, at, place = text.partition("@")
    if not at or " " in function.replace("global code", "").replace("module code", ""):
        # Safari writes a place alone for functions without a name.
        if "://" in text and " " not in text and _POSITION.search(text):
            return _frame("", text)
        return None
    if place.startswith("[native code"):
        return Frame(function, "[native code]", 0, 0)
    evaluated = _FIREFOX_EVAL.search(place)
    if evaluated:
        place = f"{place[: evaluated.start()]}:{evaluated[1]}"
    return _frame(function, place) if _POSITION.search(place) else None


def _frame(function: str, place: str) -> Frame | None:
    position = _POSITION.search(place)
    if position:
        url = place[: position.start()]
        return Frame(function, url, int(position[1]), int(position[2] or 0))
    is_place = place in ("<anonymous>", "native") or place.startswith(("index ", "wasm:"))
    return Frame(function, place, 0, 0) if is_place or "://" in place else None
