"""The limits between good and poor: Apdex and web vitals.

Sources: "How CloudWatch sets Apdex scores", Amazon CloudWatch User Guide; web-vitals 4.2.4, which
aws-rum-web 3 contains.
"""

from __future__ import annotations

__all__ = ["APDEX_SATISFIED_MS", "APDEX_TOLERATED_MS", "WEB_VITALS", "Thresholds"]

from typing import NamedTuple

from rum_service.events.measures import Kind

# Limits for the duration of navigations. Apdex = (satisfied + tolerated / 2) / all.
APDEX_SATISFIED_MS = 2000
APDEX_TOLERATED_MS = 8000


class Thresholds(NamedTuple):
    """The limits for one web vital: milliseconds, or no unit for CLS."""

    good: float
    """The highest value that is good."""
    poor: float
    """Values above this one are poor."""


WEB_VITALS = {
    Kind.LCP: Thresholds(2500, 4000),
    Kind.INP: Thresholds(200, 500),
    Kind.CLS: Thresholds(0.1, 0.25),
    Kind.FCP: Thresholds(1800, 3000),
    Kind.FID: Thresholds(100, 300),
    Kind.TTFB: Thresholds(800, 1800),
}
