"""Draws CPU for each put as an SVG bar chart."""

from __future__ import annotations

__all__ = ["chart"]

from statistics import median
from xml.sax.saxutils import escape

from bench.results import Results

_CASES = ("REST, 1 event", "REST, 50 events", "gRPC, 1 event", "gRPC, 50 events")
_COLORS = {"no-op": "#9aa5b1", "Envoy + service": "#d08700", "naive": "#b3402e"}
_OURS = "#2563a8"
_WIDTH, _LABELS, _BARS = 800, 250, 460
_BAR, _TITLE, _MARGIN = 20, 34, 12
_FONT = "font-family='system-ui, sans-serif'"


def chart(results: Results) -> str:
    """Return an SVG document with a group of bars for each case.

    Each group has its own scale: its longest bar has the full width.
    """
    parts: list[str] = []
    y = _MARGIN
    for case in _CASES:
        cpu = {
            name: median(each.cpu_ms for each in measured)
            for name, measured in results.cases.get(case, {}).items()
        }
        if not cpu:
            continue
        parts.append(_text(_MARGIN, y + 20, f"{case}: CPU ms for each put", bold=True))
        y += _TITLE
        for name, value in cpu.items():
            parts += _bar(y, name, value, max(cpu.values()))
            y += _BAR
        y += _MARGIN
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{_WIDTH}' height='{y}' "
        f"viewBox='0 0 {_WIDTH} {y}' role='img' aria-label='CPU for each put'>"
    )
    background = f"<rect width='{_WIDTH}' height='{y}' fill='#ffffff'/>"
    return "\n".join([head, background, *parts, "</svg>"]) + "\n"


def _bar(y: int, name: str, value: float, longest: float) -> list[str]:
    width = max(1.0, value / longest * _BARS)
    color = _COLORS.get(name, _OURS)
    return [
        _text(_LABELS - 8, y + 14, name, anchor="end"),
        f"<rect x='{_LABELS}' y='{y + 3}' width='{width:.1f}' height='{_BAR - 6}' fill='{color}'/>",
        _text(_LABELS + round(width) + 6, y + 14, f"{value:.3f}"),
    ]


def _text(x: int, y: int, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = " font-weight='bold'" if bold else ""
    return (
        f"<text x='{x}' y='{y}' {_FONT} font-size='13' fill='#1f2933' "
        f"text-anchor='{anchor}'{weight}>{escape(text)}</text>"
    )
