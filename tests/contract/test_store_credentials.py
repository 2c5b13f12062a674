"""Every store keeps the guarantees of `CredentialStore`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from rum_service.storage.base import AppMonitorStore, CredentialStore, NameTakenError
from rum_service.storage.records import CredentialRecord


def credential(
    record_id: str = "AKID0000000000000001", kind: str = "key", created_ms: int = 1, **members: int
) -> CredentialRecord:
    return CredentialRecord(
        kind=kind,
        id=record_id,
        name="backend",
        access="read,write",
        app_monitor=members.get("app_monitor"),
        sealed_secret=b"\x00sealed\xff",
        created_ms=created_ms,
        expires_ms=members.get("expires_ms"),
        revoked_ms=members.get("revoked_ms"),
    )


def every(credentials: CredentialStore) -> list[CredentialRecord]:
    return list(credentials.list(kind=None, after=None, limit=100))


@pytest.mark.parametrize(
    "members",
    [{}, {"app_monitor": 2**53}, {"expires_ms": 2**53}, {"created_ms": 2**53, "revoked_ms": 7}],
    ids=lambda members: ",".join(members) or "plain",
)
def test_a_credential_is_returned_as_it_was_added(
    credentials: CredentialStore, members: dict[str, int]
) -> None:
    added = credential(**members)
    credentials.add(added)

    assert credentials.by_id("key", added.id) == added
    assert every(credentials) == [added]


def test_the_ids_are_those_of_all_credentials(credentials: CredentialStore) -> None:
    for added in (credential(), credential("B" * 20, expires_ms=1), credential("C", "token")):
        credentials.add(added)
    credentials.revoke("key", "B" * 20, 5)

    assert credentials.ids() == {
        ("key", credential().id),
        ("key", "B" * 20),
        ("token", "C"),
    }


@pytest.mark.parametrize(
    ("kind", "record_id"),
    [("token", "AKID0000000000000001"), ("key", "akid0000000000000001"), ("key", ""), ("key", "%"),
     ("key", "AKID000000000000000"), ("key", "AKID0000000000000001 "), ("key", "é" * 128)],
)  # fmt: skip
def test_a_credential_is_found_only_by_its_exact_kind_and_id(
    credentials: CredentialStore, kind: str, record_id: str
) -> None:
    credentials.add(credential())

    assert credentials.by_id(kind, record_id) is None
    assert not credentials.revoke(kind, record_id, 5)
    assert every(credentials) == [credential()]


def test_an_id_is_unique_within_its_kind(credentials: CredentialStore) -> None:
    credentials.add(credential())
    credentials.add(credential(kind="token"))

    with pytest.raises(NameTakenError):
        credentials.add(credential(created_ms=2))
    assert credentials.by_id("key", credential().id) == credential()
    assert len(every(credentials)) == 2


def test_the_id_of_a_revoked_credential_cannot_be_reused(credentials: CredentialStore) -> None:
    credentials.add(credential())
    credentials.revoke("key", credential().id, 5)

    with pytest.raises(NameTakenError):
        credentials.add(credential())
    assert credentials.by_id("key", credential().id) == credential(revoked_ms=5)


def test_revoking_again_keeps_the_time_of_the_first_revocation(
    credentials: CredentialStore,
) -> None:
    credentials.add(credential())
    credentials.add(credential("AKID0000000000000002"))

    assert credentials.revoke("key", credential().id, 5)
    assert credentials.revoke("key", credential().id, 9)
    assert credentials.by_id("key", credential().id) == credential(revoked_ms=5)
    assert credentials.by_id("key", "AKID0000000000000002") == credential("AKID0000000000000002")


def test_credentials_are_listed_newest_first_then_by_id(credentials: CredentialStore) -> None:
    for record_id, created_ms in (("b", 1), ("c", 3), ("a", 1), ("d", 2)):
        credentials.add(credential(record_id, created_ms=created_ms))

    assert [record.id for record in every(credentials)] == ["c", "d", "a", "b"]


def test_one_of_several_concurrent_additions_of_an_id_succeeds(
    credentials: CredentialStore,
) -> None:
    def add(number: int) -> bool:
        try:
            credentials.add(credential(created_ms=number))
        except NameTakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(add, range(8)))
    assert sum(added) == 1
    (stored,) = every(credentials)
    assert stored == credential(created_ms=added.index(True))


def test_credentials_of_a_deleted_app_monitor_do_not_fit_its_successor(
    monitors: AppMonitorStore, credentials: CredentialStore
) -> None:
    """A new app monitor with the same name has a different key."""
    first = monitors.create("00000000-0000-4000-8000-000000000001", "shop", "{}")
    credentials.add(credential(app_monitor=first.key))
    monitors.delete(first.key)
    again = monitors.create("00000000-0000-4000-8000-000000000002", "shop", "{}")

    stored = credentials.by_id("key", credential().id)
    assert stored
    assert (first.key, again.key != first.key) == (stored.app_monitor, True)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_list_each_credential_once(credentials: CredentialStore, size: int) -> None:
    """Also those created in the same millisecond, and those with the same ID in both kinds."""
    for record_id, kind, created_ms in (
        ("a", "key", 1),
        ("b", "token", 3),
        ("b", "key", 3),
        ("c", "key", 2),
        ("a", "token", 3),
        ("d", "key", 3),
    ):
        credentials.add(credential(record_id, kind, created_ms))
    seen: list[CredentialRecord] = []
    after = None
    while page := credentials.list(kind=None, after=after, limit=size):
        assert len(page) <= size
        seen += page
        after = (page[-1].created_ms, page[-1].kind, page[-1].id)

    assert seen == every(credentials)
    assert len(seen) == len({(record.kind, record.id) for record in seen}) == 6
    assert [record.created_ms for record in seen] == [3, 3, 3, 3, 2, 1]


def test_a_list_of_one_kind_has_no_other(credentials: CredentialStore) -> None:
    for record_id, kind in (("a", "key"), ("b", "token"), ("c", "key")):
        credentials.add(credential(record_id, kind))

    tokens = credentials.list(kind="token", after=None, limit=100)
    later = credentials.list(kind="key", after=(1, "key", "a"), limit=100)

    assert [record.id for record in tokens] == ["b"]
    assert [record.id for record in later] == ["c"]


def test_a_credential_added_between_pages_is_not_on_the_next_page(
    credentials: CredentialStore,
) -> None:
    for record_id, created_ms in (("a", 1), ("b", 2)):
        credentials.add(credential(record_id, created_ms=created_ms))
    (first,) = credentials.list(kind=None, after=None, limit=1)
    credentials.add(credential("c", created_ms=3))
    after = (first.created_ms, first.kind, first.id)
    second = credentials.list(kind=None, after=after, limit=9)

    assert [record.id for record in second] == ["a"]


@pytest.mark.parametrize("created_ms", [0, 2**62])
def test_listing_after_the_last_credential_returns_nothing(
    credentials: CredentialStore, created_ms: int
) -> None:
    credentials.add(credential())

    found = credentials.list(kind=None, after=(created_ms, "zzz", "z" * 500), limit=1)

    assert len(found) == (1 if created_ms else 0)


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("0123", True), ("0123456789abcdef", True), ("", True), ("0124", False), ("0123%", False),
     ("_123", False), ("0123456789ABCDEF", False), ("0123456789abcdef0", False)],
)  # fmt: skip
def test_a_credential_is_found_by_a_prefix_of_its_id(
    credentials: CredentialStore, prefix: str, found: bool
) -> None:
    added = credential("0123456789abcdef", "token")
    credentials.add(added)
    credentials.add(credential("f" * 16, "key"))

    assert credentials.by_id_prefix("token", prefix) == (added if found else None)
    assert credentials.by_id_prefix("key", "0123") is None


@pytest.mark.parametrize(
    ("members", "valid"),
    [
        ({}, True),
        ({"expires_ms": 11}, True),
        ({"expires_ms": 10}, False),
        ({"revoked_ms": 20}, False),
        ({"expires_ms": 11, "revoked_ms": 5}, False),
    ],
    ids=str,
)
def test_revoked_and_expired_credentials_are_not_valid(
    credentials: CredentialStore, members: dict[str, int], valid: bool
) -> None:
    assert not credentials.any_valid(10)

    credentials.add(credential(**members))
    credentials.add(credential("AKID0000000000000002", revoked_ms=1))

    assert credentials.any_valid(10) is valid
