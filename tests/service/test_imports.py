"""Imported batches: only an operator stores them, with the time and the country that they had."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from rum.internal.v1.bridge_service_pb2 import (
    BatchPutRumEventsEntry,
    BatchPutRumEventsRequest,
    ImportedBatch,
)
from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1.app_monitor_pb2 import CustomEvents
from rum_service.storage import open_store
from rum_service.storage.records import CommittedBatch
from tests.service.authorized import OK, Authorized, Metadata, authorized, bearer, outcome_of
from tests.service.served import LoopThread
from tests.support.batches import message

_DENIED = "AccessDeniedException"
_INVALID = "ValidationException"
_DENY_ALL = """{"Statement": {"Effect": "Deny", "Principal": "*", "Resource": "*",
"Action": "rum:PutRumEvents"}}"""
_RECEIVED_MS = 1_700_000_000_000
_IMPORTED = ImportedBatch(received_ms=_RECEIVED_MS, country="SE")


@pytest.fixture(scope="module")
def service(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorized]:
    with authorized(loop, tmp_path_factory.mktemp("imports"), monitor_events_per_s=1.0) as started:
        yield started


@pytest.fixture(scope="module")
def monitor(service: Authorized) -> str:
    return service.monitor("shop")


def _put(
    service: Authorized,
    monitor: str,
    imported: ImportedBatch,
    metadata: Metadata | None = None,
    *,
    caller: HttpCaller | None = None,
    **members: Any,
) -> str:
    entry = BatchPutRumEventsEntry(
        request=message(monitor, **members).SerializeToString(), imported=imported, caller=caller
    )
    request = BatchPutRumEventsRequest(entries=[entry])
    response = service.call("BatchPutRumEvents", request, metadata or bearer(service.operator))
    return outcome_of(response.statuses[0])


def _newest(service: Authorized) -> CommittedBatch:
    store = open_store(f"sqlite:///{service.folder / 'openrum.sqlite3'}")
    found = store.log.after(store.log.newest_sequence() - 1, limit=1, max_bytes=1)
    store.close()
    return found[0]


def test_an_imported_batch_keeps_its_time_and_country(service: Authorized, monitor: str) -> None:
    assert _put(service, monitor, _IMPORTED) == OK
    assert (_newest(service).received_ms, _newest(service).country) == (_RECEIVED_MS, "SE")

    assert _put(service, monitor, ImportedBatch(received_ms=0)) == OK
    assert (_newest(service).received_ms, _newest(service).country) == (0, None)


def test_an_import_needs_admin_access_and_no_bridge(service: Authorized, monitor: str) -> None:
    admin = bearer(service.token("a", "admin"))
    outcomes = {
        "admin": _put(service, monitor, _IMPORTED, admin),
        "write": _put(service, monitor, _IMPORTED, bearer(service.token("w", "write", "read"))),
        "bridge": _put(service, monitor, _IMPORTED, bearer(service.bridge)),
        "relayed": _put(
            service,
            monitor,
            _IMPORTED,
            bearer(service.bridge),
            caller=HttpCaller(bearer_token=service.token("r", "admin")),
        ),
        "reported": _put(service, monitor, _IMPORTED, admin, caller=HttpCaller()),
    }

    assert outcomes.pop("admin") == OK
    assert set(outcomes.values()) == {_DENIED}


@pytest.mark.parametrize(
    "imported",
    [
        ImportedBatch(),
        ImportedBatch(country="SE"),
        ImportedBatch(received_ms=-1),
        ImportedBatch(received_ms=round(time.time() * 1000) + 86_400_000),
        ImportedBatch(received_ms=1, country="sweden"),
        ImportedBatch(received_ms=1, country=""),
    ],
)
def test_what_is_said_about_an_imported_batch_is_checked(
    service: Authorized, monitor: str, imported: ImportedBatch
) -> None:
    assert _put(service, monitor, imported) == _INVALID


def test_limits_drops_and_policies_for_clients_do_not_apply(service: Authorized) -> None:
    monitor = service.monitor("closed", custom_events=CustomEvents(status="DISABLED"))
    service.policy("closed", _DENY_ALL)
    outcomes = [_put(service, monitor, _IMPORTED, events=50) for _ in range(3)]
    stored = _newest(service).content.count(b'{"n":')

    assert outcomes == [OK, OK, OK]
    assert stored == 50
