"""Token buckets, one for each key. They limit a rate and allow short bursts.

docs/decisions/0013-an-own-token-bucket.md compares them with a library.
"""

from __future__ import annotations

__all__ = ["TokenBuckets"]

from collections.abc import Callable, Hashable
from itertools import islice
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)

_MAX_KEYS = 10_000


class TokenBuckets(Generic[_K]):
    """Buckets that are full at first and are refilled at a rate. Not thread-safe.

    A bucket that is not empty may be overdrawn, so an amount above the burst is allowed at times.
    The next ones wait longer then.

    Args:
        rate: tokens per second.
        burst: how many tokens a full bucket has.
        clock: monotonic, in seconds.
        max_keys: how many buckets are kept. Above it, the oldest ones are full again.
    """

    def __init__(
        self, *, rate: float, burst: float, clock: Callable[[], float], max_keys: int = _MAX_KEYS
    ) -> None:
        self._token_s = 1 / rate
        self._burst_s = burst / rate
        self._clock = clock
        self._max_keys = max_keys
        self._full_at: dict[_K, float] = {}
        """When a bucket will be full. A bucket that is full may be absent."""

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: _K, amount: float) -> float:
        """Take tokens. Return 0, or if none are taken, after how many seconds to try again."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        wait_s = full_at - now - self._burst_s
        if wait_s >= 0:
            return wait_s + self._token_s
        self._set(key, full_at + amount * self._token_s)
        return 0.0

    def wait_s(self, key: _K) -> float:
        """Return 0 if `take` would succeed, else after how many seconds to try again."""
        wait_s = self._full_at.get(key, 0.0) - self._clock() - self._burst_s
        return wait_s + self._token_s if wait_s >= 0 else 0.0

    def charge(self, key: _K, amount: float) -> None:
        """Take tokens, even if the bucket is empty."""
        now = self._clock()
        self._set(key, max(self._full_at.get(key, now), now) + amount * self._token_s)

    def _set(self, key: _K, full_at: float) -> None:
        if len(self._full_at) >= self._max_keys and key not in self._full_at:
            self._forget()
        self._full_at[key] = full_at

    def _forget(self) -> None:
        """Forget full buckets, and the oldest ones until half of them are left."""
        now = self._clock()
        kept = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        start = max(0, len(kept) - self._max_keys // 2)
        self._full_at = dict(islice(kept.items(), start, None))
