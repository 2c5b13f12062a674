"""The events of one visit, as aws-rum-web sends them: batches of one session."""

from __future__ import annotations

__all__ = ["Conditions", "batches_of_visit"]

import random
from dataclasses import dataclass

from bench.demo.page_events import (
    add_error,
    add_http_request,
    add_interactions,
    add_load,
    add_resources,
    add_route_change,
    add_vitals,
)
from bench.demo.session import SentBatch, Session
from bench.demo.shop import ERRORS, SLOW_PAGES, Choice, Monitor, PageError, page_of

_MAX_PAGES = 25


@dataclass(frozen=True)
class Conditions:
    """What is special about the time of a visit."""

    release: str
    new_error: PageError | None = None
    """An error that the release brings."""
    failing: float = 0.008
    """The share of requests to the API that get status 503."""
    slow_checkout: float = 1.0
    """Durations of the pages below /checkout are this many times longer."""


def batches_of_visit(
    monitor: Monitor, start_s: float, conditions: Conditions, rng: random.Random
) -> list[SentBatch]:
    """Return the batches of a visit of 1 to 25 pages that begins at `start_s`, Unix seconds."""
    session = Session(monitor, conditions.release, start_s, rng)
    visit = _Visit(session, conditions)
    for number in range(min(1 + int(rng.expovariate(1 / 2.6)), _MAX_PAGES)):
        visit.view(page_of(monitor, rng), is_first=number == 0)
    session.send()
    return session.sent


class _Visit:
    def __init__(self, session: Session, conditions: Conditions) -> None:
        self._session = session
        self._conditions = conditions
        self._rng = session.rng

    def view(self, page: str, *, is_first: bool) -> None:
        """Look at one page for a while."""
        session, rng = self._session, self._rng
        is_route_change = not is_first and rng.random() < 0.35
        slow = self._slowness_of(page)
        session.begin_page(page, is_first=is_first)
        ttfb = rng.lognormvariate(5.3, 0.6) * slow
        fcp = ttfb + rng.lognormvariate(6.3, 0.5) * slow
        lcp = fcp + rng.lognormvariate(6.1, 0.8) * slow
        if is_route_change:
            add_route_change(session, rng.lognormvariate(5.9, 0.7) * slow)
        else:
            add_load(session, ttfb, fcp, max(lcp, fcp + rng.lognormvariate(6.6, 0.6) * slow))
        count = rng.randrange(4, 12) if is_route_change else rng.randrange(10, 30)
        add_resources(session, count, ttfb, slow)
        for _ in range(rng.randrange(0, 5)):
            add_http_request(session, self._conditions.failing)
        self._maybe_error(page)
        session.send(after_s=5)
        stay_s = min(2 + rng.expovariate(1 / 28), 600)
        add_interactions(session, stay_s)
        if not is_route_change:
            add_vitals(session, ttfb, lcp, stay_s)
        session.now_s += stay_s
        if rng.random() < 0.2:
            session.send()

    def _slowness_of(self, page: str) -> float:
        slow = SLOW_PAGES.get(page, 1.25 if "/orders/" in page else 1.0)
        slow *= self._session.device.slowness
        return slow * (self._conditions.slow_checkout if page.startswith("/checkout") else 1.0)

    def _maybe_error(self, page: str) -> None:
        rng, new = self._rng, self._conditions.new_error
        if new and page.startswith(new.page) and rng.random() < 0.2:
            add_error(self._session, new, page)
        elif rng.random() < 0.05:
            possible = [error for error in ERRORS if error.page in ("", page)]
            error = Choice(possible, [error.weight for error in possible])(rng)
            add_error(self._session, error, page)
