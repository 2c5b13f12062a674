"""`openrum import`: a round trip restores every event, and importing again stores nothing."""

from __future__ import annotations

import gzip
import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import grpc
import pytest
import zstandard
from botocore.config import Config

from rum.operator.v1.operator_service_pb2 import SetRetentionRequest
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.data_plane_service_pb2 import RumEvent
from rum_cli.event_lines import event_lines
from rum_cli.import_lines import parse_line
from rum_service.storage import open_store
from rum_service.storage.records import CommittedBatch
from tests.e2e.exported import export
from tests.e2e.stored import stored_events
from tests.support.batches import batch, event, message, new_id
from tests.support.running import OpenRum, run_openrum, wait_until

_SESSION = json.dumps({"version": "1.0.0", "browserName": "Firefox", "domain": "shop.example"})
_MONTH_MS = 30 * 86_400_000


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., OpenRum]]:
    """Start servers, each in its own folder."""
    servers = []

    def started(name: str, **settings: str) -> OpenRum:
        (tmp_path / name).mkdir()
        servers.append(OpenRum(tmp_path / name, **settings))
        return servers[-1]

    yield started
    for server in servers:
        server.kill()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server to import to."""
    with OpenRum(tmp_path_factory.mktemp("target")) as server:
        yield server


@pytest.fixture
def monitor(target: OpenRum) -> dict[str, str]:
    """A new app monitor of the target: its Name and Id."""
    created = _run(target, "monitors", "create", f"import-{new_id()}", "--json")
    found: dict[str, str] = json.loads(created.stdout)
    keep_forever = SetRetentionRequest(app_monitor_name=found["Name"], days=0)
    with grpc.insecure_channel(target.grpc) as channel:
        OperatorServiceStub(channel).SetRetention(keep_forever, metadata=target.operator)
    return found


def _run(server: OpenRum, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_openrum(*arguments, OPENRUM_SERVICE=server.grpc, cwd=server.folder)


def test_a_round_trip_restores_all_that_clients_read(
    start: Callable[..., OpenRum], tmp_path: Path
) -> None:
    source, restored = start("source"), start("restored")
    monitor_id = source.monitor_id()
    _put_with_boto3(source, monitor_id)
    for document in (
        batch(3, SessionMetadata=_SESSION, Alias="an-alias"),
        batch([event(timestamp=1.5, details='{ "a":\n1e2}', metadata="[1]")], UserDetails={}),
        batch([event(details='{"cut": "\\ud83d"}', metadata=None), event(type="custom")]),
    ):
        assert source.post(f"/appmonitors/{monitor_id}", document)[0] == 200
    folder = tmp_path / "out"
    ran = export(source.database, "my-app", folder, "--format", "jsonl", "--compression", "zstd")
    assert ran.returncode == 0, ran.stderr
    assert _run(restored, "monitors", "delete", "my-app", "--yes").returncode == 0
    created = _run(restored, "monitors", "create", "my-app", "--id", monitor_id)
    assert created.returncode == 0, created.stderr
    first = _run(restored, "import", str(folder))
    again = _run(restored, "import", str(folder))

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "Events: 8 stored, 0 already stored, 0 not imported\n"
    assert again.stdout == "Events: 0 stored, 8 already stored, 0 not imported\n"
    # The order within the log depends on the days of the files.
    assert sorted(stored_events(restored.grpc), key=_id) == sorted(
        stored_events(source.grpc), key=_id
    )
    assert _logged(restored) == _logged(source)


@pytest.mark.parametrize("session", ["", '{"domain":"shop.example"}'])
def test_a_line_with_the_browser_of_a_user_agent_restores_the_event(session: str) -> None:
    metadata = '{"aws:userAgent":"Mozilla/5.0 (X11; rv:143.0) Gecko/20100101 Firefox/143.0"}'
    sent = RumEvent(id=new_id(), timestamp=1.5, type="t", details="{}", metadata=metadata)
    request = message("a" * 36, 0, session_metadata=session)
    request.rum_events.append(sent)
    stored = CommittedBatch(1, 1, 1_500, request.SerializeToString())

    (line,) = event_lines(stored, request, monitor_name="shop", account_id="1")

    assert json.loads(line)["metadata"]["browserName"] == "Firefox"
    assert parse_line(line.encode()).event == sent


def _put_with_boto3(server: OpenRum, monitor_id: str) -> None:
    client = boto3.client(
        "rum",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(inject_host_prefix=False),
    )
    details = json.dumps({"version": "1.0.0", "value": 1840, "text": "\U0001f600"})
    client.put_rum_events(
        Id=monitor_id,
        BatchId=new_id(),
        AppMonitorDetails={"name": "my-app", "version": "1.0.0"},
        UserDetails={"userId": new_id(), "sessionId": new_id()},
        RumEvents=[
            {"id": new_id(), "timestamp": datetime.now(UTC), "type": kind, "details": details}
            for kind in ("com.amazon.rum.largest_contentful_paint_event", "cart_filled")
        ],
    )
    client.close()


def test_batches_without_dropped_events_are_duplicates_of_themselves(
    start: Callable[..., OpenRum], tmp_path: Path
) -> None:
    server = start("source")
    assert _run(server, "monitors", "update", "my-app", "--custom-events", "off").returncode == 0
    sent = batch([event(), event(type="custom")])
    assert server.post(f"/appmonitors/{server.monitor_id()}", sent)[0] == 200
    assert export(server.database, "my-app", tmp_path / "out", "--format", "jsonl").returncode == 0
    ran = _run(server, "import", str(tmp_path / "out"))

    assert ran.stdout == "Events: 0 stored, 1 already stored, 0 not imported\n"


def test_the_country_and_the_time_of_receipt_are_restored(
    target: OpenRum, monitor: dict[str, str], tmp_path: Path
) -> None:
    document = _exported(monitor, country="SE", received_ms=_MONTH_MS)
    file = _file(tmp_path / "events.jsonl", document)
    assert _run(target, "import", str(file)).returncode == 0
    (stored,) = stored_events(target.grpc, monitor["Name"])
    logged = [found for found in _committed(target) if found.received_ms == _MONTH_MS]

    assert stored["metadata"]["countryCode"] == "SE"
    assert [found.country for found in logged] == ["SE"]


def test_documents_of_the_log_group_of_cloudwatch_are_imported(
    target: OpenRum, monitor: dict[str, str], tmp_path: Path
) -> None:
    documents = [_cloudwatch(number) for number in range(3)]
    file = _file(tmp_path / "events.jsonl", *documents)
    first = _run(target, "import", str(file), "--name", monitor["Name"])
    more = _file(tmp_path / "more.jsonl", *documents[1:], _cloudwatch(3))
    second = _run(target, "import", str(more), "--name", monitor["Name"])
    stored = stored_events(target.grpc, monitor["Name"])

    assert first.stdout == "Events: 3 stored, 0 already stored, 0 not imported\n"
    assert second.stdout == "Events: 1 stored, 2 already stored, 0 not imported\n"
    assert len(stored) == 4
    (found,) = [one for one in stored if one["event_id"] == documents[0]["event_id"]]
    differing = {"application_id", "batch_id", "account_id"}
    assert {name for name in found if found[name] != documents[0].get(name)} == differing
    assert found["application_id"] == monitor["Id"]


def test_an_export_of_cloudwatch_logs_is_imported(
    target: OpenRum, monitor: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "exportedlogs" / new_id() / "stream"
    folder.mkdir(parents=True)
    (tmp_path / "exportedlogs" / "aws-logs-write-test").write_text("Permission Check Successful")
    lines = [
        f"2026-11-01T10:00:0{number}.123Z {json.dumps(_cloudwatch(number))}\n"
        for number in range(4)
    ]
    # Several members of gzip in a file, as its parts are appended.
    parts = [gzip.compress("".join(lines[:3]).encode()), gzip.compress(lines[3].encode())]
    (folder / "000000.gz").write_bytes(b"".join(parts))
    ran = _run(target, "import", str(tmp_path / "exportedlogs"), "--name", monitor["Name"])

    assert (ran.stderr, ran.returncode) == ("", 0)
    assert ran.stdout == "Events: 4 stored, 0 already stored, 0 not imported\n"
    times = [
        (found.received_ms, int(found.content.count(b"js_error")))
        for found in _committed(target)
        if monitor["Id"].encode() in found.content
    ]
    assert times == [(1_793_520_000_123 + number, 1) for number in range(4)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: found.pop("event_id"), "it has no event_id"),
        (lambda found: found.pop("event_timestamp"), "it has no event_timestamp"),
        (lambda found: found.update(event_type=[1]), "a member has the wrong type"),
        (lambda found: found.update(event_id="7"), "RumEvents[0].id must match"),
        (lambda found: found.update(user_details={"userId": "joe"}), "UserDetails.userId must"),
        (lambda found: found.update(openrum=1), None),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_imported(
    target: OpenRum,
    monitor: dict[str, str],
    tmp_path: Path,
    change: Callable[[dict[str, Any]], object],
    reason: str | None,
) -> None:
    bad = _cloudwatch(1)
    change(bad)
    file = _file(tmp_path / "events.jsonl", _cloudwatch(0), bad, _cloudwatch(2))
    ran = _run(target, "import", str(file), "--name", monitor["Name"])

    if reason is None:
        assert ran.stdout == "Events: 3 stored, 0 already stored, 0 not imported\n"
    else:
        assert ran.returncode == 1
        assert ran.stderr.startswith(f"{file}:2: ")
        assert reason in ran.stderr
        assert ran.stdout == "Events: 2 stored, 0 already stored, 1 not imported\n"


def test_lines_that_are_not_json_are_named(
    target: OpenRum, monitor: dict[str, str], tmp_path: Path
) -> None:
    good = json.dumps(_cloudwatch(0))
    deep = '{"a":' + "[" * 2000 + "\\ud83d" + "]" * 2000 + "}"
    file = tmp_path / "events.jsonl"
    file.write_text(f"{good}\n\nnonsense\nERROR {good}\n{good[:-9]}\n[]\n{deep}\n")
    ran = _run(target, "import", str(file), "--name", monitor["Name"])

    assert ran.stdout == "Events: 1 stored, 0 already stored, 5 not imported\n"
    assert ran.stderr.splitlines() == [
        f"{file}:3: this is not a line of JSON",
        f"{file}:4: this is not a line of JSON",
        f"{file}:5: this is not a line of JSON",
        f"{file}:6: this is not a line of JSON",
        f"{file}:7: it is nested too deep",
    ]


def test_a_truncated_file_is_named_and_its_beginning_is_imported(
    target: OpenRum, monitor: dict[str, str], tmp_path: Path
) -> None:
    text = "".join(f"{json.dumps(_cloudwatch(number))}\n" for number in range(2000)).encode()
    names = {"events.gz": gzip.compress(text), "events.zst": zstandard.compress(text)}
    for name, content in names.items():
        file = tmp_path / name
        file.write_bytes(content[: len(content) // 2])
        ran = _run(target, "import", str(file), "--name", monitor["Name"])

        assert ran.returncode == 1
        assert f"{file}: the rest of the file cannot be decompressed" in ran.stderr
    file.write_bytes(content)
    whole = _run(target, "import", str(file), "--name", monitor["Name"])
    assert whole.returncode == 0
    assert len(stored_events(target.grpc, monitor["Name"])) == 2000


def test_events_that_the_retention_would_remove_are_not_imported(
    target: OpenRum, tmp_path: Path
) -> None:
    name = f"import-{new_id()}"
    created = json.loads(_run(target, "monitors", "create", name, "--json").stdout)
    old = _exported(created, received_ms=1_700_000_000_000)
    new = {**_exported(created, received_ms=round(time.time() * 1000)), "batch_id": new_id()}
    file = _file(tmp_path / "events.jsonl", old, new)
    ran = _run(target, "import", str(file))

    assert ran.returncode == 1
    assert ran.stderr.startswith(f"1 event was received more than 30 days ago, and {name} ")
    assert ran.stdout == "Events: 1 stored, 0 already stored, 1 not imported\n"


def test_imported_events_are_removed_by_their_time_of_receipt(
    target: OpenRum, tmp_path: Path
) -> None:
    name = f"import-{new_id()}"
    created = json.loads(_run(target, "monitors", "create", name, "--json").stdout)
    now_ms = round(time.time() * 1000)
    new, old = (
        {**_exported(created, received_ms=now_ms - days * 86_400_000), "batch_id": new_id()}
        for days in (1, 10)
    )
    for number, document in enumerate((new, old)):  # the older one comes later in the log
        assert _run(target, "import", str(_file(tmp_path / str(number), document))).returncode == 0
    imported = len(stored_events(target.grpc, name))
    ran = _run(target, "retention", "set", name, "5", "--yes")
    wait_until(lambda: len(stored_events(target.grpc, name)) == 1, timeout_s=30)
    shown = json.loads(_run(target, "retention", "show", name, "--json").stdout)

    assert imported == 2
    assert ran.stderr == (
        f"This permanently deletes 1 batch of {name} that is older than 5 days, within some"
        " minutes.\n"
    )
    oldest_s = datetime.fromisoformat(shown["OldestBatch"]).timestamp()
    assert round(oldest_s * 1000) == new["openrum"]["received_ms"]


def test_a_pipe_is_imported(target: OpenRum, monitor: dict[str, str]) -> None:
    line = json.dumps(_exported(monitor)) + "\n"
    ran = run_openrum("import", "-", stdin=line, OPENRUM_SERVICE=target.grpc, cwd=target.folder)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "Events: 1 stored, 0 already stored, 0 not imported\n"
    assert len(stored_events(target.grpc, monitor["Name"])) == 1


def test_parquet_is_named_once(target: OpenRum, tmp_path: Path) -> None:
    file = tmp_path / "part.parquet"
    file.write_bytes(b"PAR1\n" * 50)
    ran = _run(target, "import", str(file))

    assert ran.returncode == 1
    assert ran.stderr == f"{file}: this is Parquet, and only JSON lines can be imported\n"


def test_an_incomplete_batch_is_named_and_not_imported(
    target: OpenRum, monitor: dict[str, str], tmp_path: Path
) -> None:
    whole = [_exported(monitor, position=number, events=2) for number in range(2)]
    part = [_exported(monitor, position=number, events=3) for number in range(2)]
    file = _file(tmp_path / "events.jsonl", part[0], whole[1], part[1], whole[0])
    ran = _run(target, "import", str(file))

    assert ran.returncode == 1
    assert ran.stderr == f"{file}:1: the file has 2 of the 3 events of this batch\n"
    assert ran.stdout == "Events: 2 stored, 0 already stored, 2 not imported\n"


def test_an_app_monitor_that_does_not_exist_is_named(target: OpenRum, tmp_path: Path) -> None:
    file = _file(tmp_path / "events.jsonl", _cloudwatch(0))
    ran = _run(target, "import", str(file))

    assert ran.stderr == (
        f"{file}:1: there is no app monitor with the ID in the document; use --name\n"
    )


def test_a_dry_run_checks_everything_and_stores_nothing(
    target: OpenRum, monitor: dict[str, str], tmp_path: Path
) -> None:
    bad = {**_cloudwatch(1), "event_id": "7"}
    file = _file(tmp_path / "events.jsonl", _cloudwatch(0), bad)
    ran = _run(target, "import", str(file), "--name", monitor["Name"], "--dry-run")

    assert ran.returncode == 1
    assert ran.stdout == "Events: 1 can be imported, 1 cannot\n"
    assert stored_events(target.grpc, monitor["Name"]) == []


def test_an_invalid_batch_is_named(
    target: OpenRum, monitor: dict[str, str], tmp_path: Path
) -> None:
    file = _file(tmp_path / "events.jsonl", {**_exported(monitor), "batch_id": "7"})
    ran = _run(target, "import", str(file))

    assert ran.stderr.startswith(f"{file}:1: BatchId must match ")


def _file(path: Path, *documents: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(document)}\n" for document in documents))
    return path


def _cloudwatch(number: int) -> dict[str, Any]:
    """Return a document as the log group of CloudWatch RUM has it."""
    at_ms = 1_793_520_000_123 + number  # 2026-11-01
    session, user = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
    metadata = {"version": "1.0.0", "browserName": "Chrome", "pageId": "/cart", "interaction": 0}
    return {
        "event_timestamp": at_ms,
        "event_type": "com.amazon.rum.js_error_event",
        "event_id": str(uuid.UUID(int=100 + number)),
        "event_version": "1.0.0",
        "log_stream": {"seconds": at_ms // 1000, "nanos": at_ms % 1000 * 1_000_000},
        "application_id": "5d1f6c1e-8c43-4f0e-9a57-0b6a3c7e2d09",
        "application_name": "shop",
        "application_version": "1.4.2",
        "batch_id": new_id(),
        "metadata": metadata,
        "metadata_keys": list(metadata),
        "metadata_values": [f"{name}={value}" for name, value in metadata.items()],
        "user_details": {"sessionId": session, "userId": user},
        "userId": user,
        "sessionId": session,
        "account_id": "123456789012",
        "event_interaction": "%2Fcart-0 &",
        "event_details": {"version": "1.0.0", "type": "TypeError", "lineno": 42},
    }


def _exported(monitor: dict[str, str], **own: Any) -> dict[str, Any]:
    """Return a document as `openrum export` writes it."""
    events = own.get("events", 1)
    return {
        "application_id": monitor["Id"],
        "batch_id": str(uuid.UUID(int=events)),
        "event_id": new_id(),
        "event_timestamp": round(time.time() * 1000),
        "event_type": "t",
        "metadata": {},
        "event_details": {"a": 1},
        "openrum": {
            "position": 0,
            "events": 1,
            "received_ms": 1_793_520_000_000,
            "batch": {"AppMonitorDetails": {}, "UserDetails": {}},
            "event": {"metadata": None},
            **own,
        },
    }


def _committed(server: OpenRum) -> list[CommittedBatch]:
    store = open_store(f"sqlite:///{server.database}")
    found = store.log.after(0, limit=10_000, max_bytes=1 << 30)
    store.close()
    return found


def _logged(server: OpenRum) -> list[tuple[int, bytes, str | None]]:
    """Return what the log has of each batch, except its place."""
    return sorted((found.received_ms, found.content, found.country) for found in _committed(server))


def _id(document: dict[str, Any]) -> str:
    return str(document["event_id"])
