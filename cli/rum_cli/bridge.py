"""Runs the server of `openrum bridge` until SIGTERM or SIGINT.

It imports nothing of the service, which takes 44 MB of memory (2026-11).
"""

from __future__ import annotations

__all__ = ["run_bridge"]

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_cli.environment import read_settings
from rum_cli.failure import WRONG_USAGE, Failure
from rum_cli.handover import inherited_socket, with_address_of, with_rolling
from rum_cli.process import serve
from rum_endpoint.metrics_page import Samples, metrics_page


def run_bridge(*, rolling: bool) -> None:
    """Run the bridge."""
    inherited = inherited_socket()
    settings = with_rolling(read_settings(BridgeSettings), rolling)
    settings = with_address_of(settings, inherited)
    if settings.exposed and _is_missing(settings.bridge_token_file):
        raise Failure(
            f"OPENRUM_HTTP: {settings.http} can be reached from other machines, and without a "
            "bridge token the service cannot trust what this bridge says about its callers; set "
            "OPENRUM_BRIDGE_TOKEN_FILE to the file that the service created "
            f"({settings.bridge_token_file} does not exist), or set a loopback address, 127.0.0.1 "
            "or [::1]",
            WRONG_USAGE,
        )

    @asynccontextmanager
    async def bridge(log: Samples) -> AsyncIterator[None]:
        async with (
            running_bridge(settings, inherited, inherited=inherited is not None) as running,
            metrics_page(
                settings.metrics_address(), running.samples, log, rolling=settings.rolling
            ),
        ):
            yield

    serve(bridge, settings.drain_s, settings.log_format)


def _is_missing(file: Path) -> bool:
    """Return whether the file does not exist. Other problems show when it is read."""
    try:
        file.stat()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False
