"""Runs the servers of `openrum up` until SIGTERM or SIGINT."""

from __future__ import annotations

__all__ = ["run_up"]

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_cli.environment import read_settings
from rum_cli.failure import WRONG_USAGE, Failure
from rum_cli.first_run import FirstRun, first_run
from rum_cli.handover import inherited_socket, with_address_of, with_rolling
from rum_cli.process import print_text, serve
from rum_cli.projector_child import running_projector_process
from rum_cli.workers import running_workers
from rum_endpoint.metrics_page import Samples, metrics_page
from rum_projector.settings import ProjectorSettings
from rum_service.server import running_service
from rum_service.settings import ServiceSettings

_OWN_SOCKET = Path("var/openrum.sock")


def run_up(workers: int, *, rolling: bool, projects: bool) -> None:
    """Run the service and the bridge, and print the next commands.

    Args:
        workers: how many processes run a bridge. 1: this process runs it too.
        rolling: as OPENRUM_ROLLING.
        projects: whether to run the projector too, in its own process.
    """
    inherited = inherited_socket()
    service_settings = with_rolling(read_settings(ServiceSettings), rolling)
    bridge_settings = with_rolling(read_settings(BridgeSettings), rolling)
    if projects:
        read_settings(ProjectorSettings)  # a wrong one must be reported here
    bridge_settings = with_address_of(bridge_settings, inherited)
    if workers > 1 and (inherited or service_settings.rolling):
        raise Failure(
            "--workers: only one process can hand its connections over; run several bridges",
            WRONG_USAGE,
        )
    exposed_by = f"OPENRUM_HTTP: {bridge_settings.http}" if bridge_settings.exposed else None
    exposed = service_settings.exposed or bridge_settings.exposed
    tls = service_settings.grpc_certificate_file is not None
    if (tls or workers > 1) and not service_settings.socket:
        _OWN_SOCKET.parent.mkdir(0o700, exist_ok=True)
        service_settings = service_settings.model_copy(update={"socket": str(_OWN_SOCKET)})
    unix = f"unix:{service_settings.socket}"

    @asynccontextmanager
    async def both(log: Samples) -> AsyncIterator[None]:
        # Before the service starts, so that a busy port is the first and only thing reported.
        listeners = (
            [inherited]
            if inherited
            else bridge_settings.http_address.bind_shared(
                "OPENRUM_HTTP", workers, rolling=bridge_settings.rolling
            )
        )
        port = listeners[0].getsockname()[1]
        async with running_service(
            service_settings,
            exposed_by=exposed_by,
            other_connections=bridge_settings.max_connections if workers == 1 else 0,
        ) as running:
            # The socket has no TLS: no CA is needed to call the service of this command.
            target = unix if tls else running.address
            async with AsyncExitStack() as stack:
                parts = [running.samples, log]
                if projects:
                    await stack.enter_async_context(running_projector_process())
                if workers > 1:
                    await stack.enter_async_context(
                        running_workers(
                            unix,
                            listeners,
                            stores=service_settings.has_database_server,
                            drain_s=bridge_settings.drain_s,
                        )
                    )
                else:
                    bridge = await stack.enter_async_context(
                        running_bridge(
                            bridge_settings.calling_without_tls(target),
                            listeners[0],
                            batch_put=running.local_bridge.batch_put,
                            inherited=inherited is not None,
                            other_connections=service_settings.max_grpc_connections,
                        )
                    )
                    parts.append(bridge.samples)
                    running.statistics.include(bridge.ledger)
                await stack.enter_async_context(
                    metrics_page(
                        service_settings.metrics_address(), *parts, rolling=service_settings.rolling
                    )
                )
                started = await first_run(
                    FirstRun(
                        service_settings,
                        bridge_settings,
                        grpc=running.address,
                        http=str(replace(bridge_settings.http_address, port=port)),
                        target=target,
                        authorizes=exposed or service_settings.auth == "required",
                    )
                )
                print_text(started)
                yield

    drain_s = service_settings.drain_s + bridge_settings.drain_s
    serve(both, drain_s, service_settings.log_format)
