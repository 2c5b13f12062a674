"""The documents say what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import click

from rum_cli.__main__ import main

ROOT = Path(__file__).parents[2]


def test_the_settings_table_is_that_of_the_code() -> None:
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    text = (ROOT / "docs" / "operations.md").read_text()

    assert tables["written"](text) == text, "run `make docs`"


def test_every_command_is_named_in_the_changelog_or_the_readme() -> None:
    documents = (ROOT / "README.md").read_text() + (ROOT / "CHANGELOG.md").read_text()
    assert isinstance(main, click.Group)

    assert [name for name in main.commands if name not in documents] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    missing = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert missing == []
