"""Thirty days of visits. Deterministic: the same seed and end give the same events.

On purpose there are a rhythm of days and weeks, a release on day 20 that brings an error in the
checkout, and two hours shortly before the end in which the API fails and the checkout is slow.
"""

from __future__ import annotations

__all__ = ["DAYS", "RELEASE_DAY", "batches_of_day", "incident_before"]

import math
import random
from datetime import UTC, datetime

from bench.demo.session import SentBatch
from bench.demo.shop import BLOG, HOURS, SHOP, PageError
from bench.demo.visit import Conditions, batches_of_visit

DAYS = 30
RELEASE_DAY = 20
_HOUR_S = 3600
_SHARE_OF_SHOP = 0.9
_NEW_ERROR = PageError(
    "TypeError",
    "e.coupons.map is not a function",
    "checkout.c01d.js",
    "applyCoupons",
    1,
    "/checkout",
)


def incident_before(end_s: float) -> range:
    """Return the seconds of the incident in a month that ends at `end_s`, Unix seconds."""
    end = int(end_s) // _HOUR_S * _HOUR_S
    return range(end - 5 * _HOUR_S, end - 3 * _HOUR_S)


def batches_of_day(
    seed: int, day: int, midnight_s: int, events: int, incident: range
) -> list[SentBatch]:
    """Return a day's batches in the order in which they were received.

    Args:
        day: from 0 to 29.
        midnight_s: the start of the day, Unix seconds.
        events: about how many events a usual day has.
        incident: the seconds in which the API fails.
    """
    rng = random.Random(seed * 1000 + day)
    wanted = events * _rhythm(midnight_s, day)
    batches: list[SentBatch] = []
    made = 0
    while made < wanted:
        start_s = midnight_s + (HOURS(rng) + rng.random()) * _HOUR_S
        monitor = SHOP if rng.random() < _SHARE_OF_SHOP else BLOG
        sent = batches_of_visit(monitor, start_s, _conditions(day, int(start_s) in incident), rng)
        made += sum(len(batch.request.rum_events) for batch in sent)
        batches += sent
    batches.sort(key=lambda batch: batch.received_s)
    return batches


def _rhythm(midnight_s: int, day: int) -> float:
    is_weekend = datetime.fromtimestamp(midnight_s, UTC).weekday() >= 5
    return (0.75 if is_weekend else 1.1) * (1 + 0.04 * math.sin(day))


def _conditions(day: int, is_incident: bool) -> Conditions:
    release, new = ("1.5.0", _NEW_ERROR) if day >= RELEASE_DAY else ("1.4.2", None)
    if is_incident:
        return Conditions(release, new, failing=0.25, slow_checkout=2.4)
    return Conditions(release, new)
