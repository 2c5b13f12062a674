"""A flood from one client costs little, and another client is served beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.fuzz.floods import FLOODS, Flood
from tests.fuzz.running import usage
from tests.support.batches import batch
from tests.support.running import OpenRum

# Far above what was measured: other processes share the machine.
_MAX_WAIT_S = 5.0
_MAX_CPU_S = 5.0
_MAX_GROWTH_MIB = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    with OpenRum(tmp_path_factory.mktemp("flooded")) as running:
        yield running
        assert running.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
def test_a_client_is_served_beside_a_flood(server: OpenRum, flood: Flood) -> None:
    path = f"/appmonitors/{server.monitor_id()}"
    before = usage(server.pid)
    flooding = threading.Thread(target=flood, args=(server,))
    flooding.start()
    began = time.monotonic()
    status = server.post(path, batch())[0]
    waited_s = time.monotonic() - began
    flooding.join()
    behind = server.post(path, batch())[0]
    after = usage(server.pid)

    assert (status, behind) == (200, 200)
    assert waited_s < _MAX_WAIT_S
    assert after.cpu_s - before.cpu_s < _MAX_CPU_S
    assert after.memory_mib - before.memory_mib < _MAX_GROWTH_MIB
