"""The `openrum` command."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Runs the command, or says what it needs: an install for the stubs alone has none of it."""
    try:
        from rum_cli.__main__ import main as command
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"openrum: {error.name} is not installed; the command needs the server part: "
            "pip install 'openrum[server]'"
        ) from None
    command()
