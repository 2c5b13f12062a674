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
    assert credentials.list() == [added]


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
    assert credentials.list() == [credential()]


def test_an_id_is_unique_within_its_kind(credentials: CredentialStore) -> None:
    credentials.add(credential())
    credentials.add(credential(kind="token"))

    with pytest.raises(NameTakenError):
        credentials.add(credential(created_ms=2))
    assert credentials.by_id("key", credential().id) == credential()
    assert len(credentials.list()) == 2


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

    assert [record.id for record in credentials.list()] == ["c", "d", "a", "b"]


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
    (stored,) = credentials.list()
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
