"""The bytes of messages that methods hold are limited together."""

from __future__ import annotations

import pytest

from rum_service.errors import ThrottlingException
from rum_service.rpc.incoming import Incoming


def _incoming(max_bytes: int) -> Incoming:
    return Incoming(max_message_bytes=4 << 20, max_bytes=max_bytes, timeout_s=1.0)


def test_a_message_over_the_limit_of_all_messages_is_throttled() -> None:
    incoming = _incoming(100)
    incoming.hold(80)

    with pytest.raises(ThrottlingException) as rejected:
        incoming.hold(30)
    incoming.release(80)
    incoming.hold(30)

    assert rejected.value.retry_after_seconds == 1
    assert incoming.held == 30


def test_a_message_that_is_alone_may_have_any_size() -> None:
    incoming = _incoming(100)

    incoming.hold(300)

    assert incoming.held == 300
