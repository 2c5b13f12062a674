"""An app monitor's overview in the terminal, with small charts."""

from __future__ import annotations

__all__ = ["print_overview"]

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rum.v1.insight_service_pb2 import Change, Counts, Distribution, Measures
from rum_cli.output import printable
from rum_cli.overview import Overview

_BARS = "▁▂▃▄▅▆▇█"
_BAND_WIDTH = 12
_STALE_MS = 10_000
_RATING_COLORS = ("green", "yellow", "red")
_COUNTS = {
    "sessions": "Sessions",
    "page_views": "Page views",
    "js_errors": "JavaScript errors",
    "http_5xx": "HTTP 5xx",
    "http_4xx": "HTTP 4xx",
    "http_no_response": "HTTP without response",
    "apdex": "Apdex",
}
_CHANGES = {
    "sessions": "Sessions",
    "js_error_rate": "Sessions with JavaScript errors",
    "http_5xx_rate": "HTTP 5xx rate",
    "http_4xx_rate": "HTTP 4xx rate",
    "http_no_response_rate": "Rate of HTTP requests without a response",
    "apdex": "Apdex",
    "lcp_p75": "Largest Contentful Paint",
    "inp_p75": "Interaction to Next Paint",
    "cls_p75": "Cumulative Layout Shift",
}
_NONE = "-"


def print_overview(found: Overview, console: Console) -> None:
    """Print the overview with small charts."""
    console.print(Text.assemble((found.name, "bold"), f"  {_times(found)}"), highlight=False)
    lag_ms = found.overview.freshness.lag_ms
    if lag_ms > _STALE_MS:
        console.print(f"The numbers are {lag_ms / 1000:.0f} s behind the log.", style="yellow")
    removed_before_s = found.overview.freshness.removed_before_ms / 1000
    if removed_before_s > found.after.timestamp():
        since = datetime.fromtimestamp(removed_before_s, UTC)
        console.print(f"Events before {since:%Y-%m-%d %H:%M} UTC are not kept.", style="yellow")
    for change in found.changes:
        console.print(_change(change), highlight=False)
    counts = found.overview.total.counts
    if not counts.events:
        console.print("No events in this time range.")
        return
    for table in (_counts(found), _vitals(found), _pages(found), _errors(found)):
        console.print()
        console.print(table, highlight=False)


def _times(found: Overview) -> str:
    return f"{found.after:%Y-%m-%d %H:%M} to {found.before:%Y-%m-%d %H:%M} UTC"


def _change(change: Change) -> Text:
    style = "red" if change.worse else "green"
    if change.measure == "new_error":
        release = f" in release {printable(change.release)}" if change.release else ""
        return Text(f"New error{release}: {printable(change.title)}", style=style)
    what = _CHANGES.get(change.measure, change.measure)
    where = f" on {printable(change.page)}" if change.page else ""
    verb = "rose" if change.value > change.expected else "fell"
    hours = " to ".join(
        f"{datetime.fromtimestamp(moment / 1000, UTC):%d %b %H:%M}"
        for moment in (change.after, change.before)
    )
    form = _form(change.measure)
    values = f"{form(change.value)} from {hours} UTC, usually {form(change.expected)}"
    return Text(f"{what}{where} {verb} to {values}", style=style)


def _form(measure: str) -> Callable[[float], str]:
    if measure.endswith("_rate"):
        return lambda value: f"{value:.1%}"
    if measure in ("apdex", "cls_p75"):
        return lambda value: f"{value:.2f}"
    return _ms if measure.endswith("_p75") else _number


def _counts(found: Overview) -> Table:
    table = _table("", "Total", _compared_to(found), "Change", "Over time", numbers=3)
    total = found.overview.total.counts
    # Absent if those events are not kept.
    has_before = found.overview.HasField("compared_total")
    before = found.overview.compared_total.counts if has_before else None
    for member, name in _COUNTS.items():
        form = _score if member == "apdex" else _number
        now, then = _count(total, member), _count(before, member)
        chart = _chart(getattr(found.overview.series, member))
        table.add_row(name, form(now), form(then), _difference(now, then), chart)
    return table


def _compared_to(found: Overview) -> str:
    return "Week before" if found.weeks == 1 else f"{found.weeks} weeks ago"


def _count(counts: Counts | None, member: str) -> float | None:
    if counts is None or (member == "apdex" and not counts.HasField("apdex")):
        return None
    return float(getattr(counts, member))


def _vitals(found: Overview) -> Table:
    table = _table("Vital", "p75", _compared_to(found), "Good", "Shares", "Over time", numbers=3)
    for vital in ("lcp", "inp", "cls"):
        now: Distribution = getattr(found.overview.total, vital)
        then: Distribution = getattr(found.overview.compared_total, vital)
        form = _form("cls_p75") if vital == "cls" else _ms
        cells = [form(part.p75) if part.samples else _NONE for part in (now, then)]
        good = f"{now.good / now.samples:.0%}" if now.samples else _NONE
        chart = _chart(getattr(found.overview.series, f"{vital}_p75"))
        table.add_row(vital.upper(), *cells, good, _band(now), chart)
    return table


def _pages(found: Overview) -> Table:
    titles = ("Worst pages", "Views", "LCP p75", "INP p75", "CLS p75", "Apdex", "Errors")
    table = _table(*titles, numbers=6)
    for page in found.pages:
        measures: Measures = page.measures
        counts = measures.counts
        table.add_row(
            _line(page.value or "unknown"),
            _number(counts.page_views),
            *(
                form(part.p75) if part.samples else _NONE
                for part, form in (
                    (measures.lcp, _ms),
                    (measures.inp, _ms),
                    (measures.cls, _form("cls_p75")),
                )
            ),
            _score(_count(counts, "apdex")),
            _number(counts.js_errors),
        )
    return table


def _errors(found: Overview) -> Table:
    table = _table("Errors", "Events", "Sessions", "Since", "Over time", numbers=2)
    for group in found.errors:
        title = _line(group.title, style="red" if group.is_new else "")
        cells = (_number(group.events), _number(group.sessions), printable(group.first_release))
        table.add_row(title, *cells, _chart(group.trend))
    return table


def _table(first: str, *titles: str, numbers: int) -> Table:
    """Return a table whose columns 2 to `numbers` + 1 are numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(first)  # the only one that shrinks
    for index, title in enumerate(titles):
        table.add_column(title, justify="right" if index < numbers else "left", no_wrap=True)
    return table


def _line(text: str, style: str = "") -> Text:
    """Return a client's text as one line that is cut if it is too long."""
    return Text(printable(text), style=style, no_wrap=True, overflow="ellipsis")


def _chart(values: Sequence[float]) -> str:
    """Return one bar for each value. Values below 0 mean that there is none."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return ""
    top = len(_BARS) - 1
    return "".join(" " if value < 0 else _BARS[round(value / highest * top)] for value in values)


def _band(vital: Distribution) -> Text:
    """Return a bar with the shares of good and worse values."""
    if not vital.samples:
        return Text("")
    ends, sum_ = [], 0.0
    for part in (vital.good, vital.needs_improvement, vital.poor):
        sum_ += part
        ends.append(round(sum_ / vital.samples * _BAND_WIDTH))
    band = Text()
    for color, start, end in zip(_RATING_COLORS, [0, *ends], ends, strict=False):
        band.append("█" * (end - start), style=color)
    return band


def _difference(now: float | None, then: float | None) -> str:
    if now is None or not then:
        return _NONE
    return f"{(now - then) / then:+.0%}"


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"


def _score(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2f}"


def _ms(value: float) -> str:
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.0f} ms"
