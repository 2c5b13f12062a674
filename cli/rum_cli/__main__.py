"""The `openrum` command: runs the service and the bridge, and talks to a running service by gRPC.

Exit codes: 0 done, 1 refused (the text says why), 2 wrong usage or settings, 3 no service there.
"""

from __future__ import annotations

__all__ = ["main"]

import click

from rum_cli import credentials, events, monitors, policy, run, send


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openrum")
def main() -> None:
    """OpenRUM: the data plane of CloudWatch RUM, self-hosted."""


main.add_command(run.up)
main.add_command(run.service)
main.add_command(run.bridge)
main.add_command(monitors.monitors)
main.add_command(credentials.keys)
main.add_command(credentials.tokens)
main.add_command(policy.policy)
main.add_command(send.send)
main.add_command(events.events)
main.add_command(events.tail)

if __name__ == "__main__":
    main()
