"""`openrum projector`: keeps columns of the events for queries, and builds them again."""

from __future__ import annotations

__all__ = ["projector"]

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from rum_cli.commands import Command
from rum_cli.counted import counted
from rum_cli.failure import NO_SERVICE, Failure

if TYPE_CHECKING:
    from rum_projector.settings import ProjectorSettings

_POLL_S = 0.2


def _settings() -> list[tuple[str, str]]:
    from rum_cli.environment import setting_rows
    from rum_projector.settings import ProjectorSettings

    return setting_rows(ProjectorSettings)


@click.group(invoke_without_command=True)
@click.pass_context
def projector(ctx: click.Context) -> None:
    """Keep columns of the events for queries, beside the log.

    Without COMMAND, runs until SIGTERM or SIGINT, at low priority. `openrum up` runs it too. The
    settings are those of `openrum projector run`.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(run)


@projector.command(cls=Command, environment=_settings)
def run() -> None:
    """Run the projector."""
    from rum_cli.projector_process import run_projector

    run_projector()


@projector.command(cls=Command, environment=_settings)
def rebuild() -> None:
    """Build the columns again from the log.

    Waits until they are complete. A running projector builds them, and answers from the rows that
    it already has. Without a running projector, this command builds them.
    """
    from rum_cli.environment import read_settings
    from rum_cli.progress import progress_bar
    from rum_projector.settings import ProjectorSettings

    events = 0
    longest_ms = 0.0
    with progress_bar("Building from the log") as update:
        for lag_ms, count in _rebuilding(read_settings(ProjectorSettings)):
            longest_ms = max(longest_ms, lag_ms)
            update(round(longest_ms - lag_ms), round(longest_ms))
            events = count
    click.echo(f"{counted(events, 'event is', 'events are')} in the projection")


@projector.command(cls=Command, environment=_settings)
def state() -> None:
    """Print how far the running projector is."""
    from rum_cli.environment import read_settings
    from rum_cli.output import Column, print_table
    from rum_cli.projector_process import read_state
    from rum_projector.settings import ProjectorSettings

    found = read_state(read_settings(ProjectorSettings).projector_socket)
    if found is None:
        raise Failure("no projector runs; start one with: openrum projector", NO_SERVICE)
    freshness = found.freshness
    rows = [
        ["events", f"{found.events:.0f}"],
        ["lag", f"{freshness.lag_ms / 1000:.1f} s"],
        ["rebuilding", "yes" if freshness.rebuilding else "no"],
        ["bytes on disk", f"{found.bytes:.0f}"],
        ["version", str(found.version)],
    ]
    print_table([Column("Projection"), Column("Value", whole=True)], rows)


def _rebuilding(settings: ProjectorSettings) -> Iterator[tuple[float, int]]:
    """Rebuild, and yield the lag in milliseconds and the number of events."""
    from rum_cli.projector_process import read_state, rebuild_here
    from rum_projector.lock import is_locked
    from rum_projector.runner import rebuild_marker

    marker = rebuild_marker(settings.projection_file)
    if not is_locked(settings.projection_file):
        marker.unlink(missing_ok=True)
        yield from rebuild_here(settings)
        return
    marker.touch(0o600)
    while True:
        time.sleep(_POLL_S)
        found = None if marker.exists() else read_state(settings.projector_socket)
        if found is None:
            if not is_locked(settings.projection_file):
                raise Failure(
                    "the projector has ended; it builds the columns again at its next start",
                    NO_SERVICE,
                )
            continue
        freshness = found.freshness
        yield freshness.lag_ms, int(found.events)
        if not freshness.rebuilding:
            return
