"""A server imports only what it needs: each of these packages takes 5 to 45 MB of memory."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("rum_cli.service", "rum_bridge starlette uvicorn alembic psycopg"),
        ("rum_cli.bridge", "rum_service sqlalchemy alembic psycopg"),
        ("rum_cli.up", "alembic psycopg"),
    ],
)
def test_a_server_does_not_import_what_it_does_not_need(module: str, unneeded: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set(unneeded.split()) & set(run.stdout.split()) == set()
