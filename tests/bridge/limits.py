"""Limits of addresses for tests."""

from __future__ import annotations

__all__ = ["unlimited"]

import time

from rum_bridge.limits.address_limits import AddressLimits


def unlimited() -> AddressLimits:
    """Return limits that no address reaches."""
    return AddressLimits({}, clock=time.monotonic)
