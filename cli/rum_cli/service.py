"""Runs the server of `openrum service` until SIGTERM or SIGINT.

It imports nothing of the bridge, which takes 7 MB of memory (2026-11).
"""

from __future__ import annotations

__all__ = ["run_service"]

from rum_cli.environment import read_settings
from rum_cli.handover import reject_inherited_socket, with_rolling
from rum_cli.process import serve
from rum_service.server import running_service
from rum_service.settings import ServiceSettings


def run_service(*, rolling: bool) -> None:
    """Run the service."""
    reject_inherited_socket()
    settings = with_rolling(read_settings(ServiceSettings), rolling)
    serve(lambda: running_service(settings), settings.drain_s)
