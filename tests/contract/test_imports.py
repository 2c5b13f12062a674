"""Who may import what, module by module; between packages `make lint` holds it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SERVICE = ROOT / "service" / "rum_service"
_KNOW_GRPC = {
    "control_plane.py",
    "data_plane.py",
    "health.py",
    "interceptors.py",
    "listening.py",
    "operator_plane.py",
    "server.py",
    "tls.py",
}
_PURE = [
    *("validation", "control_validation", "metric_rules", "event_pattern", "custom_events"),
    *("attributes", "event_document", "event_filter", "resource_arn", "paging", "status", "model"),
    *("auth/policy", "auth/conditions", "auth/principals", "auth/sigv4", "auth/origins"),
    *("auth/callers", "auth/asked"),
]


def _imported(module: Path) -> set[str]:
    """The first parts of the names that a module imports, and what it takes of our own."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found | {name.partition(".")[0] for name in found}


def _service_modules() -> list[Path]:
    return [path for path in _SERVICE.rglob("*.py") if "migrations" not in path.parts]


def test_only_the_stores_know_the_database() -> None:
    databases = {"sqlalchemy", "alembic", "sqlite3", "psycopg"}
    knowing = [path for path in _service_modules() if _imported(path) & databases]

    assert knowing
    assert {path.parent.name for path in knowing} == {"storage"}


def test_only_the_faces_of_the_service_know_grpc() -> None:
    knowing = {path.name for path in _service_modules() if "grpc" in _imported(path)}

    assert knowing == _KNOW_GRPC


def test_only_the_server_picks_a_store() -> None:
    picking = {path.name for path in _service_modules() if "rum_service.storage" in _imported(path)}

    assert picking == {"server.py"}


@pytest.mark.parametrize("name", _PURE)
def test_a_pure_module_has_no_clock_no_chance_and_no_io(name: str) -> None:
    impure = {"asyncio", "grpc", "os", "random", "secrets", "socket", "threading", "time", "uuid"}

    assert not _imported(_SERVICE / f"{name}.py") & impure
