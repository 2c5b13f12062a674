"""The bridge's token: the service may create or replace its file after the bridge has started."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from rum_bridge.channel import BridgeToken

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
