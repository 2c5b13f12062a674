"""Where the `openrum` command shows the operator's token, and where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rum_cli.client import Target, _token


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "operator.token"
    file.write_text("openrum_operator\n")
    monkeypatch.setenv("OPENRUM_OPERATOR_TOKEN_FILE", str(file))
    return file


@pytest.mark.parametrize(
    ("service", "shown"),
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
def test_it_is_not_sent_to_another_machine_in_clear(
    operator: Path, service: str, shown: bool
) -> None:
    assert _token(Target(service, None, None)) == ("openrum_operator" if shown else None)
    assert _token(Target(service, None, operator)) == "openrum_operator"
    assert _token(Target(service, operator, None)) == "openrum_operator"
