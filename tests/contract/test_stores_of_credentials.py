"""What every store guarantees of access keys and tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from rum_service.storage.base import NameTakenError, Store
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


@pytest.mark.parametrize(
    "members",
    [{}, {"app_monitor": 2**53}, {"expires_ms": 2**53}, {"created_ms": 2**53, "revoked_ms": 7}],
    ids=lambda members: ",".join(members) or "plain",
)
def test_a_credential_is_found_as_it_was_added(any_store: Store, members: dict[str, int]) -> None:
    added = credential(**members)
    any_store.credentials.add(added)

    assert any_store.credentials.by_id("key", added.id) == added
    assert any_store.credentials.list() == [added]


@pytest.mark.parametrize(
    ("kind", "record_id"),
    [("token", "AKID0000000000000001"), ("key", "akid0000000000000001"), ("key", ""), ("key", "%"),
     ("key", "AKID000000000000000"), ("key", "AKID0000000000000001 "), ("key", "é" * 128)],
)  # fmt: skip
def test_another_kind_or_id_is_not_found(any_store: Store, kind: str, record_id: str) -> None:
    any_store.credentials.add(credential())

    assert any_store.credentials.by_id(kind, record_id) is None
    assert not any_store.credentials.revoke(kind, record_id, 5)
    assert any_store.credentials.list() == [credential()]


def test_an_id_is_used_once_for_its_kind(any_store: Store) -> None:
    any_store.credentials.add(credential())
    any_store.credentials.add(credential(kind="token"))

    with pytest.raises(NameTakenError):
        any_store.credentials.add(credential(created_ms=2))
    assert any_store.credentials.by_id("key", credential().id) == credential()
    assert len(any_store.credentials.list()) == 2


def test_the_id_of_a_revoked_credential_is_not_used_again(any_store: Store) -> None:
    any_store.credentials.add(credential())
    any_store.credentials.revoke("key", credential().id, 5)

    with pytest.raises(NameTakenError):
        any_store.credentials.add(credential())
    assert any_store.credentials.by_id("key", credential().id) == credential(revoked_ms=5)


def test_a_revocation_stays_as_the_first_one_says(any_store: Store) -> None:
    any_store.credentials.add(credential())
    any_store.credentials.add(credential("AKID0000000000000002"))

    assert any_store.credentials.revoke("key", credential().id, 5)
    assert any_store.credentials.revoke("key", credential().id, 9)
    assert any_store.credentials.by_id("key", credential().id) == credential(revoked_ms=5)
    assert any_store.credentials.by_id("key", "AKID0000000000000002") == credential(
        "AKID0000000000000002"
    )


def test_the_newest_is_listed_first_and_ids_break_ties(any_store: Store) -> None:
    for record_id, created_ms in (("b", 1), ("c", 3), ("a", 1), ("d", 2)):
        any_store.credentials.add(credential(record_id, created_ms=created_ms))

    assert [record.id for record in any_store.credentials.list()] == ["c", "d", "a", "b"]


def test_an_id_that_many_add_at_once_is_added_once(any_store: Store) -> None:
    def add(number: int) -> bool:
        try:
            any_store.credentials.add(credential(created_ms=number))
        except NameTakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(add, range(8)))
    assert sum(added) == 1
    (stored,) = any_store.credentials.list()
    assert stored == credential(created_ms=added.index(True))


def test_a_deleted_app_monitor_leaves_its_credentials_without_an_heir(any_store: Store) -> None:
    """Who gets the name again gets another key, so that old credentials do not fit."""
    first = any_store.monitors.create("00000000-0000-4000-8000-000000000001", "shop", "{}")
    any_store.credentials.add(credential(app_monitor=first.key))
    any_store.monitors.delete(first.key)
    again = any_store.monitors.create("00000000-0000-4000-8000-000000000002", "shop", "{}")

    stored = any_store.credentials.by_id("key", credential().id)
    assert stored
    assert (first.key, again.key != first.key) == (stored.app_monitor, True)
