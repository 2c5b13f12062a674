"""ListChanges: compares a selection with the same hours of the weeks before."""

from __future__ import annotations

__all__ = ["list_changes"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import sqrt

from rum.v1 import insight_service_pb2 as pb
from rum_projector.insight.call import Call
from rum_projector.insight.changes import MEASURES, Change, Hour, Statistic, find_changes
from rum_projector.insight.selection import selection_of
from rum_projector.insight.unusual_pages import changed_pages
from rum_projector.queries import errors
from rum_projector.queries.base import Selection
from rum_projector.queries.hour_sums import Range
from rum_projector.queries.hours import (
    HOUR_MS,
    MINUTE_MS,
    Hours,
    first_event_ms,
    has_events,
    hours,
)
from rum_service.events import measures

_WEEK_MS = 7 * 24 * HOUR_MS
_WEEKS = 4
_MAX_CHANGES = 20
# Longer ranges would be compared with themselves. Of them, the last days count.
_MAX_RANGE_MS = 31 * 24 * HOUR_MS
# Clients send events some seconds after they happen.
_DELAY_MS = 60_000
_LEAST_SESSIONS = 3
_NEW_ERRORS = 200


def _level(kind: measures.Kind) -> Callable[[Hours], Hour]:
    def level(hour: Hours) -> Hour:
        samples, value = hour.percentiles.get(kind, (0, 0.0))
        return Hour(value, samples)

    return level


def _share(part: str, whole: str) -> Callable[[Hours], Hour]:
    return lambda hour: Hour(hour.numbers[part], hour.numbers[whole])


def _apdex(hour: Hours) -> Hour:
    satisfied, tolerated, frustrated = (
        hour.numbers[f"navigations_{name}"] for name in ("satisfied", "tolerated", "frustrated")
    )
    return Hour(satisfied + tolerated / 2, satisfied + tolerated + frustrated)


_HOURS: Mapping[str, Callable[[Hours], Hour]] = {
    "sessions": lambda hour: Hour(hour.numbers["sessions"]),
    "js_error_rate": _share("error_sessions", "sessions"),
    "http_5xx_rate": _share("http_5xx", "http_requests"),
    "http_4xx_rate": _share("http_4xx", "http_requests"),
    "http_no_response_rate": _share("http_no_response", "http_requests"),
    "apdex": _apdex,
    "lcp_p75": _level(measures.Kind.LCP),
    "inp_p75": _level(measures.Kind.INP),
    "cls_p75": _level(measures.Kind.CLS),
}


def list_changes(call: Call, request: pb.ListChangesRequest) -> pb.ListChangesResponse:
    """Return what is unusual in a selection."""
    selection = selection_of(call.monitor, request.after, request.before, request.filter)
    # What has not been projected yet would look like a loss of visitors.
    known_ms = (call.now_ms - call.freshness.lag_ms - _DELAY_MS) // MINUTE_MS * MINUTE_MS
    before_ms = min(selection.before_ms, known_ms)
    after_ms = max(selection.after_ms, before_ms - _MAX_RANGE_MS)
    if call.freshness.rebuilding or before_ms <= after_ms:
        return pb.ListChangesResponse()
    selection = replace(selection, after_ms=after_ms, before_ms=before_ms)
    weeks = list(_weeks_before(call, selection))
    if not weeks:
        return pb.ListChangesResponse()
    current, *before = hours(call.query, [Range(selection), *weeks])
    whole = list(_found(current, before))
    changes = [
        *(_change(selection, found) for found in whole),
        *_of_pages(call, selection, weeks, whole),
        *_new_errors(call, selection, len(weeks)),
    ]
    changes.sort(key=lambda change: -change.score)
    return pb.ListChangesResponse(changes=changes[:_MAX_CHANGES], weeks=len(weeks))


def _weeks_before(call: Call, selection: Selection) -> Iterator[Range]:
    """Yield the same hours of the weeks before that have events."""
    began_ms = first_event_ms(call.query, call.monitor)
    for number in range(1, _WEEKS + 1):
        week = selection.at(selection.after_ms - number * _WEEK_MS)
        if began_ms is None or max(began_ms, call.removed_before_ms) >= week.after_ms + HOUR_MS:
            # A part would mislead.
            return
        if has_events(call.query, week):
            yield Range(week)


def _of_pages(
    call: Call,
    selection: Selection,
    weeks: Sequence[Range],
    whole: Sequence[Change],
) -> Iterator[pb.Change]:
    """Yield what is unusual on single pages, and not on all of them."""
    shares = {
        name: of for name, of in _HOURS.items() if MEASURES[name].statistic is Statistic.SHARE
    }
    for page, found in changed_pages(call.query, selection, weeks, shares, whole):
        change = _change(selection, found)
        change.page = page
        yield change


def _found(current: Sequence[Hours], weeks: Sequence[Sequence[Hours]]) -> Iterator[Change]:
    for name, hour_of in _HOURS.items():
        yield from find_changes(
            MEASURES[name],
            [hour_of(hour) for hour in current],
            [[hour_of(hour) for hour in week] for week in weeks],
        )


def _change(selection: Selection, found: Change) -> pb.Change:
    first_ms = selection.after_ms // HOUR_MS * HOUR_MS
    return pb.Change(
        measure=found.measure.name,
        after=max(selection.after_ms, first_ms + found.first * HOUR_MS),
        before=min(selection.before_ms, first_ms + (found.last + 1) * HOUR_MS),
        value=found.value,
        expected=found.expected,
        worse=found.is_worse,
        score=found.score,
    )


def _new_errors(call: Call, selection: Selection, weeks: int) -> Iterator[pb.Change]:
    """Yield the errors that were first seen in the selection and affect several sessions."""
    for group in errors.groups(
        call.query, selection, order="first_seen", offset=0, limit=_NEW_ERRORS
    ):
        if group.is_new and group.sessions >= _LEAST_SESSIONS:
            yield pb.Change(
                measure="new_error",
                after=group.first_seen,
                before=group.last_seen + 1,
                value=group.sessions,
                worse=True,
                fingerprint=group.fingerprint,
                title=group.title,
                release=group.first_release,
                # Like a count that is 0 in all the weeks before: see `changes`.
                score=group.sessions / sqrt(1 + 1 / weeks),
            )
