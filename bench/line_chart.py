"""Draws lines as an SVG document."""

from __future__ import annotations

__all__ = ["line_chart"]

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Lines = Mapping[str, Sequence[tuple[float, float]]]

_COLORS = ("#2563a8", "#d08700", "#b3402e", "#5b7a3d")
_WIDTH, _HEIGHT, _MARGIN, _TICKS = 400, 260, 50, 4
_FONT = "font-family='system-ui, sans-serif' font-size='12' fill='#1f2933'"


def line_chart(panels: Sequence[tuple[str, Lines]], *, x_label: str) -> str:
    """Return an SVG document with panels side by side, each with a title and its lines."""
    width = _WIDTH * len(panels)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{_HEIGHT}' "
        f"viewBox='0 0 {width} {_HEIGHT}' role='img' aria-label='{escape(panels[0][0])}'>",
        f"<rect width='{width}' height='{_HEIGHT}' fill='#ffffff'/>",
    ]
    for number, (title, lines) in enumerate(panels):
        parts.append(f"<g transform='translate({number * _WIDTH} 0)'>")
        parts += _panel(title, lines, x_label)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(title: str, lines: Lines, x_label: str) -> list[str]:
    points = [point for line in lines.values() for point in line]
    right, top = max(x for x, _ in points), max(y for _, y in points) or 1.0
    parts = [_text(_MARGIN, 20, title, weight="bold")]
    parts.append(_text(_WIDTH // 2, _HEIGHT - 8, x_label))
    for tick in range(_TICKS + 1):
        x, y = _at(right * tick / _TICKS, top * tick / _TICKS, right, top)
        parts.append(_text(x, _HEIGHT - _MARGIN + 18, f"{right * tick / _TICKS:g}", "middle"))
        parts.append(_text(_MARGIN - 6, y + 4, f"{top * tick / _TICKS:.2g}", "end"))
        parts.append(
            f"<line x1='{_MARGIN}' x2='{_WIDTH - 20}' y1='{y:.0f}' y2='{y:.0f}' stroke='#d9dee3'/>"
        )
    for color, (name, line) in zip(_COLORS, lines.items(), strict=False):
        path = " ".join("{:.1f},{:.1f}".format(*_at(x, y, right, top)) for x, y in line)
        parts.append(f"<polyline points='{path}' fill='none' stroke='{color}' stroke-width='2'/>")
        x, y = _at(*line[-1], right, top)
        parts.append(f"<text x='{x:.0f}' y='{y - 6:.0f}' {_FONT} text-anchor='end'>{name}</text>")
    return parts


def _at(x: float, y: float, right: float, top: float) -> tuple[float, float]:
    across = _MARGIN + x / right * (_WIDTH - _MARGIN - 20)
    return across, _HEIGHT - _MARGIN - y / top * (_HEIGHT - 2 * _MARGIN + 15)


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f"<text x='{x:.0f}' y='{y:.0f}' {_FONT} text-anchor='{anchor}' font-weight='{weight}'>"
        f"{escape(text)}</text>"
    )
