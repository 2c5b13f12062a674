"""The bridge serves the OpenAPI document, and its responses are those of the document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from docs.openapi import DOCUMENT
from tests.bridge.conftest import Started
from tests.bridge.wire import send
from tests.support.running import OpenRum

_SCHEMATHESIS = (sys.executable, "-m", "schemathesis.cli", "run")
_EXAMPLES = "10"
# Rules that span several members, and tokens of pages, are not in the schemas. A member that is
# null counts as absent.
_NOT_CHECKED = "positive_data_acceptance,negative_data_rejection"
# Without a projector, these paths return 503, which schemathesis calls a server error.
_PATHS = ("--exclude-path-regex", "^/insight")


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
def test_generated_requests_get_the_documented_responses(
    started: Started, tmp_path: Path, auth: str
) -> None:
    """schemathesis sends valid and invalid requests, also in sequences, and checks responses."""
    server = started(OPENRUM_AUTH=auth)
    checks = ["--checks", "all", "--exclude-checks", _NOT_CHECKED]
    bounds = ["--max-examples", _EXAMPLES, "--seed", "1", "--generation-database", "none"]
    ran = subprocess.run(
        [*_SCHEMATHESIS, f"{server.url}/openapi.json", *checks, *bounds, *_PATHS, "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    assert "Tested: 20" in ran.stdout
    assert send(server.url, "/readyz", method="GET").status == 200
    assert not [line for line in server.output if "Traceback" in line]
