"""The ratios to reach: what OpenRUM costs in proportion to its peers, beside the limit of each."""

from __future__ import annotations

__all__ = ["AGAINST", "OURS", "ROWS", "Row", "spread"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.results import Results

OURS, AGAINST = "OpenRUM", "against"

_Values = Callable[[Results, str], list[float]]


@dataclass(frozen=True)
class Row:
    """A ratio, and the limit that it must keep."""

    name: str
    values: _Values
    """Returns the ratio in each round for OURS or AGAINST. Empty: not measured."""
    limit: float | None = None
    """None: the ratio is shown for information."""
    at_least: bool = False
    """Whether the limit is a minimum. Otherwise, it is a maximum."""
    unit: str = ""

    def limit_text(self) -> str:
        """Return the limit for people."""
        if self.limit is None:
            return ""
        return f"at {'least' if self.at_least else 'most'} {self.limit:g}{self.unit}"

    def is_met(self, values: Sequence[float]) -> bool | None:
        """Return whether the median keeps the limit, or None if that is not known."""
        if self.limit is None or not values:
            return None
        middle = median(values)
        return middle >= self.limit if self.at_least else middle <= self.limit


def spread(values: Sequence[float], show: Callable[[float], str] = "{:.2f}".format) -> str:
    """Return the median, with the smallest and largest value."""
    if len(values) == 1:
        return show(values[0])
    return f"{show(median(values))} ({show(min(values))}-{show(max(values))})"


def _cpu(case: str, variant: str | None = None, *, over: str, over_case: str = "") -> _Values:
    """Return the CPU of a variant over that of another. None, and `ours`, stand for OpenRUM."""

    def values(results: Results, subject: str) -> list[float]:
        measured = results.cpu_ms(case, _named(variant or OURS, subject))
        other = results.cpu_ms(over_case or case, _named(over, subject))
        return [a / b for a, b in zip(measured, other, strict=False)]

    return values


def _named(variant: str, subject: str) -> str:
    """Return a variant's name with OURS replaced by the checkout that is looked at."""
    return variant.replace(OURS, subject, 1) if variant.startswith(OURS) else variant


def _other(name: str, *, over: str = "") -> _Values:
    def values(results: Results, subject: str) -> list[float]:
        prefix = "" if subject == OURS else f"{subject} "
        measured = results.other.get(prefix + name, [])
        if not over:
            return measured
        other = results.other.get(prefix + over, [])
        return [a / b for a, b in zip(measured, other, strict=False)]

    return values


_SHORT, _LONG = "short log", "preloaded log"
_ONE_PROCESS = f"{OURS}, one process"

ROWS = (
    Row("gRPC put of 50 events over the no-op", _cpu("gRPC, 50 events", over="no-op"), 1.6),
    Row("gRPC put of 10 events over the no-op", _cpu("gRPC, 10 events", over="no-op"), 1.35),
    Row("gRPC put of 1 event over the no-op", _cpu("gRPC, 1 event", over="no-op"), 1.15),
    Row(
        "BatchPut of 32 x 1 event, each put, over the unary no-op",
        _cpu("gRPC, 32 batches of 1 event", over="no-op", over_case="gRPC, 1 event"),
        0.17,
    ),
    Row("REST put of 50 events over the no-op", _cpu("REST, 50 events", over="no-op"), 7.8),
    Row("REST put of 1 event over the no-op", _cpu("REST, 1 event", over="no-op"), 3.9),
    Row(
        "one process, REST put of 50 events over the no-op",
        _cpu("REST, 50 events", _ONE_PROCESS, over="no-op"),
    ),
    Row(
        "one process, REST put of 1 event over the no-op",
        _cpu("REST, 1 event", _ONE_PROCESS, over="no-op"),
    ),
    Row(
        "REST put of 50 events over Envoy and the same service",
        _cpu("REST, 50 events", over="Envoy + service"),
        0.5,
    ),
    Row(
        "one process, REST put of 50 events over Envoy and the same service",
        _cpu("REST, 50 events", _ONE_PROCESS, over="Envoy + service"),
    ),
    Row(
        "signed over open, REST put of 1 event",
        _cpu("REST, 1 event", f"{OURS}, signed", over=OURS),
        1.3,
    ),
    Row(
        "policy * over open, REST put of 1 event",
        _cpu("REST, 1 event", f"{OURS}, policy *", over=OURS),
    ),
    Row(
        "policy * over open, gRPC put of 50 events",
        _cpu("gRPC, 50 events", f"{OURS}, policy *", over=OURS),
    ),
    Row(
        "PostgreSQL over SQLite, gRPC put of 50 events, service",
        _cpu("gRPC, 50 events", f"{OURS} on PostgreSQL", over=OURS),
        1.1,
    ),
    Row(
        "preloaded over short log, gRPC put of 50 events",
        _cpu("gRPC, 50 events", f"{OURS}, preloaded", over=OURS),
        1.05,
    ),
    Row(
        "preloaded over short log, newest page",
        _other(f"newest, {_LONG}", over=f"newest, {_SHORT}"),
        1.2,
    ),
    Row(
        "preloaded over short log, oldest page by time",
        _other(f"oldest, {_LONG}", over=f"oldest, {_SHORT}"),
        1.2,
    ),
    Row(
        "page whose filter matches nothing, preloaded log, service",
        _other(f"without a match, {_LONG}"),
        60,
        unit=" ms",
    ),
    Row(
        "puts/s beside one worst-case reader, over without",
        _other("puts beside a reader"),
        0.8,
        at_least=True,
    ),
    Row(
        "peak memory of a process, 64 connections, 100 events",
        _other("peak_mb"),
        150,
        unit=" MB",
    ),
    Row("idle CPU of both processes", _other("idle_percent"), 0.5, unit=" %"),
    Row("start to first accepted put, empty folder", _other("start_s"), 1, unit=" s"),
    Row(
        "naive over OpenRUM, REST put of 50 events",
        _cpu("REST, 50 events", "naive", over=OURS),
        12,
        at_least=True,
    ),
    Row(
        "naive over OpenRUM, REST put of 1 event",
        _cpu("REST, 1 event", "naive", over=OURS),
        10,
        at_least=True,
    ),
    Row(
        "naive over OpenRUM, gRPC put of 50 events",
        _cpu("gRPC, 50 events", "naive", over=OURS),
        8,
        at_least=True,
    ),
    Row("naive over OpenRUM, gRPC put of 1 event", _cpu("gRPC, 1 event", "naive", over=OURS)),
    Row("naive over the no-op, gRPC put of 1 event", _cpu("gRPC, 1 event", "naive", over="no-op")),
)
