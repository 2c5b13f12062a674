"""Source maps: what is visible when, what replaces what, and what a purge deletes."""

from __future__ import annotations

import random

import pytest

from rum_service.storage.base import QuotaReachedError, SourceMapStore, Store
from rum_service.storage.records import SourceMapRecord

_PARTS = [b'{"version": 3, "mappings": "' + b"AAAA;" * 200_000, '"é}'.encode()]


@pytest.fixture
def shop(any_store: Store) -> int:
    return any_store.monitors.create("i", "shop", "{}").key


@pytest.fixture
def maps(any_store: Store) -> SourceMapStore:
    return any_store.source_maps


def _upload(
    maps: SourceMapStore,
    app_monitor: int,
    release: str = "1",
    file: str = "assets/app.js",
    *parts: bytes,
    quota: int = 0,
) -> SourceMapRecord:
    key = maps.begin(app_monitor, release, file, now_ms=1000)
    assert key is not None
    for number, part in enumerate(parts or _PARTS):
        maps.add_part(key, number, part)
    record = maps.finish(key, size=sum(map(len, parts or _PARTS)), quota=quota)
    assert record is not None
    return record


def _all(maps: SourceMapStore, app_monitor: int) -> list[SourceMapRecord]:
    return [*maps.list(app_monitor, release=None, below=None, limit=100)]


def _content(maps: SourceMapStore, key: int) -> list[bytes]:
    parts = []
    while (part := maps.part(key, len(parts))) is not None:
        parts.append(part)
    return parts


def test_a_source_map_is_read_back_in_parts(maps: SourceMapStore, shop: int) -> None:
    record = _upload(maps, shop)

    assert record[1:4] == ("1", "assets/app.js", sum(map(len, _PARTS)))
    assert record.began_ms == 1000
    assert 0 < record.stored_bytes < record.size / 10
    assert maps.by_key(shop, record.key) == record
    assert _content(maps, record.key) == _PARTS
    assert maps.stored_bytes(shop) == record.stored_bytes


def test_an_upload_is_not_visible_before_it_is_complete(maps: SourceMapStore, shop: int) -> None:
    key = maps.begin(shop, "1", "app.js", now_ms=5)
    assert key is not None
    maps.add_part(key, 0, b"{}")
    before = (
        _all(maps, shop),
        maps.by_key(shop, key),
        [*maps.by_base_name(shop, "app.js", release=None, limit=9)],
        maps.stored_bytes(shop),
        maps.delete(shop, "1", None),
    )
    record = maps.finish(key, size=2, quota=0)

    assert before == ([], None, [], 0, 0)
    assert _all(maps, shop) == [record]


def test_an_upload_replaces_only_the_same_script_of_the_same_release(
    any_store: Store, maps: SourceMapStore, shop: int
) -> None:
    blog = any_store.monitors.create("j", "blog", "{}").key
    kept = [
        _upload(maps, shop, "2", "assets/app.js"),
        _upload(maps, shop, "1", "other/app.js"),
        _upload(maps, shop, "1", "app.js"),
    ]
    other = _upload(maps, blog, "1", "assets/app.js")
    _upload(maps, shop, "1", "assets/app.js")
    newest = _upload(maps, shop, "1", "assets/app.js", b"{}")

    assert _all(maps, shop) == [newest, *reversed(kept)]
    assert _all(maps, blog) == [other]
    assert maps.stored_bytes(shop) == sum(record.stored_bytes for record in [newest, *kept])


def test_pages_are_newest_first_and_can_be_limited_to_a_release(
    maps: SourceMapStore, shop: int
) -> None:
    records = [_upload(maps, shop, str(n % 2), f"{n}.js", b"{}") for n in range(5)]
    first = maps.list(shop, release=None, below=None, limit=2)
    second = maps.list(shop, release=None, below=first[-1].key, limit=9)

    assert [*first, *second] == records[::-1]
    assert [*maps.list(shop, release="1", below=None, limit=9)] == [records[3], records[1]]


def test_base_names_are_compared_exactly(maps: SourceMapStore, shop: int) -> None:
    a = _upload(maps, shop, "1", "a/app.js", b"{}")
    b = _upload(maps, shop, "2", "app.js", b"{}")
    _upload(maps, shop, "1", "a/xapp.js", b"{}")
    _upload(maps, shop, "1", "app.js/x", b"{}")
    _upload(maps, shop, "1", "a/App.js", b"{}")

    assert [*maps.by_base_name(shop, "app.js", release=None, limit=9)] == [b, a]
    assert [*maps.by_base_name(shop, "app.js", release="1", limit=9)] == [a]
    assert [*maps.by_base_name(shop, "app.js", release=None, limit=1)] == [b]


def test_the_quota_counts_what_is_left_after_a_replacement(maps: SourceMapStore, shop: int) -> None:
    noise = random.Random(1).randbytes(1000)
    stored = _upload(maps, shop, "1", "app.js", noise).stored_bytes
    _upload(maps, shop, "1", "app.js", noise, quota=stored)
    with pytest.raises(QuotaReachedError):
        _upload(maps, shop, "2", "app.js", noise, quota=2 * stored - 1)
    after = [record.release for record in _all(maps, shop)]
    _upload(maps, shop, "2", "app.js", noise, quota=2 * stored)

    assert after == ["1"]
    assert maps.stored_bytes(shop) == 2 * stored


def test_an_upload_that_exceeds_the_quota_replaces_nothing(maps: SourceMapStore, shop: int) -> None:
    old = _upload(maps, shop, "1", "app.js", b"{}")
    with pytest.raises(QuotaReachedError):
        _upload(maps, shop, "1", "app.js", quota=old.stored_bytes)

    assert _all(maps, shop) == [old]


def test_a_release_or_one_of_its_scripts_is_deleted(maps: SourceMapStore, shop: int) -> None:
    for release in ("1", "2"):
        for file in ("a.js", "b.js", "c/a.js"):
            _upload(maps, shop, release, file, b"{}")
    counts = [
        maps.delete(shop, "1", "a.js"),
        maps.delete(shop, "1", "a.js"),
        maps.delete(shop, "2", None),
        maps.delete(shop, "3", None),
    ]

    assert counts == [1, 0, 3, 0]
    assert [(one.release, one.file) for one in _all(maps, shop)] == [("1", "c/a.js"), ("1", "b.js")]


def test_a_purge_deletes_the_parts_of_what_was_deleted_in_steps(
    maps: SourceMapStore, shop: int
) -> None:
    kept = _upload(maps, shop, "1", "kept.js")
    deleted = _upload(maps, shop, "2", "app.js", b"1", b"2", b"3")
    maps.delete(shop, "2", None)
    steps = [maps.purge(began_before_ms=0, limit=2) for _ in range(3)]

    assert steps == [2, 1, 0]
    assert _content(maps, deleted.key) == []
    assert _content(maps, kept.key) == _PARTS


def test_a_cancelled_or_forgotten_upload_is_purged(maps: SourceMapStore, shop: int) -> None:
    cancelled, forgotten, new = (maps.begin(shop, "1", "a.js", now_ms=n) for n in (50, 49, 50))
    assert cancelled is not None and forgotten is not None and new is not None
    for key in (cancelled, forgotten, new):
        maps.add_part(key, 0, b"{}")
    maps.cancel(cancelled)
    maps.cancel(_upload(maps, shop, "2", "complete.js", b"{}").key)
    purged = maps.purge(began_before_ms=50, limit=9)

    assert purged == 2
    assert maps.finish(cancelled, size=2, quota=0) is None
    assert maps.finish(forgotten, size=2, quota=0) is None
    assert maps.finish(new, size=2, quota=0) is not None
    assert {record.file for record in _all(maps, shop)} == {"complete.js", "a.js"}


def test_a_deleted_app_monitor_has_no_source_maps(
    any_store: Store, maps: SourceMapStore, shop: int
) -> None:
    record = _upload(maps, shop)
    in_progress = maps.begin(shop, "1", "app.js", now_ms=1)
    assert in_progress is not None
    any_store.monitors.delete(shop)

    assert _all(maps, shop) == []
    assert maps.by_key(shop, record.key) is None
    assert maps.begin(shop, "1", "app.js", now_ms=1) is None
    assert maps.finish(in_progress, size=0, quota=0) is None
    assert maps.purge(began_before_ms=0, limit=9) == len(_PARTS)


def test_a_source_map_of_another_app_monitor_has_no_record(
    any_store: Store, maps: SourceMapStore, shop: int
) -> None:
    blog = any_store.monitors.create("j", "blog", "{}").key

    assert maps.by_key(blog, _upload(maps, shop).key) is None
