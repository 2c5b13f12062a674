"""Random operations have the same results on SQLite and in memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rum_service.storage import open_store
from rum_service.storage.base import NameTakenError, Store
from rum_service.storage.records import AppMonitorRecord
from tests.support.logged import logged, read
from tests.support.memory_store import memory_store

MONITORS = st.integers(1, 4)
TIMES = st.integers(0, 9)
NAMES = st.sampled_from(["a", "B", "b", "a-b", "a.b", "_"])
DOCUMENTS = st.sampled_from(["{}", '{"x":1}', "é"])
BATCHES = st.builds(
    lambda number, monitor, digest, received, first, length: logged(
        number,
        app_monitor=monitor,
        version=digest,
        received_ms=received,
        first_ms=first,
        last_ms=first + length,
    ),
    st.integers(0, 5),
    MONITORS,
    st.integers(0, 1),
    TIMES,
    TIMES,
    st.integers(0, 3),
)


class BothStores(RuleBasedStateMachine):
    """Runs each operation on both stores and compares the results."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.stores: list[Store] = [
            memory_store(),
            open_store(f"sqlite:///{Path(self.folder.name, 'store.sqlite3')}"),
        ]

    @rule(batches=st.lists(BATCHES, max_size=6))
    def append(self, batches: list[object]) -> None:
        expected, actual = [store.log.append(batches) for store in self.stores]  # type: ignore[arg-type]
        assert actual == expected

    @rule(monitor=MONITORS, after=TIMES, length=TIMES, limit=st.integers(1, 5), data=st.data())
    def read(self, monitor: int, after: int, length: int, limit: int, data: st.DataObject) -> None:
        everything = [read(store.log, monitor) for store in self.stores]
        assert [b.content for b in everything[1]] == [b.content for b in everything[0]]
        # The stores have different sequences: a page starts below the same batch in both.
        start = data.draw(st.sampled_from([None, *range(len(everything[0]))]))
        pages = [
            read(
                store.log,
                monitor,
                below=None if start is None else batches[start].sequence,
                after_ms=after,
                before_ms=after + length,
                limit=limit,
            )
            for store, batches in zip(self.stores, everything, strict=True)
        ]
        assert [b.content for b in pages[1]] == [b.content for b in pages[0]]

    @rule(monitor=MONITORS, limit=st.integers(1, 3))
    def purge(self, monitor: int, limit: int) -> None:
        expected, actual = [store.log.purge(monitor, limit=limit) for store in self.stores]
        assert actual == expected

    @rule(number=st.integers(0, 4), name=NAMES, document=DOCUMENTS)
    def create(self, number: int, name: str, document: str) -> None:
        expected, actual = [_created(store, str(number), name, document) for store in self.stores]
        assert actual == expected

    @rule(key=MONITORS, expected_document=DOCUMENTS, document=DOCUMENTS)
    def update(self, key: int, expected_document: str, document: str) -> None:
        expected, actual = [
            store.monitors.update(key, expected=expected_document, document=document)
            for store in self.stores
        ]
        assert actual == expected

    @rule(key=MONITORS)
    def delete(self, key: int) -> None:
        expected, actual = [store.monitors.delete(key) for store in self.stores]
        assert actual == expected

    @rule(number=st.integers(0, 4), name=NAMES)
    def find(self, number: int, name: str) -> None:
        memory, sqlite = self.stores
        assert sqlite.monitors.by_ids([str(number)]) == memory.monitors.by_ids([str(number)])
        assert sqlite.monitors.by_name(name) == memory.monitors.by_name(name)

    @rule(after=st.sampled_from(["", "A", "a", "a.", "b"]), limit=st.integers(1, 5))
    def list(self, after: str, limit: int) -> None:
        expected, actual = [store.monitors.list(after=after, limit=limit) for store in self.stores]
        assert actual == expected

    @rule(key=MONITORS, quota=st.sampled_from([None, 0, 5]))
    def set_quota(self, key: int, quota: int | None) -> None:
        expected, actual = [store.usage.set_quota(key, quota) for store in self.stores]
        assert actual == expected

    @rule(key=MONITORS, days=st.sampled_from([None, 0, 7]))
    def set_days(self, key: int, days: int | None) -> None:
        expected, actual = [store.retention.set_days(key, days) for store in self.stores]
        assert actual == expected

    @rule(before=st.dictionaries(MONITORS, TIMES, min_size=1))
    def remove_old(self, before: dict[int, int]) -> None:
        expected, actual = [
            store.retention.remove(before, limit=100, max_bytes=1 << 30) for store in self.stores
        ]
        assert actual == expected

    @rule(monitor=MONITORS)
    def count_all(self, monitor: int) -> None:
        expected, actual = [store.retention.count_before(monitor, 10) for store in self.stores]
        assert actual == expected

    @invariant()
    def the_same_retention_is_read(self) -> None:
        expected, actual = [store.retention.read() for store in self.stores]
        assert actual == expected

    @invariant()
    def the_same_usage_is_read(self) -> None:
        expected, actual = [store.usage.read() for store in self.stores]
        assert actual == expected

    @invariant()
    def the_same_app_monitors_are_deleted(self) -> None:
        expected, actual = [store.log.deleted_app_monitors() for store in self.stores]
        assert actual == expected

    def teardown(self) -> None:
        for store in getattr(self, "stores", []):
            store.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()


def _created(store: Store, monitor_id: str, name: str, document: str) -> AppMonitorRecord | None:
    try:
        return store.monitors.create(monitor_id, name, document)
    except NameTakenError:
        return None


TestStoreAgainstMemory = BothStores.TestCase
TestStoreAgainstMemory.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
