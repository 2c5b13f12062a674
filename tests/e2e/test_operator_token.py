"""When the `openrum` command sends the operator token, and when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rum_cli.client import Target, find_token


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "operator.token"
    file.write_text("openrum_operator\n")
    monkeypatch.setenv("OPENRUM_OPERATOR_TOKEN_FILE", str(file))
    return file


@pytest.mark.parametrize(
    ("service", "sent"),
    [
        ("127.0.0.1:50051", True),
        ("127.9.9.9:1", True),
        ("[::1]:50051", True),
        ("localhost:50051", True),
        ("unix:/run/openrum.sock", True),
        ("192.0.2.1:50051", False),
        ("rum.example.com:50051", False),
        ("localhost.example.com:50051", False),
        ("0.0.0.0:50051", False),
        ("dns:///localhost:50051", False),
        ("", False),
    ],
)
def test_the_token_is_not_sent_to_another_machine_without_tls(
    operator: Path, service: str, sent: bool
) -> None:
    assert find_token(Target(service, None, None))[0] == ("openrum_operator" if sent else None)
    assert find_token(Target(service, None, operator))[0] == "openrum_operator"
    assert find_token(Target(service, operator, None))[0] == "openrum_operator"


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ("127.0.0.1:50051", "The operator token file {folder}/none cannot be read: No such file"),
        ("192.0.2.1:50051", "The operator token is not sent to 192.0.2.1:50051 without TLS; use"),
    ],
)
def test_the_reason_for_sending_no_token_names_the_file_or_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, reason: str
) -> None:
    monkeypatch.setenv("OPENRUM_OPERATOR_TOKEN_FILE", str(tmp_path / "none"))
    token, missing = find_token(Target(service))

    assert token is None
    assert missing.startswith(reason.format(folder=tmp_path))
