"""The commands that talk to a running service, as a user types them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.batches import batch, event, new_id
from tests.support.running import OPENRUM, OpenRum, environment, read_back, run_openrum, wait_until

Result = subprocess.CompletedProcess[str]


@pytest.fixture
def monitor(openrum: OpenRum) -> str:
    """The name of an empty app monitor."""
    name = f"app-{new_id()}"
    assert _run(openrum, "monitors", "create", name, "--id", _id_of(name)).returncode == 0
    return name


def test_an_app_monitor_keeps_the_id_that_is_asked_for(openrum: OpenRum) -> None:
    wanted = new_id()
    made = _run(openrum, "monitors", "create", "kept", "--id", wanted.upper())
    same_name = _run(openrum, "monitors", "create", "kept")
    same_id = _run(openrum, "monitors", "create", "other", "--id", wanted)
    conflict = "Error: ConflictException: An app monitor with this name or id exists.\n"

    assert (made.returncode, made.stdout, made.stderr) == (0, f"{wanted}\n", "")
    assert (same_name.returncode, same_name.stdout, same_name.stderr) == (1, "", conflict)
    assert (same_id.returncode, same_id.stdout, same_id.stderr) == (1, "", conflict)


def test_app_monitors_are_listed_as_a_table_and_as_json(openrum: OpenRum) -> None:
    domains = ("--domain", "a.example", "--domain", "*.b.example")
    made = json.loads(_run(openrum, "monitors", "create", "listed", *domains, "--json").stdout)
    as_json = _run(openrum, "monitors", "list", "--json").stdout.splitlines()
    (line,) = [line for line in map(json.loads, as_json) if line["Name"] == "listed"]
    (row,) = [
        row for row in _run(openrum, "monitors", "list").stdout.splitlines() if "listed" in row
    ]

    assert made == {"Name": "listed", "Id": line["Id"]}
    assert line["State"] == "CREATED"
    assert line["Id"] in row  # whole, to be copied


def test_a_document_is_stored_and_sent_again_stores_nothing(
    openrum: OpenRum, monitor: str, tmp_path: Path
) -> None:
    file = tmp_path / "batch.json"
    file.write_text(json.dumps(batch(3, Id=_id_of(monitor)), indent=2))
    sent = [_run(openrum, "send", str(file)) for _ in range(2)]

    for result in sent:
        assert (result.returncode, result.stdout) == (0, "1 batches stored, 0 refused\n")
    assert len(read_back(openrum.grpc, monitor)) == 3


def test_lines_of_json_are_stored_from_standard_input(openrum: OpenRum, monitor: str) -> None:
    batches = [batch(2) for _ in range(150)]  # more than one call
    lines = "\n\n".join(json.dumps(document) for document in batches)
    sent = _run(openrum, "send", "-", "--id", _id_of(monitor), "--json", stdin=lines)

    assert sent.returncode == 0
    assert [json.loads(line) for line in sent.stdout.splitlines()] == [
        {"BatchId": document["BatchId"], "stored": True} for document in batches
    ]
    assert [json.loads(document)["event_id"] for document in read_back(openrum.grpc, monitor)] == [
        item["id"] for document in reversed(batches) for item in reversed(document["RumEvents"])
    ]


def test_a_file_longer_than_a_message_of_the_service_is_stored(
    openrum: OpenRum, monitor: str, tmp_path: Path
) -> None:
    file = tmp_path / "batches.jsonl"
    long = event(details=json.dumps({"text": "x" * 1_000_000}))
    with file.open("w") as writer:
        for _ in range(40):
            print(json.dumps(batch([{**long, "id": new_id()}], Id=_id_of(monitor))), file=writer)
    sent = _run(openrum, "send", str(file))

    assert (sent.returncode, sent.stderr) == (0, "")
    assert sent.stdout == "40 batches stored, 0 refused\n"


def test_a_refused_batch_does_not_hold_up_the_others(
    openrum: OpenRum, monitor: str, tmp_path: Path
) -> None:
    good, bad, stray = batch(), batch(BatchId="no-uuid"), batch(Id=new_id())
    file = tmp_path / "batches.jsonl"
    file.write_text("\n".join(json.dumps(document) for document in (bad, stray, good)))
    sent = _run(openrum, "send", str(file), "--id", _id_of(monitor))
    first, second = sent.stderr.splitlines()

    assert (sent.returncode, sent.stdout) == (1, "1 batches stored, 2 refused\n")
    assert first.startswith("no-uuid: ValidationException: BatchId must match ")
    assert second.startswith(f"{stray['BatchId']}: ResourceNotFoundException: ")
    assert len(read_back(openrum.grpc, monitor)) == 1


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('{"BatchId": ', "line 1: The body is not JSON."),
        ('{"Id": "x", "RumEvents": []}\n\n{]\n', "line 3: The body is not JSON."),
        ("[1]", "line 1: The body must be a JSON object."),
        ('{"BatchId": "x"}', "the file names no app monitor; give --id"),
        ('{"Id": "x", "BatchId": 3}', "the file: BatchId must be a string."),
    ],
)
def test_a_file_that_holds_no_batches_is_wrong_usage(
    openrum: OpenRum, content: str, error: str
) -> None:
    sent = _run(openrum, "send", "-", stdin=content)

    assert (sent.returncode, sent.stdout) == (2, "")
    assert sent.stderr.splitlines()[-1] == f"Error: {error}"


def test_events_are_chosen_by_time_and_type(openrum: OpenRum, monitor: str) -> None:
    times = [1_790_000_000, 1_790_000_000.5, 1_790_000_001, 1_790_000_002]
    events = [event(timestamp=time, type=f"type.{n % 2}") for n, time in enumerate(times)]
    assert _send(openrum, monitor, batch(events)).returncode == 0

    def chosen(*options: str) -> list[int]:
        shown = _run(openrum, "events", monitor, "--json", *options)
        assert (shown.returncode, shown.stderr) == (0, "")
        ids = [json.loads(line)["event_id"] for line in shown.stdout.splitlines()]
        return [[item["id"] for item in events].index(event_id) for event_id in ids]

    assert chosen() == [3, 2, 1, 0]
    assert chosen("--limit", "2") == [3, 2]
    assert chosen("--after", "1790000000500", "--before", "1790000001000") == [2, 1]
    assert chosen("--after", "2026-09-21T14:13:21Z") == [3, 2]
    assert chosen("--type", "type.1") == [3, 1]
    assert chosen("--type", "type.1", "--type", "type.0", "--before", "1790000000499") == [0]


def test_events_are_a_table_in_a_terminal(openrum: OpenRum, monitor: str) -> None:
    hostile = event(
        timestamp=1_790_000_000,
        metadata=json.dumps({"pageId": "[/b]"}),
        details="\x1b[2J[red]\x07",
    )
    assert _send(openrum, monitor, batch([hostile])).returncode == 0
    shown = _in_terminal(openrum, "events", monitor)

    assert "2026-09-21 14:13:20" in shown
    assert "page_view_event" in shown
    assert "[/b]" in shown  # text, and no markup
    assert "\ufffd[2J[red]\ufffd" in shown  # what a page sent commands no terminal
    assert "\x1b[2J" not in shown


@pytest.fixture
def tail(openrum: OpenRum, monitor: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`openrum tail --json` of an app monitor with one old event, and the lines it prints."""
    assert _send(openrum, monitor, batch()).returncode == 0
    process = subprocess.Popen(
        [*OPENRUM, "tail", monitor, "--json"],
        env=environment(OPENRUM_GRPC=openrum.grpc),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
    reader.start()
    yield process, lines
    process.kill()
    process.wait()
    reader.join()
    process.stdout.close()


def test_tail_prints_what_is_put_meanwhile_once_and_in_order(
    openrum: OpenRum, monitor: str, tail: tuple[subprocess.Popen[str], list[str]]
) -> None:
    process, lines = tail
    marks: list[str] = []

    def has_begun() -> bool:
        marks.append(new_id())
        _put(openrum, monitor, batch([event(id=marks[-1])]))
        return bool(lines)

    wait_until(has_begun, every_s=0.5)
    later = [batch(2) for _ in range(3)]
    for document in later:
        _put(openrum, monitor, document)
    last = later[-1]["RumEvents"][-1]["id"]
    wait_until(lambda: any(last in line for line in list(lines)))
    process.send_signal(signal.SIGINT)
    code = process.wait(30)
    printed = [json.loads(line)["event_id"] for line in lines]
    put = [*marks, *(item["id"] for document in later for item in document["RumEvents"])]

    assert code == 0
    assert printed == put[-len(printed) :]
    assert len(printed) >= 7


@pytest.mark.parametrize(
    "command",
    [
        ("monitors", "list"),
        ("monitors", "create", "x"),
        ("events", "x"),
        ("tail", "x"),
        ("send", "-", "--id", new_id()),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_without_a_service_there_is_one_line_and_exit_code_3(command: tuple[str, ...]) -> None:
    ran = run_openrum(*command, stdin=json.dumps(batch()), OPENRUM_GRPC="127.0.0.1:1")

    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        "Error: no service answers at 127.0.0.1:1; start one with `openrum up`,"
        " or set OPENRUM_GRPC\n"
    )


@pytest.mark.parametrize("command", ["events", "tail"])
def test_an_unknown_app_monitor_is_refused(openrum: OpenRum, command: str) -> None:
    ran = _run(openrum, command, "nobody")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "Error: ResourceNotFoundException: There is no app monitor with this name.\n"
    )


def _id_of(name: str) -> str:
    return name.removeprefix("app-")


def _run(openrum: OpenRum, *arguments: str, stdin: str | None = None) -> Result:
    return run_openrum(*arguments, stdin=stdin, OPENRUM_GRPC=openrum.grpc)


def _send(openrum: OpenRum, monitor: str, document: dict[str, Any]) -> Result:
    return _run(openrum, "send", "-", "--id", _id_of(monitor), stdin=json.dumps(document))


def _put(openrum: OpenRum, monitor: str, document: dict[str, Any]) -> None:
    status, _ = openrum.post(f"/appmonitors/{_id_of(monitor)}", document)
    assert status == 200


def _in_terminal(openrum: OpenRum, *arguments: str) -> str:
    """Returns what a command prints where its standard output is a terminal."""
    ours, theirs = pty.openpty()
    settings = {"OPENRUM_GRPC": openrum.grpc, "COLUMNS": "120", "TERM": "xterm"}
    process = subprocess.Popen(
        [*OPENRUM, *arguments], env=environment(**settings), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # how Linux says that the last writer has closed it
            break
    os.close(ours)
    assert process.wait(30) == 0
    return shown.decode()
