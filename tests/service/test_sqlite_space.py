"""A SQLite file gets smaller after batches were removed."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.records import Appended
from rum_service.storage.sqlite_copy import compact
from tests.support.logged import ALL_TIME, logged

_BATCH_BYTES = 40_000
_BATCHES = 1000


def _fill(store: Store) -> int:
    """Append 40 MB of batches that do not compress, received at 0, 1, 2 ... ms."""
    key = store.monitors.create("id", "shop", "{}").key
    rng = random.Random(1)
    for first in range(0, _BATCHES, 50):
        group = []
        for number in range(first, first + 50):
            content = b"\x12" + _varint(_BATCH_BYTES) + rng.randbytes(_BATCH_BYTES)
            batch = logged(number, app_monitor=key, received_ms=number)
            group.append(batch._replace(content=content))
        store.log.append(group)
    return key


def _varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14])


def _remove_and_shrink(store: Store, key: int) -> None:
    while not store.retention.remove({key: _BATCHES - 10}, limit=50, max_bytes=ALL_TIME)[
        key
    ].is_done:
        pass
    while store.retention.give_back_space():
        pass


def test_a_file_gets_smaller(tmp_path: Path) -> None:
    file = tmp_path / "openrum.sqlite3"
    store = open_store(f"sqlite:///{file}")
    key = _fill(store)
    _remove_and_shrink(store, key)
    left = store.log.after(0, limit=100, max_bytes=ALL_TIME)
    inode = file.stat().st_ino
    appended = store.log.append([logged(5000, app_monitor=key)])
    store.close()
    with closing(sqlite3.connect(file)) as connection:
        problems = connection.execute("PRAGMA integrity_check").fetchall()

    assert file.stat().st_size < 12 << 20
    assert file.stat().st_ino == inode
    assert len(left) == 10
    assert appended == [Appended.STORED]
    assert problems == [("ok",)]


def test_a_file_of_an_older_version_is_compacted_once(tmp_path: Path) -> None:
    file = tmp_path / "openrum.sqlite3"
    url = f"sqlite:///{file}"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (c)")
        connection.execute("DROP TABLE t")
    store = open_store(url)
    key = _fill(store)
    with pytest.raises(ValueError, match="is in use; stop OpenRUM first"):
        compact(url)
    store.retention.remove({key: 500}, limit=_BATCHES, max_bytes=ALL_TIME)
    store.close()
    inode = file.stat().st_ino
    before, after = compact(url)
    store = open_store(url)
    left = len(store.log.after(0, limit=_BATCHES, max_bytes=ALL_TIME))
    _remove_and_shrink(store, key)
    store.close()

    assert after < before * 0.6
    assert file.stat().st_size < after * 0.6
    assert file.stat().st_ino == inode
    assert left == 500


def test_a_file_of_an_older_version_keeps_its_size_and_uses_it_again(tmp_path: Path) -> None:
    file = tmp_path / "openrum.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (c)")  # without auto_vacuum, which is the default
        connection.execute("DROP TABLE t")
    store = open_store(f"sqlite:///{file}")
    key = _fill(store)
    _remove_and_shrink(store, key)
    before = file.stat().st_size
    store.monitors.delete(key)
    store.log.purge(key, limit=_BATCHES)
    _fill(store)
    store.close()

    assert before > 30 << 20
    assert file.stat().st_size < before * 1.1


@pytest.mark.parametrize("pages", [1, 2000])
def test_some_space_stays_for_new_batches(tmp_path: Path, pages: int) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'openrum.sqlite3'}")
    key = store.monitors.create("id", "shop", "{}").key
    rng = random.Random(1)
    content = b"\x12" + _varint(4000) + rng.randbytes(4000)
    batches = [
        logged(n, app_monitor=key, received_ms=1)._replace(content=content) for n in range(pages)
    ]
    store.log.append(batches)
    store.retention.remove({key: 2}, limit=pages, max_bytes=ALL_TIME)
    more = store.retention.give_back_space()
    store.close()

    assert not more
