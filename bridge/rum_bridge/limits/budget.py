"""One limit for the bytes of all requests in progress: being read, or waiting for the service."""

from __future__ import annotations

__all__ = ["ByteBudget"]

from rum_bridge.limits.throttled import too_many_waiting

# Long bodies leave this share to the others, which are nearly all puts of browsers.
_LONG_SHARE = 0.5
# The rest is for the puts whose turn it is.
_HELD_SHARE = 0.75


class ByteBudget:
    """A number of bytes that requests share. Use it from one event loop only."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._max_with_long = int(max_bytes * _LONG_SHARE)
        self._max_with_held = int(max_bytes * _HELD_SHARE)
        self.used = 0
        """The bytes in use."""

    def reserve(self, size: int, *, held: int = 0, is_long: bool = False) -> None:
        """Use some bytes. The caller releases them later.

        Args:
            held: how many bytes the same request uses already.
            is_long: whether they belong to a long body.

        Raises:
            HttpError: so many bytes are in use that the request must be repeated later (429).
        """
        # A request that is alone may use any size. One over the limit must be possible.
        limit = self._max_with_long if is_long else self._max_bytes
        if self.used > held and self.used + size > limit:
            raise too_many_waiting()
        self.used += size

    @property
    def free_to_hold(self) -> int:
        """How many bytes of requests may still be held before they are parsed."""
        return self._max_with_held - self.used

    def hold(self, size: int) -> None:
        """Use some bytes for a request that is held. The caller releases them later."""
        self.used += size

    def release(self, size: int) -> None:
        """End the use of some bytes."""
        self.used -= size
