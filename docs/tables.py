"""Writes the settings table of docs/operations.md from the code: `make docs`. A test compares."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic_settings import BaseSettings

from rum_bridge.settings import BridgeSettings
from rum_service.settings import ServiceSettings

OPERATIONS = Path(__file__).parent / "operations.md"
_MARKS = re.compile(r"(?<=from the code -->\n).*?(?=<!-- end -->)", re.DOTALL)


def settings_table() -> str:
    """Returns the settings of both processes as a Markdown table."""
    found: dict[str, tuple[list[str], str, str]] = {}
    for process, settings in (("service", ServiceSettings), ("bridge", BridgeSettings)):
        for name, description, default in _settings(settings):
            found.setdefault(name, ([], default, description))[0].append(process)
    rows = ["| variable | read by | default | meaning |", "|---|---|---|---|"]
    for name, (processes, default, description) in found.items():
        rows.append(f"| `{name}` | {', '.join(processes)} | {default} | {description} |")
    return "\n".join(rows) + "\n"


def _settings(settings: type[BaseSettings]) -> list[tuple[str, str, str]]:
    return [
        (
            f"OPENRUM_{name.upper()}",
            str(field.description),
            f"`{_as_set(field.default)}`" if field.default not in ("", None, []) else "",
        )
        for name, field in settings.model_fields.items()
    ]


def _as_set(default: object) -> object:
    """Return a default as an environment variable would contain it."""
    if isinstance(default, list):
        return ",".join(default)
    return json.dumps(default) if isinstance(default, bool) else default


def written(text: str) -> str:
    """Returns the text of operations.md with the table as the code has it."""
    return _MARKS.sub(lambda _: settings_table(), text)


if __name__ == "__main__":
    OPERATIONS.write_text(written(OPERATIONS.read_text()))
