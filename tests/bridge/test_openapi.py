"""The bridge serves the OpenAPI document, and its responses are those of the document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docs.openapi import DOCUMENT
from tests.bridge.conftest import Started
from tests.bridge.wire import send
from tests.e2e.visited import HOSTILE_SESSION, MONITOR, Visited, visited
from tests.insight.visits import HOUR_MS
from tests.support.running import OpenRum, wait_until

_SCHEMATHESIS = (sys.executable, "-m", "schemathesis.cli", "run")
# Rules that span several members, and tokens of pages, are not in the schemas. A member that is
# null counts as absent.
_NOT_CHECKED = "positive_data_acceptance,negative_data_rejection"
_INSIGHT = ("--include-path-regex", "^/insight", "--phases", "fuzzing")


class _Projecting(OpenRum):
    """`openrum up` with its projector: without it, InsightService responds with 503."""

    projects = True


def _run(server: OpenRum, folder: Path, *options: str) -> str:
    """Check what a server responds to generated requests. Return what schemathesis printed."""
    checks = ["--checks", "all", "--exclude-checks", _NOT_CHECKED]
    same = ["--seed", "1", "--generation-database", "none", "--no-color"]
    ran = subprocess.run(
        [*_SCHEMATHESIS, f"{server.url}/openapi.json", *checks, *same, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    assert send(server.url, "/readyz", method="GET").status == 200
    assert not [line for line in server.output if "Traceback" in line]
    return ran.stdout


def test_the_document_is_served(openrum: OpenRum) -> None:
    response = send(openrum.url, "/openapi.json", method="GET")

    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.body == DOCUMENT.read_bytes()


def test_the_document_needs_no_credentials(started: Started) -> None:
    server = started(OPENRUM_AUTH="required")

    assert json.loads(send(server.url, "/openapi.json", method="GET").body)["openapi"] == "3.1.0"


@pytest.mark.slow
@pytest.mark.parametrize("auth", ["auto", "required"])
def test_generated_requests_get_the_documented_responses(tmp_path: Path, auth: str) -> None:
    """schemathesis sends valid and invalid requests, also in sequences, and checks responses."""
    with _Projecting(tmp_path, OPENRUM_AUTH=auth) as server:
        wait_until(lambda: server.get("/insight-state")[0] != 503)
        printed = _run(server, tmp_path, "--max-examples", "10")
        server.stop()

    assert f"Tested: {_operations('/')}" in printed


@pytest.mark.slow
def test_generated_questions_about_visits_get_the_documented_answers(tmp_path: Path) -> None:
    """Most members are those of real visits, so that there are answers besides errors."""
    with visited(tmp_path, sessions=20) as shop:
        (tmp_path / "schemathesis.toml").write_text(_known_members(shop))
        report = tmp_path / "report.ndjson"
        _run(
            shop.server,
            tmp_path,
            *_INSIGHT,
            "--max-examples",
            "20",
            "--report-ndjson-path",
            str(report),
        )
    statuses = _statuses(report)

    assert len(statuses) == _operations("/insight")
    assert [name for name, found in statuses.items() if 200 not in found] == [
        "GET /insight/{appMonitor}/source-maps/content"  # there is none
    ]
    assert set().union(*statuses.values()) <= {200, 400, 404}


def _operations(start: str) -> int:
    """Return how many operations the document has whose paths begin like this."""
    paths = json.loads(DOCUMENT.read_bytes())["paths"]
    return sum(len(methods) for path, methods in paths.items() if path.startswith(start))


def _known_members(shop: Visited) -> str:
    """Return a configuration of schemathesis with the values that it uses most of the time."""
    groups: Any = shop.read("errors")["groups"]
    known: dict[str, list[Any]] = {
        "path.appMonitor": [MONITOR],
        "path.sessionId": [HOSTILE_SESSION],
        "path.fingerprint": [groups[0]["fingerprint"]],
        "query.after": [shop.after, shop.after + HOUR_MS],
        "query.before": [shop.before, shop.before - HOUR_MS],
        "query.compareAfter": [0, shop.after - 168 * HOUR_MS],
        "query.stepMs": [0, HOUR_MS],
        "query.maxResults": [1, 50],
        "query.minutes": [0, 60],
        "query.metricName": ["JsErrorCount", "WebVitalsLargestContentfulPaint"],
        "query.statistic": ["Sum", "p75"],
        "query.periodSeconds": [3600],
        "query.nextToken": [""],
        "query.by": ["browser", "page"],
        "query.order": [""],
        "query.httpResult": ["5xx", ""],
    }
    names = {member: member.rpartition(".")[2] for member in known}
    return "\n".join(
        [
            "[dictionaries]",
            *(f"{names[member]} = {{values = {json.dumps(known[member])}}}" for member in known),
            "[parameters]",
            *(
                f'"{member}" = {{dictionary = "{names[member]}", probability = 0.9}}'
                for member in known
            ),
        ]
    )


def _statuses(report: Path) -> dict[str, set[int]]:
    """Return the statuses of responses by operation."""
    found: dict[str, set[int]] = {}
    for line in report.read_text().splitlines():
        finished = json.loads(line).get("ScenarioFinished")
        for interaction in finished["recorder"]["interactions"].values() if finished else ():
            label = finished["recorder"]["label"]
            found.setdefault(label, set()).add(interaction["response"]["status_code"])
    return found
