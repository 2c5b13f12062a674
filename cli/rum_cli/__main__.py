"""The `openrum` command: runs the servers, and calls a running service over gRPC.

Exit codes: 0 done, 1 rejected (the text says why), 2 wrong usage or settings, 3 no service answers.
"""

from __future__ import annotations

__all__ = ["main"]

import os

import click

from rum_cli.commands import LazyGroup


@click.command(
    cls=LazyGroup, name="openrum", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="openrum")
def main() -> None:
    """OpenRUM: Amazon CloudWatch RUM, self-hosted.

    Start with `openrum up`. It prints the next steps.
    """
    # Exports and backups have the same data as the database.
    os.umask(0o077)


if __name__ == "__main__":
    main()
