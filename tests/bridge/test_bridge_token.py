"""The bridge's token: the service may create or replace its file after the bridge has started."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog

from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_bridge.upstream.channel import BridgeToken
from rum_service.server import running_service
from tests.bridge.wire import send
from tests.support.batches import batch, new_id
from tests.support.services import settings_in

_ONE = (("authorization", "Bearer openrum_one"),)
_TWO = (("authorization", "Bearer openrum_two"),)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bridge.token"


def _replace(file: Path, content: bytes) -> None:
    """Replace the file as the service does: with another file of the same name."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(file)


def test_a_file_created_later_is_read(file: Path) -> None:
    token = BridgeToken(file)
    before = token.metadata()
    _replace(file, b"openrum_one\n")

    assert before == ()
    assert token.metadata() == _ONE


def test_a_replaced_file_is_read_again(file: Path) -> None:
    _replace(file, b"openrum_one\n")
    token = BridgeToken(file)
    first = token.metadata()
    file.unlink()
    while_missing = token.metadata()
    _replace(file, b"openrum_two\n")

    assert first == while_missing == _ONE
    assert token.metadata() == _TWO


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"openrum_\xff", b"openrum_a\nopenrum_b"], ids=repr
)
def test_an_unusable_file_keeps_the_last_token(file: Path, content: bytes) -> None:
    _replace(file, b"openrum_one\n")
    token = BridgeToken(file)
    first = token.metadata()
    _replace(file, content)
    while_unusable = token.metadata()
    _replace(file, b"openrum_two\n")

    assert first == while_unusable == _ONE
    assert token.metadata() == _TWO


def test_an_unreadable_token_is_logged_once(file: Path) -> None:
    token = BridgeToken(file)
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            token.metadata()

    assert logged == [
        {
            "event": "bridge token not read",
            "log_level": "warning",
            "setting": "OPENRUM_BRIDGE_TOKEN_FILE",
            "file": str(file),
            "reason": "No such file or directory",
        }
    ]


def test_each_failure_is_logged_once(file: Path) -> None:
    token = BridgeToken(file)
    with structlog.testing.capture_logs() as logged:
        token.metadata()
        _replace(file, b"openrum_one\n")
        token.metadata()
        _replace(file, b"\n")
        token.metadata()
        token.metadata()

    assert [entry["reason"] for entry in logged] == [
        "No such file or directory",
        "the file does not contain a token",
    ]


def test_a_file_that_comes_back_unchanged_ends_the_failure(file: Path, tmp_path: Path) -> None:
    _replace(file, b"openrum_one\n")
    token = BridgeToken(file)
    token.metadata()
    with structlog.testing.capture_logs() as logged:
        for _ in range(2):
            elsewhere = file.rename(tmp_path / "elsewhere")
            token.metadata()
            elsewhere.rename(file)
            token.metadata()

    assert len(logged) == 2
    assert token.metadata() == _ONE


def test_the_problem_is_that_of_the_last_read(file: Path) -> None:
    token = BridgeToken(file)
    missing = token.problem()
    _replace(file, b"openrum_one\n")
    none = token.problem()
    _replace(file, b"\n")

    assert missing == "No such file or directory"
    assert none is None
    assert token.problem() == "the file does not contain a token"


async def _ready(url: str) -> tuple[int, str]:
    response = await asyncio.to_thread(send, url, "/readyz", method="GET")
    return response.status, response.body.decode()


async def test_a_bridge_without_its_token_logs_at_its_start_and_is_not_ready(
    file: Path, tmp_path: Path
) -> None:
    async with running_service(settings_in(tmp_path / "service", auth="required")) as service:
        settings = BridgeSettings(
            http="127.0.0.1:0", service=service.address, bridge_token_file=file, drain_s=1
        )
        with structlog.testing.capture_logs() as logged:
            async with running_bridge(settings) as running:
                url = f"http://{running.address}"
                missing = await _ready(url)
                alive = await asyncio.to_thread(send, url, "/healthz", method="GET")
                _replace(file, (tmp_path / "service" / "bridge.token").read_bytes())
                readable = await _ready(url)
                file.unlink()
                gone = await _ready(url)

    reason = "the bridge cannot read OPENRUM_BRIDGE_TOKEN_FILE: No such file or directory"
    assert [entry["event"] for entry in logged][:2] == ["bridge token not read", "bridge listens"]
    assert [missing, readable, gone] == [(503, reason), (200, "ok"), (503, reason)]
    assert alive.status == 200


async def test_a_bridge_with_a_wrong_token_blames_no_caller(file: Path, tmp_path: Path) -> None:
    """aws-rum-web stops sending after a 403 until the page reloads."""
    _replace(file, b"openrum_one\n")
    async with running_service(settings_in(tmp_path / "service", auth="required")) as service:
        settings = BridgeSettings(
            http="127.0.0.1:0", service=service.address, bridge_token_file=file, drain_s=1
        )
        async with running_bridge(settings) as running:
            url = f"http://{running.address}"
            ready = await _ready(url)
            put = await asyncio.to_thread(send, url, f"/appmonitors/{new_id()}", batch())
            listed = await asyncio.to_thread(send, url, "/appmonitors")

    text = "The service rejects the token in OPENRUM_BRIDGE_TOKEN_FILE."
    assert ready == (503, "the service rejects the token in OPENRUM_BRIDGE_TOKEN_FILE")
    assert [(r.status, r.message) for r in (put, listed)] == [(503, text)] * 2
    assert put.headers["Retry-After"] == "1"
