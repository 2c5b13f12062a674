"""The connections of a bridge to the service, and the longest message that they carry."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_service.server import running_service
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn
from tests.bridge.wire import send
from tests.support.batches import batch, new_id
from tests.support.services import settings_in

_MAX_MESSAGE_BYTES = 4 << 20


async def test_the_control_plane_does_not_share_the_connection_of_puts(
    bridge: Bridge, standin: StandIn
) -> None:
    async with bridge() as url:
        put = await asyncio.to_thread(send, url, f"/appmonitors/{new_id()}", batch())
        created = await asyncio.to_thread(
            send, url, "/appmonitor", {"Name": "shop", "Domain": "localhost"}
        )

    assert (put.status, created.status) == (200, 200)
    assert len(set(standin.peers.values())) == 2


async def test_a_batch_longer_than_a_message_of_the_service_is_too_large(tmp_path: Path) -> None:
    document = batch()
    document["RumEvents"][0]["details"] = '{"text": "%s"}' % ("a" * _MAX_MESSAGE_BYTES)
    async with running_service(settings_in(tmp_path)) as service:
        settings = BridgeSettings(
            http="127.0.0.1:0",
            service=service.address,
            bridge_token_file=tmp_path / "bridge.token",
            max_body_bytes=2 * _MAX_MESSAGE_BYTES,
            max_decoded_bytes=2 * _MAX_MESSAGE_BYTES,
        )
        async with running_bridge(settings) as running:
            url = f"http://{running.address}"
            created = await asyncio.to_thread(
                send, url, "/appmonitor", {"Name": "shop", "Domain": "localhost"}
            )
            monitor_id = json.loads(created.body)["Id"]
            rejected = await asyncio.to_thread(send, url, f"/appmonitors/{monitor_id}", document)

    assert (rejected.status, rejected.error_type) == (413, "RequestEntityTooLargeException")
