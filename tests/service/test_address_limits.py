"""How much one client address may put over gRPC."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rum_endpoint import address_buckets
from rum_service.errors import ThrottlingException
from rum_service.rpc import address_limits
from rum_service.rpc.address_limits import AddressLimits
from tests.service.authorized import OK, Authorized, authorized, bearer
from tests.service.served import LoopThread

_THROTTLED = "ThrottlingException"
_ANYONE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "rum:PutRumEvents", "Resource": "*"}
        ],
    }
)


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.stop()


@pytest.fixture
def limited_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count loopback addresses as all others, and reject at once."""
    monkeypatch.setattr(address_buckets, "_key", str)
    monkeypatch.setattr(address_limits, "_REJECTED_AFTER_S", 0.0)


def _created(service: Authorized) -> str:
    monitor = service.monitor("shop")
    service.policy("shop", _ANYONE)
    return monitor


@pytest.mark.usefixtures("limited_loopback")
@pytest.mark.parametrize("what", ["requests", "events", "bytes"])
def test_an_anonymous_address_over_its_limit_is_throttled(
    loop: LoopThread, tmp_path: Path, what: str
) -> None:
    with authorized(loop, tmp_path, **{f"address_{what}_per_s": 1}) as service:
        monitor = _created(service)
        outcomes = [service.put(monitor, events=5) for _ in range(8)]
        token = bearer(service.token("app", "write"))
        known = [service.put(monitor, token) for _ in range(2)]
        relayed = service.put(monitor, bearer(service.bridge), entry=True)

    assert outcomes[0] == OK
    assert outcomes[-1] == _THROTTLED
    assert known == [OK, OK]
    assert relayed == OK


def test_loopback_addresses_have_no_limit(loop: LoopThread, tmp_path: Path) -> None:
    with authorized(loop, tmp_path, address_requests_per_s=1, address_events_per_s=1) as service:
        monitor = _created(service)
        outcomes = [service.put(monitor, events=5) for _ in range(8)]

    assert outcomes == [OK] * 8


async def test_a_client_that_waits_for_its_rejection_is_slowed_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = AddressLimits({"requests": 1}, clock=lambda: 1000.0)
    await limits.check("192.0.2.1")
    await limits.check("192.0.2.1")

    slow = asyncio.create_task(limits.check("192.0.2.1"))
    done, _ = await asyncio.wait([slow], timeout=0.05)
    monkeypatch.setattr(address_limits, "_MAX_WAITING", 1)
    with pytest.raises(ThrottlingException) as rejected:
        await limits.check("192.0.2.1")
    slow.cancel()

    assert not done
    assert rejected.value.quota_code == "requests-per-address"
    assert (rejected.value.retry_after_seconds or 0) >= 1
    await limits.check("192.0.2.2")


async def test_a_caller_that_has_gone_no_longer_waits_for_its_rejection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(address_limits, "_MAX_WAITING", 1)
    limits = AddressLimits({"requests": 1}, clock=lambda: 1000.0)
    await limits.check("192.0.2.1")
    await limits.check("192.0.2.1")
    for _ in range(2):
        waiting = asyncio.create_task(limits.check("192.0.2.1"))
        done, _ = await asyncio.wait([waiting], timeout=0.02)
        waiting.cancel()
        await asyncio.wait([waiting])

        assert not done
