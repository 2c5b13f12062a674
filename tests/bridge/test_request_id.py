"""Request IDs."""

from __future__ import annotations

import uuid

from rum_bridge.request_id import new_request_id


def test_request_ids_are_different_uuids_of_version_4() -> None:
    ids = [new_request_id() for _ in range(10_000)]
    parsed = [uuid.UUID(text) for text in ids]

    assert [str(one) for one in parsed] == ids
    assert {(one.version, one.variant) for one in parsed} == {(4, uuid.RFC_4122)}
    assert len(set(ids)) == len(ids)
