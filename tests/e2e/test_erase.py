"""`openrum erase`, as operators use it: a user is gone, and the proof stays."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import create_engine, func, select, update

from rum.operator.v1.operator_service_pb2 import (
    ErasureSubject,
    GetErasureRequest,
    StartErasureRequest,
)
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum_service.storage import open_store
from rum_service.storage.records import Batch
from rum_service.storage.schema import batches
from tests.support.batches import batch, event, message, new_id
from tests.support.running import OpenRum, read_back, run_openrum, wait_until

_MANY = 4_000


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'openrum.sqlite3'}"
    return str(request.getfixturevalue("empty_postgres"))


@pytest.fixture
def server(tmp_path: Path, url: str) -> Iterator[OpenRum]:
    with OpenRum(tmp_path, OPENRUM_DATABASE_URL=url) as running:
        yield running
        running.stop()


def _run(server: OpenRum, *arguments: str) -> str:
    ran = run_openrum(*arguments, OPENRUM_SERVICE=server.grpc, cwd=server.folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def _check(server: OpenRum, url: str) -> str:
    ran = run_openrum("db", "check", OPENRUM_DATABASE_URL=url, cwd=server.folder)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return ran.stdout


def _put(server: OpenRum, document: Any) -> None:
    status, body = server.post(f"/appmonitors/{server.monitor_id()}", document)
    assert (status, body) == (200, "")


def _texts(server: OpenRum) -> str:
    return "\n".join(read_back(server.grpc, "my-app"))


def test_a_user_is_erased_and_a_late_retry_stores_nothing(server: OpenRum, url: str) -> None:
    user, other = new_id(), new_id()
    own = batch(3, UserDetails={"userId": user, "sessionId": new_id()})
    named = event(details=json.dumps({"url": f"/users/{user.upper()}"}))
    mixed = batch([event(), named], UserDetails={"userId": other, "sessionId": new_id()})
    for document in (own, mixed):
        _put(server, document)
    dry = _run(server, "erase", "my-app", "--user", user, "--dry-run")
    before = _texts(server)

    proof = _run(server, "erase", "my-app", "--user", user, "--yes")
    for document in (own, mixed):
        _put(server, document)
    after = _texts(server)
    listed = _run(server, "erase", "--list")
    (stored,) = map(json.loads, _run(server, "erase", "--list", "--json").splitlines())

    assert dry == (
        "Would erase 4 events in 2 batches (1 deleted, 1 rewritten). Nothing is erased\n"
    )
    assert user in before
    assert user not in after.lower()
    assert [mixed["RumEvents"][0]["id"]] == [
        json.loads(document)["event_id"] for document in after.splitlines()
    ]
    assert proof == listed
    assert [
        "app monitor my-app",
        "user, SHA-256 of the ID:",
        hashlib.sha256(user.encode()).hexdigest(),
        "4 events in 2 batches (1 deleted, 1 rewritten)",
        f"batches up to sequence {stored['ThroughSequence']}",
        "operator token",
    ] == [line[11:] for line in proof.splitlines() if line[:5] not in ("Freed", "When ")]
    assert (stored["Events"], stored["DeletedBatches"], stored["RewrittenBatches"]) == (4, 1, 1)
    assert stored["FinishTime"] >= stored["StartTime"]
    assert _check(server, url).startswith("No problems in 2 batches with 1 event")


def test_a_damaged_batch_is_named_in_the_proof_and_the_command_fails(
    server: OpenRum, url: str
) -> None:
    user = new_id()
    for _ in range(3):
        _put(server, batch(2, UserDetails={"userId": user, "sessionId": new_id()}))
    engine = create_engine(url)
    with engine.begin() as connection:
        newest = connection.execute(select(func.max(batches.c.sequence))).scalar_one()
        damage = update(batches).where(batches.c.sequence == newest)
        connection.execute(damage.values(payload=b"damaged"))
    engine.dispose()

    options = {"OPENRUM_SERVICE": server.grpc, "cwd": server.folder}
    ran = run_openrum("erase", "my-app", "--user", user, "--yes", **options)  # type: ignore[arg-type]
    later = _run(server, "erase", "my-app", "--session", new_id(), "--dry-run")
    (stored,) = map(json.loads, _run(server, "erase", "--list", "--json").splitlines())
    checked = run_openrum("db", "check", OPENRUM_DATABASE_URL=url, cwd=server.folder)

    named = f"1 batch that may contain more, not erased: {newest}"
    assert ran.returncode == 1
    assert f"Damaged    {named}\n" in ran.stdout
    assert ran.stderr.endswith(
        f"Error: the erasure is incomplete: {named}. `openrum db check` says what is wrong\n"
    )
    assert (stored["DamagedBatches"], stored["DamagedSequences"]) == (1, [newest])
    assert (stored["Events"], stored["DeletedBatches"]) == (4, 2)
    assert "FinishTime" in stored
    assert later.startswith("Would erase 0 events")
    assert f"batch {newest} of my-app: its payload is damaged" in checked.stdout


def test_an_erasure_survives_a_kill_half_way(server: OpenRum, url: str) -> None:
    user = new_id()
    monitor_id = server.monitor_id()
    requests = [message(monitor_id, 1) for _ in range(2 * _MANY)]
    for request in requests[::2]:
        request.user_details.user_id = user
    with closing(open_store(url)) as store:
        for start in range(0, len(requests), 1_000):
            store.log.append([_stored(each) for each in requests[start : start + 1_000]])
    erasure = StartErasureRequest(app_monitor_name="my-app", subject=ErasureSubject(user_id=user))
    with grpc.insecure_channel(server.grpc) as channel:
        operator = OperatorServiceStub(channel)
        begun = operator.StartErasure(erasure, metadata=server.operator).erasure
        found = GetErasureRequest(id=begun.id)
        wait_until(
            lambda: operator.GetErasure(found, metadata=server.operator).erasure.amount.events > 0
        )
        server.kill()
    with closing(open_store(url)) as store:
        half = store.erasures.by_key(begun.id)
        assert half
        assert half.finished_ms is None
        assert half.subject == user
        assert 0 < half.events < _MANY
        # The claim of the killed service ends after 10 s. Claim the erasure at a later time.
        later_ms = round(time.time() * 1000) + 60_000
        assert store.erasures.claim(begun.id, now_ms=later_ms, until_ms=0, held_ms=None)
    server.start()

    with closing(open_store(url)) as store:
        wait_until(lambda: not store.erasures.unfinished(), 120)
        done = store.erasures.by_key(begun.id)
    _put(server, _document(requests[0]))

    assert done
    assert (done.deleted_batches, done.events, done.subject) == (_MANY, _MANY, None)
    assert done.erased_by == "operator token"
    assert user not in _texts(server)
    problems = _check(server, url)
    assert problems.startswith(f"No problems in {2 * _MANY:,} batches with {_MANY:,} events")


def _stored(request: Any) -> Batch:
    at_ms = round(request.rum_events[0].timestamp * 1000)
    return Batch(
        app_monitor=1,
        batch_id=bytes.fromhex(request.batch_id.replace("-", "")),
        received_ms=at_ms + random.randrange(1_000),
        first_ms=at_ms,
        last_ms=at_ms,
        event_count=1,
        content=request.SerializeToString(),
    )


def _document(request: Any) -> dict[str, Any]:
    """Return the JSON that a client sends for a request."""
    (sent,) = request.rum_events
    user = request.user_details
    return batch(
        [
            event(
                id=sent.id, timestamp=sent.timestamp, type="t", metadata=None, details=sent.details
            )
        ],
        BatchId=request.batch_id,
        AppMonitorDetails={},
        UserDetails={"userId": user.user_id, "sessionId": user.session_id},
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["my-app"], "either --user or --session"),
        (["--user", new_id()], "name an app monitor"),
        (["my-app", "--user", new_id(), "--session", new_id()], "either --user or --session"),
        (["my-app", "--list"], "--list allows no other argument"),
    ],
)
def test_a_command_that_does_not_say_what_to_erase_is_rejected(
    arguments: list[str], reason: str
) -> None:
    ran = run_openrum("erase", *arguments)

    assert ran.returncode == 2
    assert reason in ran.stderr


def test_nothing_is_erased_without_confirmation(openrum: OpenRum) -> None:
    user = new_id()
    _put(openrum, batch(2, UserDetails={"userId": user, "sessionId": new_id()}))
    options = {"OPENRUM_SERVICE": openrum.grpc, "cwd": openrum.folder}
    declined = run_openrum("erase", "my-app", "--user", user, stdin="n\n", **options)  # type: ignore[arg-type]
    kept = _texts(openrum)
    confirmed = run_openrum("erase", "my-app", "--user", user, stdin="y\n", **options)  # type: ignore[arg-type]

    question = "Erase 2 events in 1 batch (1 deleted, 0 rewritten) of my-app? [y/N]:"
    assert declined.stderr.startswith(question)
    assert declined.returncode == 1
    assert user in kept
    assert confirmed.returncode == 0
    assert user not in _texts(openrum)


def test_the_name_of_the_credential_is_in_the_proof(tmp_path: Path) -> None:
    with OpenRum(tmp_path, OPENRUM_AUTH="required") as server:
        created = _run(server, "tokens", "create", "--name", "dpo", "--access", "admin", "--json")
        (tmp_path / "dpo.token").write_text(json.loads(created)["Token"])
        own = _run(server, "erase", "my-app", "--session", new_id(), "--yes", "--json")
        with_token = _run(
            server,
            *("erase", "my-app", "--session", new_id(), "--yes", "--json"),
            *("--token-file", str(tmp_path / "dpo.token")),
        )
        server.stop()

    assert json.loads(own)["ErasedBy"] == "operator token"
    assert json.loads(with_token)["ErasedBy"] == "dpo"
    assert json.loads(own)["Events"] == 0
