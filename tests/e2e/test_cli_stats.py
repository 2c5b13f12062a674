"""`openrum stats NAME` against a running service and projector."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from bench.demo.fill import fill
from bench.demo.shop import BLOG
from tests.support.batches import batch
from tests.support.running import OPENRUM, OpenRum, environment, run_openrum, wait_until

_BUSY_S = 60.0


class _Projecting(OpenRum):
    projects = True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server with a month of the demo's events and one hostile batch."""
    folder = tmp_path_factory.mktemp("stats")
    fill(f"sqlite:///{folder}/openrum.sqlite3", 60_000)
    with _Projecting(folder) as server:
        wait_until(lambda: not _is_behind(server), 2 * _BUSY_S)
        yield server


def _stats(server: OpenRum, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `openrum stats`, again if a query took too long beside other processes."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        ran = run_openrum(
            "stats", *arguments, OPENRUM_SERVICE=server.grpc, COLUMNS="80", cwd=server.folder
        )
        if "The query took longer" not in ran.stderr or time.monotonic() > deadline:
            return ran


def _is_behind(server: OpenRum) -> bool:
    ran = _stats(server, "shop", "--json")
    if ran.returncode:  # the projector is starting
        return True
    freshness = json.loads(ran.stdout)["Overview"]["freshness"]
    return freshness["projectedSequence"] < freshness["logSequence"]


def test_the_numbers_are_those_of_the_rest_api(server: OpenRum) -> None:
    document = json.loads(_stats(server, "shop", "--json", "--range", "7d").stdout)
    counts = document["Overview"]["total"]["counts"]
    text = _stats(server, "shop", "--range", "7d").stdout

    assert counts["pageViews"] > 100
    for name, member in {"Page views": "pageViews", "Sessions": "sessions"}.items():
        line = next(line for line in text.splitlines() if line.startswith(name))
        assert f" {counts[member]:,.0f} " in line
    assert [page["value"] for page in document["Pages"]][:3] == [
        line.split()[0] for line in text.partition("Worst pages")[2].splitlines()[1:4]
    ]
    assert "TypeError" in text


def test_lines_fit_the_terminal_and_have_charts(server: OpenRum) -> None:
    text = _stats(server, "shop", "--range", "30d").stdout

    assert max(map(len, text.splitlines())) <= 80
    assert "█" in text
    assert "\x1b" not in text  # no colours outside of a terminal


def test_a_range_over_a_week_is_compared_with_a_time_before_it(server: OpenRum) -> None:
    document = json.loads(_stats(server, "shop", "--json", "--range", "8d").stdout)
    after, before = (_ms(document[end]) - 14 * 86_400_000 for end in ("After", "Before"))
    status, body = server.get(f"/insight/shop/overview?after={after}&before={before}")

    assert status == 200
    assert document["Overview"]["comparedTotal"]["counts"] == json.loads(body)["total"]["counts"]
    assert "2 weeks ago" in _stats(server, "shop", "--range", "8d").stdout


def test_an_app_monitor_without_events_says_so(server: OpenRum) -> None:
    assert run_openrum(
        "monitors", "create", "quiet", "--domain", "example.com",
        OPENRUM_SERVICE=server.grpc, cwd=server.folder,
    ).returncode == 0  # fmt: skip

    assert "No events in this time range." in _stats(server, "quiet").stdout


def test_text_of_clients_cannot_control_the_terminal(server: OpenRum) -> None:
    hostile = batch(1)
    hostile["RumEvents"][0] |= {
        "type": "com.amazon.rum.js_error_event",
        "timestamp": time.time(),
        "metadata": json.dumps({"version": "1.0.0", "pageId": "/\x1b[31m<b>\u202eexe"}),
        "details": json.dumps({"version": "1.0.0", "type": "\x1b]0;x\x07", "message": "[red]x"}),
    }
    path = f"/appmonitors/{BLOG.id}"
    assert server.post(path, hostile)[0] == 200
    wait_until(lambda: "[red]x" in _stats(server, "blog").stdout)

    shown = _stats(server, "blog").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<b>\ufffdexe" in shown


def test_an_unknown_app_monitor_and_a_wrong_range_are_named(server: OpenRum) -> None:
    unknown, wrong = _stats(server, "other"), _stats(server, "shop", "--range", "1y")

    assert unknown.returncode != 0
    assert "no app monitor with this name" in unknown.stderr
    assert "'1y' is not a duration" in wrong.stderr


def test_a_range_that_is_not_kept_does_not_look_like_an_outage(server: OpenRum) -> None:
    shortened = ("retention", "set", BLOG.name, "3", "--yes")
    assert run_openrum(*shortened, OPENRUM_SERVICE=server.grpc).returncode == 0

    def shown() -> str:
        return _stats(server, BLOG.name, "--range", "7d").stdout

    wait_until(lambda: "are not kept." in shown(), timeout_s=90, every_s=0.5)
    rows = {line[:8].strip(): line.split() for line in shown().splitlines()}

    assert rows["Sessions"][2:4] == ["-", "-"]  # nothing to compare with


def test_a_filter_limits_all_numbers(server: OpenRum) -> None:
    options = ("shop", "--json", "--range", "7d")
    views = []
    for condition in (None, "browser=Firefox", "browser!=Firefox"):
        limits = ("--filter", condition) if condition else ()
        document = json.loads(_stats(server, *options, *limits).stdout)
        range_ = {end: _ms(document[end.capitalize()]) for end in ("after", "before")}
        query = urlencode({**range_, "filter": [condition] if condition else []}, doseq=True)
        counts = document["Overview"]["total"]["counts"]
        expected = json.loads(server.get(f"/insight/shop/overview?{query}")[1])
        assert counts == expected["total"]["counts"]
        views.append(counts["pageViews"])
    wrong = _stats(server, *options, "--filter", "colour=red")

    assert 0 < views[1] < views[2] < views[0]
    assert "filter[0]" in wrong.stderr


def _ms(time_text: str) -> int:
    return round(datetime.fromisoformat(time_text).timestamp() * 1000)


@pytest.mark.parametrize(
    "conditions",
    [["browser=Firefox", "browser=Safari"], ["country!=DE"], ["page=/product/:id"]],
    ids=str,
)
def test_events_prints_the_events_that_the_page_counts(
    server: OpenRum, conditions: list[str]
) -> None:
    before = round(time.time() * 1000)
    after = before - 72 * 3_600_000  # fewer hours can have no visitor with Firefox or Safari
    filters = [part for condition in conditions for part in ("--filter", condition)]
    times = ["--after", str(after), "--before", str(before - 1)]
    ran = _run_events(server, *filters, *times, "--limit", "9999", "--json")
    query = urlencode({"after": after, "before": before, "filter": conditions}, doseq=True)
    status, body = server.get(f"/insight/shop/overview?{query}")

    assert status == 200
    assert len(ran.stdout.splitlines()) == json.loads(body)["total"]["counts"]["events"] > 10


def test_events_of_one_session(server: OpenRum) -> None:
    newest = json.loads(_run_events(server, "--limit", "1", "--json").stdout)
    after = str(newest["event_timestamp"] - 2 * 3_600_000)  # at night, it can be hours ago
    ran = _run_events(server, "--session", newest["sessionId"], "--after", after, "--json")
    found = [json.loads(line) for line in ran.stdout.splitlines()]

    assert found[0] == newest
    assert len(found) > 1
    assert {event["sessionId"] for event in found} == {newest["sessionId"]}


def test_events_without_a_match_and_with_a_wrong_condition(server: OpenRum) -> None:
    none = _run_events(server, "--filter", "browser=Lynx", "--after", "1h")
    wrong = _run_events(server, "--filter", "colour=red")

    assert (none.returncode, none.stdout) == (0, "")
    assert none.stderr.startswith("No event of shop matches.")
    assert wrong.returncode == 2
    assert "Invalid value for '--filter': filter[0] must be a name" in wrong.stderr


def _run_events(server: OpenRum, *options: str) -> subprocess.CompletedProcess[str]:
    return run_openrum("events", "shop", *options, OPENRUM_SERVICE=server.grpc)


def test_tail_prints_only_events_that_meet_the_filter(server: OpenRum) -> None:
    views = [_visit("Firefox", "/a"), _visit("Chrome", "/b"), _visit("Firefox", "/c\u202eexe")]
    error = _visit("Firefox", "/a", "js_error_event")
    session = views[2]["UserDetails"]["sessionId"]
    options = ["--filter", "browser=Firefox", "--type", "page_view"], ["--session", session]
    tails = [_tail(server, *limits) for limits in options]
    try:
        for process in tails:
            assert process.stderr
            assert process.stderr.readline().startswith("Waiting for events of blog.")
        for document in [error, *views]:
            assert server.post(f"/appmonitors/{BLOG.id}", document)[0] == 200
        firefox, in_session = (process.stdout for process in tails)
        assert firefox
        assert in_session
        lines = [firefox.readline(), firefox.readline()]

        assert [line.split()[2:4] for line in lines] == [
            ["page_view_event", "/a"],
            ["page_view_event", "/c\ufffdexe"],
        ]
        assert in_session.readline() == lines[1]
        assert session in lines[1]
    finally:
        for process in tails:
            process.kill()
            process.communicate()


def _visit(browser: str, page: str, kind: str = "page_view_event") -> dict[str, Any]:
    """Return a batch with one event, in its own session."""
    document = batch(1)
    document["RumEvents"][0] |= {
        "type": f"com.amazon.rum.{kind}",
        "timestamp": time.time(),
        "metadata": json.dumps({"version": "1.0.0", "browserName": browser, "pageId": page}),
        "details": json.dumps({"version": "1.0.0", "pageId": page}),
    }
    return document


def _tail(server: OpenRum, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*OPENRUM, "tail", BLOG.name, *options],
        env=environment(OPENRUM_SERVICE=server.grpc, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
