"""`openrum up`, `service` and `bridge`: run until SIGTERM or SIGINT, then drain and exit with 0."""

from __future__ import annotations

__all__ = ["bridge", "service", "up"]

import click

from rum_cli.commands import Command


def _service_settings() -> list[tuple[str, str]]:
    from rum_cli.environment import setting_rows
    from rum_service.settings import ServiceSettings

    return setting_rows(ServiceSettings)


def _bridge_settings() -> list[tuple[str, str]]:
    from rum_bridge.settings import BridgeSettings
    from rum_cli.environment import setting_rows

    return setting_rows(BridgeSettings)


def _all_settings() -> list[tuple[str, str]]:
    from rum_cli.environment import setting_rows
    from rum_projector.settings import ProjectorSettings

    of_projector = setting_rows(ProjectorSettings)
    return list(dict([*_service_settings(), *_bridge_settings(), *of_projector]).items())


_rolling = click.option(
    "--rolling",
    is_flag=True,
    help="Share the addresses with a running process that has this option too, and take over its "
    "new connections. Then stop the other process: no connection is refused.",
)


@click.command(cls=Command, environment=_all_settings)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of processes that serve HTTP, each with one bridge. With 1, the service runs in "
    "the same process; with more, in another.",
)
@_rolling
@click.option(
    "--no-projector",
    is_flag=True,
    help="Do not run the projector, which keeps columns of the events for queries. Then the page "
    "shows no numbers.",
)
def up(workers: int, rolling: bool, no_projector: bool) -> None:
    """Run the service and the bridge, and the projector at low priority.

    Creates the app monitor my-app in an empty database. Prints the addresses and how to send a
    first event.
    """
    from rum_cli.up import run_up

    run_up(workers, rolling=rolling, projects=not no_projector)


@click.command(cls=Command, environment=_service_settings)
@_rolling
def service(rolling: bool) -> None:
    """Run the gRPC service."""
    from rum_cli.service import run_service

    run_service(rolling=rolling)


@click.command(cls=Command, environment=_bridge_settings)
@_rolling
def bridge(rolling: bool) -> None:
    """Run the REST bridge. It calls the service at OPENRUM_SERVICE."""
    from rum_cli.bridge import run_bridge

    run_bridge(rolling=rolling)
