"""ListChanges: compares a selection with the same hours of the weeks before."""

from __future__ import annotations

__all__ = ["list_changes"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import sqrt

from rum.v1 import insight_service_pb2 as pb
from rum_projector.insight.asked import Asked
from rum_projector.insight.changes import MEASURES, Found, Hour, find_changes
from rum_projector.insight.selection import selection_of
from rum_projector.queries import errors
from rum_projector.queries.base import Selection
from rum_projector.queries.hours import HOUR_MS, Hours, first_event_ms, hours
from rum_service.events.measures import Kind

_WEEK_MS = 7 * 24 * HOUR_MS
_WEEKS = 4
_MAX_CHANGES = 20
# Longer ranges would be compared with themselves. Of them, the last days count.
_MAX_RANGE_MS = 31 * 24 * HOUR_MS
# Clients send events some seconds after they happen.
_DELAY_MS = 60_000
_LEAST_SESSIONS = 3
_NEW_ERRORS = 200


def _level(kind: Kind) -> Callable[[Hours], Hour]:
    def level(hour: Hours) -> Hour:
        samples, value = hour.percentiles.get(kind, (0, 0.0))
        return Hour(value, samples)

    return level


def _http(member: str) -> Callable[[Hours], Hour]:
    return lambda h: Hour(getattr(h.counted, member), h.counted.http_requests)


_HOURS: Mapping[str, Callable[[Hours], Hour]] = {
    "sessions": lambda h: Hour(h.sessions),
    "js_error_rate": lambda h: Hour(h.error_sessions, h.sessions),
    "http_5xx_rate": _http("http_5xx"),
    "http_4xx_rate": _http("http_4xx"),
    "http_no_response_rate": _http("http_no_response"),
    "apdex": lambda h: Hour(h.counted.satisfied + h.counted.tolerated / 2, h.counted.navigations),
    "lcp_p75": _level(Kind.LCP),
    "inp_p75": _level(Kind.INP),
    "cls_p75": _level(Kind.CLS),
}


def list_changes(asked: Asked, request: pb.ListChangesRequest) -> pb.ListChangesResponse:
    """Return what is unusual in a selection."""
    selection = selection_of(asked.monitor, request.after, request.before, request.filter)
    # What has not been projected yet would look like a loss of visitors.
    known_ms = asked.now_ms - asked.freshness.lag_ms - _DELAY_MS
    before_ms = min(selection.before_ms, known_ms)
    after_ms = max(selection.after_ms, before_ms - _MAX_RANGE_MS)
    if asked.freshness.rebuilding or before_ms <= after_ms:
        return pb.ListChangesResponse()
    selection = replace(selection, after_ms=after_ms, before_ms=before_ms)
    current, weeks = _compared(asked, selection)
    changes = [
        *(_change(selection, found) for found in _found(current, weeks)),
        *_new_errors(asked, selection, len(weeks)),
    ]
    changes.sort(key=lambda change: -change.score)
    return pb.ListChangesResponse(changes=changes[:_MAX_CHANGES], weeks=len(weeks))


def _compared(asked: Asked, selection: Selection) -> tuple[list[Hours], list[list[Hours]]]:
    """Return the hours of the selection, and those of each week before that has events."""
    first_ms = selection.after_ms // HOUR_MS * HOUR_MS
    current = hours(asked.query, selection, first_ms=first_ms)
    began_ms = first_event_ms(asked.query, asked.monitor)
    weeks = []
    for number in range(1, _WEEKS + 1):
        shift_ms = number * _WEEK_MS
        week = selection.at(selection.after_ms - shift_ms)
        if began_ms is None or began_ms >= week.after_ms + HOUR_MS:  # a part would mislead
            break
        found = hours(asked.query, week, first_ms=first_ms - shift_ms)
        if any(hour.sessions for hour in found):
            weeks.append(found)
    return current, weeks


def _found(current: Sequence[Hours], weeks: Sequence[Sequence[Hours]]) -> Iterator[Found]:
    for name, hour_of in _HOURS.items():
        yield from find_changes(
            MEASURES[name],
            [hour_of(hour) for hour in current],
            [[hour_of(hour) for hour in week] for week in weeks],
        )


def _change(selection: Selection, found: Found) -> pb.Change:
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


def _new_errors(asked: Asked, selection: Selection, weeks: int) -> Iterator[pb.Change]:
    """Yield the errors that were first seen in the selection and affect several sessions."""
    if not weeks:  # every error would be new
        return
    for group in errors.groups(
        asked.query, selection, order="first_seen", offset=0, limit=_NEW_ERRORS
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
                # As of a count of which the weeks before have none: see `changes`.
                score=group.sessions / sqrt(1 + 1 / weeks),
            )
