"""Runs the server of `openrum service` until SIGTERM or SIGINT.

It imports nothing of the bridge, which takes 7 MB of memory (2026-11).
"""

from __future__ import annotations

__all__ = ["run_service"]

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rum_cli.environment import read_settings
from rum_cli.handover import reject_inherited_socket, with_rolling
from rum_cli.process import serve
from rum_endpoint.metrics_page import Samples, metrics_page
from rum_service.server import running_service
from rum_service.settings import ServiceSettings


def run_service(*, rolling: bool) -> None:
    """Run the service."""
    reject_inherited_socket()
    settings = with_rolling(read_settings(ServiceSettings), rolling)

    @asynccontextmanager
    async def service(log: Samples) -> AsyncIterator[None]:
        async with (
            running_service(settings) as running,
            metrics_page(
                settings.metrics_address(), running.samples, log, rolling=settings.rolling
            ),
        ):
            yield

    serve(service, settings.drain_s, settings.log_format)
