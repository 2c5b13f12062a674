"""The metadata of the two distributions in this repository."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
_STUB_DEPENDENCIES = {"googleapis-common-protos", "grpcio", "protobuf"}


def _project(file: str) -> dict[str, Any]:
    with (_ROOT / file).open("rb") as opened:
        project: dict[str, Any] = tomllib.load(opened)["project"]
    return project


_SERVER, _STUBS = _project("pyproject.toml"), _project("proto/pyproject.toml")


def test_the_stubs_depend_on_grpc_and_protobuf_only() -> None:
    assert {name.partition(">=")[0] for name in _STUBS["dependencies"]} == _STUB_DEPENDENCIES


def test_the_server_depends_on_the_stubs_of_the_same_version() -> None:
    stubs = [line for line in _SERVER["dependencies"] if line.startswith("openrum-stubs")]

    assert stubs == [f"openrum-stubs=={_STUBS['version']}"]
    assert _SERVER["version"] == _STUBS["version"]


@pytest.mark.parametrize("project", [_SERVER, _STUBS], ids=["server", "stubs"])
def test_the_metadata_is_complete(project: dict[str, Any]) -> None:
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    assert project["readme"] == "README.md"
    assert {"description", "keywords", "classifiers", "requires-python"} <= set(project)


def test_the_license_of_the_stubs_is_that_of_the_repository() -> None:
    text = (_ROOT / "LICENSE").read_text()

    assert (_ROOT / "proto" / "LICENSE").read_text() == text
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
