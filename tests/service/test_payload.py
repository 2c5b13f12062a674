"""How batches are stored, and which ones are the same batch."""

from __future__ import annotations

import hashlib

import pytest
from zstandard import compress, get_frame_parameters

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.storage.payload import decompress, is_same, stored_form
from tests.support.logged import content, logged

_ID = PutRumEventsRequest(id="1").SerializeToString()
_PAGE_VIEW = PutRumEventsRequest(
    rum_events=[RumEvent(type="com.amazon.rum.page_view_event", details='{"version":"1.0.0"}')]
).SerializeToString()
_ALIAS = PutRumEventsRequest(alias="a").SerializeToString()


def _digest_of_first_version(received: bytes) -> bytes:
    canonical = PutRumEventsRequest.FromString(received).SerializeToString(deterministic=True)
    return hashlib.blake2b(canonical, digest_size=16).digest()


def test_the_stored_content_is_the_received_bytes() -> None:
    batch = logged(1)._replace(content=_ALIAS + _ID)
    payload, digest = stored_form(batch)

    assert (decompress(payload), digest) == (_ALIAS + _ID, b"")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param(_ID + _ALIAS, _ID + _ALIAS, True, id="same bytes"),
        pytest.param(_ID + _ALIAS, _ALIAS + _ID, True, id="fields in another order"),
        pytest.param(_ID + _ALIAS, _ID, False, id="a field less"),
        pytest.param(_ID, content(1), False, id="another batch"),
        pytest.param(b"", b"", True, id="empty"),
    ],
)
def test_a_retry_is_recognized_by_its_content(first: bytes, second: bytes, same: bool) -> None:
    stored = stored_form(logged(1)._replace(content=first))

    assert is_same(logged(1)._replace(content=second), *stored) == same


@pytest.mark.parametrize(
    ("retry", "same"), [(_ID + _ALIAS, True), (_ALIAS + _ID, True), (_ALIAS, False)]
)
def test_a_retry_of_a_batch_with_dropped_events_is_recognized_by_the_received_content(
    retry: bytes, same: bool
) -> None:
    stored = stored_form(logged(1)._replace(content=_ID, received=_ID + _ALIAS))

    assert decompress(stored[0]) == _ID
    assert is_same(logged(1)._replace(content=retry), *stored) == same
    assert is_same(logged(1)._replace(content=_ID, received=retry), *stored) == same


def test_a_batch_without_its_dropped_events_is_the_same_batch() -> None:
    """An export has it so."""
    stored = stored_form(logged(1)._replace(content=_ID, received=_ID + _ALIAS))

    assert is_same(logged(1)._replace(content=_ID), *stored)


def test_a_retry_of_a_batch_of_the_first_version_is_recognized_by_its_digest() -> None:
    stored = compress(_ID), _digest_of_first_version(_ID + _ALIAS)

    assert is_same(logged(1)._replace(content=_ALIAS + _ID), *stored)
    assert not is_same(logged(1)._replace(content=_ALIAS), *stored)


@pytest.mark.parametrize(
    ("size", "dictionary"),
    [(3, 32_768), (24_576, 32_768), (65_535, 32_768), (65_536, 0), (150_000, 0)],
)
def test_a_batch_that_is_not_long_is_compressed_with_the_dictionary(
    size: int, dictionary: int
) -> None:
    received = (_ID * size)[:size]
    payload, _ = stored_form(logged(1)._replace(content=received))

    assert get_frame_parameters(payload).dict_id == dictionary
    assert decompress(payload) == received


def test_the_dictionary_has_not_changed() -> None:
    # Stored batches can be read only with the dictionary that compressed them.
    payload = bytes.fromhex("28b52ffd22008037850000282a352a137d023c0226030b01948d05")

    assert decompress(payload) == _PAGE_VIEW
