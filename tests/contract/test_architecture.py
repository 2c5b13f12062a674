"""The floors drawn in docs/architecture.md are those that the code keeps."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "service" / "rum_service"


def drawn_floors(of: str = "service") -> list[set[str]]:
    """Return the floors of the drawing, the highest first, each with its modules."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    drawing = (
        text.partition(f"## Floors of the {of}")[2].partition("```text\n")[2].partition("```")[0]
    )
    return [set(line.split(" · ")) for line in drawing.splitlines()]


def imports() -> Iterator[tuple[str, str]]:
    """Yield each import inside the service as a pair of first-level modules."""
    for path in SERVICE.rglob("*.py"):
        importer = path.relative_to(SERVICE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
                if node.module == "rum_service":
                    names = [f"rum_service.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                if name.startswith("rum_service."):
                    yield importer, name.split(".")[1]


def test_the_drawing_shows_every_module() -> None:
    modules = {
        path.name.removesuffix(".py")
        for path in SERVICE.iterdir()
        if path.name not in ("__init__.py", "py.typed", "__pycache__")
    }

    assert set.union(*drawn_floors()) == modules


def test_no_import_points_upward_in_the_drawing() -> None:
    floor = {module: number for number, modules in enumerate(drawn_floors()) for module in modules}
    edges = {(a, b) for a, b in imports() if a != b}

    assert len(edges) > 20
    assert [edge for edge in sorted(edges) if floor[edge[0]] > floor[edge[1]]] == []


@pytest.mark.parametrize("part", ["service", "projector", "bridge"])
def test_the_drawing_is_the_contract_that_lint_checks(part: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [
        contract["layers"]
        for contract in contracts["contracts"]
        if contract.get("containers") == [f"rum_{part}"]
    ]

    assert drawn_floors(part) == [set(floor.replace("|", ":").split(" : ")) for floor in layers]
