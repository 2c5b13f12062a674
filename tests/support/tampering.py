"""Changes to a signed request. Each raises AssertionError if it would change nothing."""

from __future__ import annotations

__all__ = [
    "Case",
    "after",
    "body",
    "doubled",
    "flipped",
    "header",
    "only",
    "path",
    "plus",
    "query",
    "same",
    "value",
    "without",
]

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeAlias

from tests.support.signing import Request

Change: TypeAlias = Callable[[Request], Request]


@dataclass(frozen=True)
class Case:
    """A signed request, a change to it, and the expected outcome."""

    name: str
    base: Request
    change: Change
    expected: str
    credentials: dict[str, Any] = field(default_factory=dict)


def body(change: Callable[[bytes], bytes]) -> Change:
    return lambda r: replace(r, body=change(r.body))


def path(old: bytes, new: bytes) -> Change:
    return lambda r: replace(r, path=swapped(r.path, old, new))


def query(old: bytes, new: bytes) -> Change:
    return lambda r: replace(r, query=swapped(r.query, old, new))


def header(name: bytes, old: bytes, new: bytes) -> Change:
    return lambda r: r.with_header(name, lambda value: swapped(value, old, new))


def without(name: bytes) -> Change:
    return lambda r: r.without_header(name)


def plus(name: bytes, value: bytes) -> Change:
    return lambda r: r.plus_header(name, value)


def after(seconds: float) -> Change:
    """Set the server's clock to this long after the request was signed."""
    return lambda r: replace(r, now=r.now.replace(microsecond=0) + timedelta(seconds=seconds))


def value(name: bytes, new: bytes | None) -> Change:
    """Replace the value of a query parameter; None removes the parameter."""

    def change(r: Request) -> Request:
        pairs = [pair.split(b"=") for pair in r.query.split(b"&")]
        assert name in dict(pairs), name
        kept = [(n, new if n == name else v) for n, v in pairs if n != name or new is not None]
        return replace(r, query=b"&".join(n + b"=" + (v or b"") for n, v in kept))

    return change


def doubled(name: bytes) -> Change:
    """Repeat a query parameter with the same value."""

    def change(r: Request) -> Request:
        (pair,) = [pair for pair in r.query.split(b"&") if pair.startswith(name + b"=")]
        return replace(r, query=r.query + b"&" + pair)

    return change


def only(name: bytes) -> Change:
    """Remove every other query parameter."""

    def change(r: Request) -> Request:
        (pair,) = [pair for pair in r.query.split(b"&") if pair.startswith(name + b"=")]
        return replace(r, query=pair)

    return change


def swapped(text: bytes, old: bytes, new: bytes) -> bytes:
    assert old in text, (old, text)
    return text.replace(old, new, 1)


def flipped(text: bytes) -> bytes:
    return text[:-1] + bytes([text[-1] ^ 1])


def same(r: Request) -> Request:
    return r
