"""What `openrum up`, `service` and `bridge` run: until SIGTERM or SIGINT, then drain and return."""

from __future__ import annotations

__all__ = ["run_bridge", "run_service", "run_up"]

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import structlog
import uvloop
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from rum_bridge.server import StartError as BridgeStartError
from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_cli.failure import WRONG_USAGE, Failure
from rum_cli.first_run import first_run
from rum_service.server import StartError as ServiceStartError
from rum_service.server import running_service
from rum_service.settings import ServiceSettings

Settings = TypeVar("Settings", bound=BaseSettings)


def run_up() -> None:
    """Runs service and bridge, and prints how to use them."""
    service_settings, bridge_settings = _settings(ServiceSettings), _settings(BridgeSettings)

    @asynccontextmanager
    async def both() -> AsyncIterator[None]:
        async with running_service(service_settings) as running:
            near = bridge_settings.model_copy(update={"service": running.address})
            async with running_bridge(near) as bridge_running:
                await first_run(running.address, bridge_running.address)
                yield

    _run(both)


def run_service() -> None:
    """Runs the service."""
    settings = _settings(ServiceSettings)
    _run(lambda: running_service(settings))


def run_bridge() -> None:
    """Runs the bridge."""
    settings = _settings(BridgeSettings)
    _run(lambda: running_bridge(settings))


def _run(running: Callable[[], AbstractAsyncContextManager[object]]) -> None:
    _configure_logs()

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with running():
            await stop.wait()

    try:
        uvloop.run(until_stopped())
    except (ServiceStartError, BridgeStartError) as error:
        raise Failure(str(error), WRONG_USAGE) from None


def _settings(kind: type[Settings]) -> Settings:
    try:
        return kind()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = f"OPENRUM_{problem['loc'][0]}".upper()
        message = problem["msg"].removeprefix("Value error, ")
        raise Failure(f"{name}: {message}", WRONG_USAGE) from None


def _configure_logs() -> None:
    """Lines for people on a terminal, JSON for everything else; both to standard error."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
