"""The commands that talk to a running service, as a user types them."""

from __future__ import annotations

import json
import os
import pty
import re
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


def test_an_app_monitor_is_created_with_the_given_id(openrum: OpenRum) -> None:
    given_id = new_id()
    created = _run(openrum, "monitors", "create", "kept", "--id", given_id.upper())
    same_name = _run(openrum, "monitors", "create", "kept")
    same_id = _run(openrum, "monitors", "create", "other", "--id", given_id)
    conflict = "Error: ConflictException: An app monitor with this name or id exists.\n"

    assert (created.returncode, created.stdout, created.stderr) == (0, f"{given_id}\n", "")
    assert (same_name.returncode, same_name.stdout, same_name.stderr) == (1, "", conflict)
    assert (same_id.returncode, same_id.stdout, same_id.stderr) == (1, "", conflict)


def test_app_monitors_are_listed_as_a_table_and_as_json(openrum: OpenRum) -> None:
    domains = ("--domain", "a.example", "--domain", "*.b.example")
    created = json.loads(_run(openrum, "monitors", "create", "listed", *domains, "--json").stdout)
    as_json = _run(openrum, "monitors", "list", "--json").stdout.splitlines()
    (line,) = [line for line in map(json.loads, as_json) if line["Name"] == "listed"]
    (row,) = [
        row for row in _run(openrum, "monitors", "list").stdout.splitlines() if "listed" in row
    ]

    shown = json.loads(_run(openrum, "monitors", "show", "listed", "--json").stdout)

    assert created == {"Name": "listed", "Id": line["Id"]}
    assert shown["AppMonitorConfiguration"] == {"SessionSampleRate": 1.0}
    assert line["State"] == "CREATED"
    assert line["Id"] in row  # complete, so that it can be copied


def test_ids_are_never_cut_in_a_narrow_terminal_or_a_pipe(openrum: OpenRum) -> None:
    name, given_id = "n" * 200, new_id()
    assert _run(openrum, "monitors", "create", name, "--id", given_id).returncode == 0
    piped = _run(openrum, "monitors", "list").stdout.splitlines()
    narrow = _in_terminal(openrum, "monitors", "list", columns=80).splitlines()
    narrower = _in_terminal(openrum, "monitors", "list", columns=30)

    assert any(f"{name}  {given_id}  CREATED  " in line for line in piped)
    assert any(f"  {given_id}  CREATED  " in line for line in narrow)
    assert max(map(len, narrow)) <= 80
    assert given_id in narrower


def test_an_app_monitor_is_updated_shown_and_deleted(openrum: OpenRum, monitor: str) -> None:
    domains = ("--domain", "a.example", "--domain", "*.b.example")
    updated = _run(openrum, "monitors", "update", monitor, *domains, "--custom-events", "off")
    shown = _run(openrum, "monitors", "show", monitor).stdout
    document = json.loads(_run(openrum, "monitors", "show", monitor, "--json").stdout)
    _run(openrum, "monitors", "update", monitor, "--domain", "c.example")
    after = json.loads(_run(openrum, "monitors", "show", monitor, "--json").stdout)
    deleted = _run(openrum, "monitors", "delete", monitor, "--yes")
    gone = _run(openrum, "monitors", "show", monitor)

    assert (updated.returncode, updated.stdout) == (0, f"{monitor} is updated\n")
    assert dict(line.split(maxsplit=1) for line in shown.splitlines()[1:4]) == {
        "Name": monitor,
        "Id": _id_of(monitor),
        "Domains": "a.example, *.b.example",
    }
    assert "Custom events   off" in shown
    assert document["DomainList"] == ["a.example", "*.b.example"]
    assert document["CustomEvents"] == {"Status": "DISABLED"}
    assert (after["Domain"], after["CustomEvents"]) == ("c.example", {"Status": "DISABLED"})
    assert (deleted.returncode, deleted.stdout) == (0, f"{monitor} is deleted\n")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.startswith("Error: ResourceNotFoundException: ")


@pytest.mark.parametrize(
    ("reply", "code", "stdout"),
    [("y\n", 0, "{} is deleted\n"), ("n\n", 1, ""), ("", 1, "")],
    ids=["yes", "no", "end-of-input"],
)
def test_a_deletion_asks_for_confirmation(
    openrum: OpenRum, monitor: str, reply: str, code: int, stdout: str
) -> None:
    ran = _run(openrum, "monitors", "delete", monitor, stdin=reply)
    left = _run(openrum, "monitors", "show", monitor).returncode == 0

    assert (ran.returncode, ran.stdout) == (code, stdout.format(monitor))
    assert f"Delete the app monitor {monitor} and all its events permanently? [y/N]" in ran.stderr
    assert left == (code != 0)


def test_an_update_without_changes_is_wrong_usage(openrum: OpenRum, monitor: str) -> None:
    ran = _run(openrum, "monitors", "update", monitor)

    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == (
        "Error: nothing to update; use --domain or --custom-events"
    )


def test_an_empty_list_of_app_monitors_says_how_to_create_one(tmp_path: Path) -> None:
    with OpenRum(tmp_path) as server:
        _run(server, "monitors", "delete", "my-app", "--yes")
        ran = _run(server, "monitors", "list")

    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.startswith("There are no app monitors. Create one: ")


def test_sending_a_document_again_stores_nothing_new(
    openrum: OpenRum, monitor: str, tmp_path: Path
) -> None:
    file = tmp_path / "batch.json"
    file.write_text(json.dumps(batch(3, Id=_id_of(monitor)), indent=2))
    sent = [_run(openrum, "send", str(file)) for _ in range(2)]

    assert [(result.returncode, result.stdout) for result in sent] == [
        (0, "Batches: 1 stored, 0 duplicate, 0 rejected\n"),
        (0, "Batches: 0 stored, 1 duplicate, 0 rejected\n"),
    ]
    assert len(read_back(openrum.grpc, monitor)) == 3


def test_lines_of_json_are_stored_from_standard_input(openrum: OpenRum, monitor: str) -> None:
    batches = [batch(1) for _ in range(501)]  # more than one call
    lines = "\n\n".join(json.dumps(document) for document in batches)
    sent = _run(openrum, "send", "-", "--id", _id_of(monitor), "--json", stdin=lines)

    assert sent.returncode == 0
    assert [json.loads(line) for line in sent.stdout.splitlines()] == [
        {"BatchId": document["BatchId"], "Result": "STORED"} for document in batches
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
    assert sent.stdout == "Batches: 40 stored, 0 duplicate, 0 rejected\n"


def test_a_rejected_batch_does_not_stop_the_others(
    openrum: OpenRum, monitor: str, tmp_path: Path
) -> None:
    valid, invalid, unknown_monitor = batch(), batch(BatchId="no-uuid"), batch(Id=new_id())
    file = tmp_path / "batches.jsonl"
    file.write_text(
        "\n".join(json.dumps(document) for document in (invalid, unknown_monitor, valid))
    )
    sent = _run(openrum, "send", str(file), "--id", _id_of(monitor))
    first, second = sent.stderr.splitlines()

    assert (sent.returncode, sent.stdout) == (1, "Batches: 1 stored, 0 duplicate, 2 rejected\n")
    assert first.startswith("no-uuid: ValidationException: BatchId must match ")
    assert second.startswith(f"{unknown_monitor['BatchId']}: ResourceNotFoundException: ")
    assert len(read_back(openrum.grpc, monitor)) == 1


def test_json_output_has_the_result_of_each_batch(openrum: OpenRum, monitor: str) -> None:
    known, new, bad = batch(), batch(), batch(BatchId="no-uuid")
    assert _send(openrum, monitor, known).returncode == 0
    lines = "\n".join(json.dumps(document) for document in (known, new, bad, new))
    sent = _run(openrum, "send", "-", "--name", monitor, "--json", stdin=lines)
    outcomes = [json.loads(line) for line in sent.stdout.splitlines()]

    assert sent.returncode == 1
    assert [outcome["Result"] for outcome in outcomes] == [
        "DUPLICATE",
        "STORED",
        "REJECTED",
        "DUPLICATE",
    ]
    assert outcomes[2]["Error"] == "ValidationException"
    assert outcomes[2]["Message"].startswith("BatchId must match ")


def test_a_sample_batch_is_stored_and_printed(openrum: OpenRum, monitor: str) -> None:
    sent = _run(openrum, "send", "--sample", "--name", monitor)
    first, _, *rows, last = sent.stdout.splitlines()
    shown = _run(openrum, *last.split(" -m rum_cli ")[1].split())
    documents = [json.loads(document) for document in read_back(openrum.grpc, monitor)]

    assert (sent.returncode, sent.stderr) == (0, "")
    assert first == "Batches: 1 stored, 0 duplicate, 0 rejected"
    assert [row.split()[0] for row in rows] == [
        "session_start_event",
        "page_view_event",
        "largest_contentful_paint_event",
        "http_event",
        "js_error_event",
    ]
    assert [row.split()[0] for row in rows] == [
        document["event_type"].removeprefix("com.amazon.rum.") for document in reversed(documents)
    ]
    assert {document["metadata"]["browserName"] for document in documents} == {"Firefox"}
    assert "TypeError: Cannot read properties" in shown.stdout


def test_each_sample_batch_has_new_ids(openrum: OpenRum, monitor: str) -> None:
    for _ in range(2):
        _run(openrum, "send", "--sample", "--id", _id_of(monitor))

    assert len(read_back(openrum.grpc, monitor)) == 10


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "give either FILE or --sample"),
        (("-", "--sample"), "give either FILE or --sample"),
        (("--sample", "--id", "x", "--name", "y"), "give either --id or --name"),
    ],
)
def test_send_needs_exactly_one_source_and_one_app_monitor(
    arguments: tuple[str, ...], error: str
) -> None:
    ran = run_openrum("send", *arguments, stdin="{}", OPENRUM_SERVICE="127.0.0.1:1")

    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == f"Error: {error}"


def test_an_error_names_the_file(openrum: OpenRum, tmp_path: Path) -> None:
    file = tmp_path / "batches.json"
    file.write_text('{"Id": "x", "BatchId": 3}')
    sent = _run(openrum, "send", str(file))

    assert sent.returncode == 2
    assert sent.stderr.splitlines()[-1] == f"Error: {file}: BatchId must be a string."


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('{"BatchId": ', "line 1: The body is not JSON."),
        ('{"Id": "x", "RumEvents": []}\n\n{]\n', "line 3: The body is not JSON."),
        ("[1]", "line 1: The body must be a JSON object."),
        ('{"BatchId": "x"}', "standard input has no app monitor id; use --id or --name"),
        ('{"Id": "x", "BatchId": 3}', "standard input: BatchId must be a string."),
    ],
)
def test_a_file_without_batches_is_wrong_usage(openrum: OpenRum, content: str, error: str) -> None:
    sent = _run(openrum, "send", "-", stdin=content)

    assert (sent.returncode, sent.stdout) == (2, "")
    assert sent.stderr.splitlines()[-1] == f"Error: {error}"


def test_events_are_filtered_by_time_and_type(openrum: OpenRum, monitor: str) -> None:
    times = [1_790_000_000, 1_790_000_000.5, 1_790_000_001, 1_790_000_002]
    events = [event(timestamp=time, type=f"type.{n % 2}") for n, time in enumerate(times)]
    assert _send(openrum, monitor, batch(events)).returncode == 0

    def filtered(*options: str) -> list[int]:
        shown = _run(openrum, "events", monitor, "--json", *options)
        assert (shown.returncode, shown.stderr) == (0, "")
        ids = [json.loads(line)["event_id"] for line in shown.stdout.splitlines()]
        return [[item["id"] for item in events].index(event_id) for event_id in ids]

    assert filtered() == [3, 2, 1, 0]
    assert filtered("--limit", "2") == [3, 2]
    assert filtered("--after", "1790000000500", "--before", "1790000001000") == [2, 1]
    assert filtered("--after", "2026-09-21T14:13:21Z") == [3, 2]
    assert filtered("--type", "type.1") == [3, 1]
    assert filtered("--type", "type.1", "--type", "type.0", "--before", "1790000000499") == [0]


@pytest.mark.parametrize("short", ["js_error_event", "js_error", "com.amazon.rum.js_error_event"])
def test_event_types_are_accepted_without_their_prefix(
    openrum: OpenRum, monitor: str, short: str
) -> None:
    _run(openrum, "send", "--sample", "--name", monitor)
    shown = _run(openrum, "events", monitor, "--type", short, "--json")

    assert [json.loads(line)["event_type"] for line in shown.stdout.splitlines()] == [
        "com.amazon.rum.js_error_event"
    ]


def test_an_empty_result_suggests_the_next_command(openrum: OpenRum, monitor: str) -> None:
    empty = _run(openrum, "events", monitor)
    _send(openrum, monitor, batch())
    none_matches = _run(openrum, "events", monitor, "--type", "no.such.type")
    as_json = _run(openrum, "events", monitor, "--type", "no.such.type", "--json")

    assert (empty.returncode, empty.stdout) == (0, "")
    assert empty.stderr.startswith(f"{monitor} has no events. Send a sample batch: ")
    assert empty.stderr.endswith(f" send --sample --name {monitor}\n")
    assert (none_matches.returncode, none_matches.stdout) == (0, "")
    assert none_matches.stderr.startswith(f"No event of {monitor} matches. See all: ")
    assert (as_json.returncode, as_json.stdout, as_json.stderr) == (0, "", "")


def test_session_ids_are_complete_or_omitted(openrum: OpenRum, monitor: str) -> None:
    document = batch()
    _send(openrum, monitor, document)
    session = document["UserDetails"]["sessionId"]
    piped = _run(openrum, "events", monitor).stdout
    wide = _in_terminal(openrum, "events", monitor, columns=120)
    narrow = _in_terminal(openrum, "events", monitor, columns=80)

    assert (session in piped, session in wide) == (True, True)
    assert session[:8] not in narrow
    assert max(map(len, narrow.splitlines())) <= 80


def test_events_are_printed_as_a_table_in_a_terminal(openrum: OpenRum, monitor: str) -> None:
    hostile = event(
        timestamp=1_790_000_000,
        metadata=json.dumps({"pageId": "[/b]\u202eexe"}),
        details="\x1b[2J[red]\x07",
    )
    assert _send(openrum, monitor, batch([hostile])).returncode == 0
    shown = _in_terminal(openrum, "events", monitor)

    assert "2026-09-21 14:13:20" in shown
    assert "page_view_event" in shown
    assert "[/b]" in shown  # not interpreted as markup
    # Control characters of a page are left out.
    assert "[2J[red]" in shown
    assert "\x1b[2J" not in shown
    assert "[/b]\ufffdexe" in shown  # nor can a page reverse the text after it


# Deleting, and the control sequence introducer of 8-bit terminals: JSON need not escape either.
_CONTROLS = "\x7f\x9b2J\u202e\u2028"


def test_json_in_a_terminal_has_no_control_characters(openrum: OpenRum, monitor: str) -> None:
    hostile = event(type=_CONTROLS, details=f'{{"text":\n"{_CONTROLS}é😀",\t"more":1}}')
    assert _send(openrum, monitor, batch([hostile])).returncode == 0
    shown = _in_terminal(openrum, "events", monitor, "--json", columns=9999)
    piped = _run(openrum, "events", monitor, "--json").stdout

    (line,) = shown.splitlines()
    assert line.isprintable()
    assert json.loads(line) == json.loads(piped)
    assert json.loads(line)["event_details"] == {"text": f"{_CONTROLS}é😀", "more": 1}
    assert "é😀" in line
    assert piped.count("\n") == 1


@pytest.mark.parametrize("depth", [100, 101, 20_000])
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["table", "json"])
def test_events_with_deeply_nested_json_are_printed(
    openrum: OpenRum, monitor: str, depth: int, options: tuple[str, ...]
) -> None:
    lists = '{"a": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"
    nested = event(type="nested", details=lists, metadata=lists)
    assert _send(openrum, monitor, batch([nested])).returncode == 0
    shown = _run(openrum, "events", monitor, *options)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert (nested["id"] if options else '{"a": [[') in shown.stdout


@pytest.fixture
def tail(openrum: OpenRum, monitor: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`openrum tail --json` of an app monitor with one old event, and the lines it prints."""
    assert _send(openrum, monitor, batch()).returncode == 0
    process = subprocess.Popen(
        [*OPENRUM, "tail", monitor, "--json"],
        env=environment(OPENRUM_SERVICE=openrum.grpc),
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


def test_tail_prints_new_events_once_and_in_order(
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


def test_tail_prints_no_old_events_after_the_newest_was_erased(
    openrum: OpenRum, monitor: str, tail: tuple[subprocess.Popen[str], list[str]]
) -> None:
    _, lines = tail
    user, later = new_id(), batch()

    def has_begun() -> bool:
        _put(openrum, monitor, batch(UserDetails={"userId": user, "sessionId": new_id()}))
        return bool(lines)

    wait_until(has_begun, every_s=0.5)
    assert _run(openrum, "erase", monitor, "--user", user, "--yes").returncode == 0
    _put(openrum, monitor, later)
    wait_until(lambda: any(later["RumEvents"][0]["id"] in line for line in list(lines)))

    assert len([line for line in lines if user not in line]) == 1


def test_tail_prints_no_old_events_after_all_that_it_knows_were_erased(
    openrum: OpenRum, monitor: str
) -> None:
    user = new_id()
    _put(openrum, monitor, batch(1200))
    _put(openrum, monitor, batch(1000, UserDetails={"userId": user, "sessionId": new_id()}))
    with subprocess.Popen(
        [*OPENRUM, "tail", monitor],
        env=environment(OPENRUM_SERVICE=openrum.grpc, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tail:
        assert tail.stderr
        assert tail.stdout
        try:
            waiting = tail.stderr.readline()
            erased = _run(openrum, "erase", monitor, "--user", user, "--yes")
            removed = tail.stderr.readline()
            _put(openrum, monitor, batch([event(type="com.amazon.rum.js_error_event")]))
            first = tail.stdout.readline()
        finally:
            tail.kill()

    assert erased.returncode == 0
    assert waiting.startswith("Waiting for events")
    assert removed.startswith("The latest events were removed.")
    assert "js_error_event" in first


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
def test_an_unreachable_service_is_one_line_and_exit_code_3(command: tuple[str, ...]) -> None:
    ran = run_openrum(*command, stdin=json.dumps(batch()), OPENRUM_SERVICE="127.0.0.1:1")

    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        "Error: no service answers at 127.0.0.1:1; start one with `openrum up`,"
        " or set OPENRUM_SERVICE\n"
    )


def test_a_service_without_a_projector_says_what_to_start(openrum: OpenRum, monitor: str) -> None:
    for command in (("stats", monitor), ("tail", monitor, "--filter", "browser=Firefox")):
        ran = _run(openrum, *command)

        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == (
            "Error: ProjectionUnavailableException: The projector is not running."
            " Start it with `openrum projector`, or use `openrum up`, which runs it.\n"
        )


@pytest.mark.parametrize("command", ["events", "tail"])
def test_an_unknown_app_monitor_is_an_error(openrum: OpenRum, command: str) -> None:
    ran = _run(openrum, command, "unknown")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "Error: ResourceNotFoundException: There is no app monitor with this name.\n"
    )


def _id_of(name: str) -> str:
    return name.removeprefix("app-")


def _run(openrum: OpenRum, *arguments: str, stdin: str | None = None) -> Result:
    return run_openrum(*arguments, stdin=stdin, OPENRUM_SERVICE=openrum.grpc)


def _send(openrum: OpenRum, monitor: str, document: dict[str, Any]) -> Result:
    return _run(openrum, "send", "-", "--id", _id_of(monitor), stdin=json.dumps(document))


def _put(openrum: OpenRum, monitor: str, document: dict[str, Any]) -> None:
    status, _ = openrum.post(f"/appmonitors/{_id_of(monitor)}", document)
    assert status == 200


def _in_terminal(openrum: OpenRum, *arguments: str, columns: int = 120) -> str:
    """Return the output of a command in a terminal, without styles."""
    ours, terminal = pty.openpty()
    settings = {
        "OPENRUM_SERVICE": openrum.grpc,
        "COLUMNS": str(columns),
        "TERM": "xterm",
        "NO_COLOR": "1",
    }
    process = subprocess.Popen(
        [*OPENRUM, *arguments], env=environment(**settings), stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    output = b""
    while True:
        try:
            output += os.read(ours, 4096)
        except OSError:  # on Linux, the last writer has closed the terminal
            break
    os.close(ours)
    assert process.wait(30) == 0
    return re.sub(r"\x1b\[\d*m", "", output.decode())


@pytest.mark.parametrize("days", ["-1", "1.5", "36501", "many", "٣"])
def test_a_retention_that_is_not_a_number_of_days_is_rejected_with_the_range(days: str) -> None:
    ran = run_openrum("retention", "set", "my-app", days, OPENRUM_SERVICE="127.0.0.1:1")

    assert ran.returncode == 2
    assert f"{days} is not a whole number of days from 0 to 36,500" in ran.stderr
