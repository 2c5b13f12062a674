"""App monitors are compiled when they change, off the event loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rum_service.monitors import MonitorCache
from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.support.batches import new_id


class Compiler:
    """Compiles a policy to its length, and records each call."""

    def __init__(self) -> None:
        self.policies: list[str] = []
        self.threads: set[threading.Thread] = set()

    def __call__(self, policy: str) -> int:
        self.policies.append(policy)
        self.threads.add(threading.current_thread())
        return len(policy)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    yield opened
    opened.close()


async def test_a_record_is_compiled_again_only_when_it_has_changed(store: Store) -> None:
    ids = [new_id() for _ in range(3)]
    keys = [store.monitors.create(each, each, "{}").key for each in ids]
    for key in keys:
        store.policies.replace(key, expected=None, policy="old", revision="1")
    compiler, now = Compiler(), 0.0
    with ThreadPoolExecutor(1) as threads:
        monitors = MonitorCache(store.monitors, threads, compile_policy=compiler, clock=lambda: now)
        for _ in range(3):
            now += 10
            await monitors.load(ids)
        store.policies.replace(keys[1], expected="1", policy="newer", revision="2")
        now += 10
        await monitors.load(ids)

    assert compiler.policies == ["old"] * 3 + ["newer"]
    assert [(await monitors.by_id(each)).policy for each in ids] == [3, 5, 3]
    assert threading.main_thread() not in compiler.threads


async def test_the_key_of_an_app_monitor_stays_known_when_its_record_expires(store: Store) -> None:
    monitor_id, now = new_id(), 0.0
    key = store.monitors.create(monitor_id, "shop", "{}").key
    with ThreadPoolExecutor(1) as threads:
        monitors = MonitorCache(store.monitors, threads, compile_policy=len, clock=lambda: now)
        assert monitors.known_key(monitor_id) is None
        await monitors.by_id(monitor_id)
        now += 10

    assert monitors.cached(monitor_id) is None
    assert monitors.known_key(monitor_id) == key
