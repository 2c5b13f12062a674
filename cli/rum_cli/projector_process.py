"""Runs the projector of `openrum projector`, and asks a running one.

`python -m rum_cli.projector_process` is the child of `openrum up`. It waits until no other process
writes the projection, so that a restart without a gap can overlap.

standard input    nothing. Its end means that the main process has ended.
"""

from __future__ import annotations

__all__ = ["read_state", "rebuild_here", "run_projector"]

import asyncio
import os
import select
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import structlog

from rum.v1.insight_service_pb2 import GetProjectionStateRequest, GetProjectionStateResponse
from rum.v1.insight_service_pb2_grpc import InsightServiceStub
from rum_cli.environment import read_settings
from rum_cli.failure import WRONG_USAGE, Failure
from rum_cli.priority import lower_priority
from rum_cli.process import serve
from rum_endpoint.metrics_page import Samples
from rum_endpoint.start_error import StartError
from rum_projector.lock import is_locked
from rum_projector.runner import collect_rarely
from rum_projector.server import open_projection, running_projector
from rum_projector.settings import ProjectorSettings

logger = structlog.get_logger()

_DRAIN_S = 5.0
_CALL_S = 5.0
_LOCK_POLL_S = 0.5


def run_projector(*, as_child: bool = False) -> None:
    """Run the projector until SIGTERM or SIGINT. Raises Failure.

    Args:
        as_child: end with the main process, and wait while another projector runs.
    """
    settings = read_settings(ProjectorSettings)
    lower_priority()
    if as_child:
        _wait_for_lock(settings.projection_file)

    @asynccontextmanager
    async def projector(_: Samples) -> AsyncIterator[None]:
        if as_child:
            asyncio.get_running_loop().add_reader(sys.stdin, os._exit, 1)
        async with running_projector(settings):
            if not as_child:  # `openrum up` prints its own addresses
                logger.info("projector listens", socket=str(settings.projector_socket))
            yield

    serve(projector, _DRAIN_S, settings.log_format)


def _wait_for_lock(projection: Path) -> None:
    """Return when no projector writes the projection. End with the main process."""
    while is_locked(projection):
        ended, _, _ = select.select([sys.stdin], [], [], _LOCK_POLL_S)
        if ended:
            sys.exit(1)


def read_state(socket: Path) -> GetProjectionStateResponse | None:
    """Return the state of the projector that listens on `socket`, or None."""
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        try:
            return InsightServiceStub(channel).GetProjectionState(
                GetProjectionStateRequest(), timeout=_CALL_S
            )
        except grpc.RpcError:
            return None


def rebuild_here(settings: ProjectorSettings) -> Iterator[tuple[float, int]]:
    """Rebuild in this process. Yield the lag in milliseconds and the number of events.

    Raises:
        Failure: the projection cannot be opened.
    """
    collect_rarely()
    try:
        with open_projection(settings) as (_, _, projection, _):
            projection.rebuild()
            projection.delete_absent()
            more = True
            while more:
                fresh = projection.freshness()
                yield fresh.lag_ms, fresh.events
                more = projection.step()
            fresh = projection.freshness()
            yield fresh.lag_ms, fresh.events
    except StartError as error:
        raise Failure(str(error), WRONG_USAGE) from None


if __name__ == "__main__":
    try:
        run_projector(as_child=True)
    except Failure as failure:
        print(f"Error: {failure.message}", file=sys.stderr)
        sys.exit(failure.exit_code)
