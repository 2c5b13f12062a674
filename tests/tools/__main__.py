"""Installs the tools that tests use, after a message for each one: `make tools`.

Tests install missing tools too. This command shows the installs, and runs before the tests.
"""

from __future__ import annotations

from tests.tools import awscli, axe
from tests.tools.chromium import chromium_program
from tests.tools.rum_page import bundle
from tests.tools.toolbox import ToolMissingError, announce


def main() -> None:
    """Install each tool. One that is missing is reported; the tests that need it are skipped."""
    for install in (chromium_program, awscli.install, axe.install, bundle):
        try:
            install()
        except ToolMissingError as error:
            announce(f"{error}. Tests that need it will be skipped.")


if __name__ == "__main__":
    main()
