"""The bridge's token follows its file, which the service may make late or anew."""

from __future__ import annotations

from pathlib import Path

from rum_bridge.channel import BridgeToken


def _replaced(file: Path, text: str) -> None:
    """As the service makes it: another file under the same name."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)


def test_a_file_that_is_made_later_is_found(tmp_path: Path) -> None:
    file = tmp_path / "bridge.token"
    token = BridgeToken(file)
    before = token.metadata()
    _replaced(file, "openrum_one\n")

    assert before == ()
    assert token.metadata() == (("authorization", "Bearer openrum_one"),)


def test_a_file_that_is_made_anew_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "bridge.token"
    _replaced(file, "openrum_one\n")
    token = BridgeToken(file)
    first = token.metadata()
    file.rename(tmp_path / "old")
    meanwhile = token.metadata()
    _replaced(file, "openrum_two\n")

    assert first == meanwhile == (("authorization", "Bearer openrum_one"),)
    assert token.metadata() == (("authorization", "Bearer openrum_two"),)
