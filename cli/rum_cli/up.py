"""Runs the servers of `openrum up` until SIGTERM or SIGINT."""

from __future__ import annotations

__all__ = ["run_up"]

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rum_bridge.server import RunningBridge, running_bridge
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
from rum_service.server import RunningService, running_service
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
    has_tls = service_settings.grpc_certificate_file is not None
    if (has_tls or workers > 1) and not service_settings.socket:
        _OWN_SOCKET.parent.mkdir(0o700, exist_ok=True)
        service_settings = service_settings.model_copy(update={"socket": str(_OWN_SOCKET)})
    servers = _Servers(service_settings, bridge_settings, workers, projects, inherited)
    drain_s = service_settings.drain_s + bridge_settings.drain_s
    serve(servers.running, drain_s, service_settings.log_format)


@dataclass(frozen=True)
class _Servers:
    """The servers of one command."""

    service_settings: ServiceSettings
    bridge_settings: BridgeSettings
    workers: int
    projects: bool
    inherited: socket.socket | None
    """The socket of the bridge, if systemd passes one."""

    @asynccontextmanager
    async def running(self, log: Samples) -> AsyncIterator[None]:
        """Run all servers while the context is open. `log` returns the metrics of the log."""
        # Before the service starts, so that a busy port is the first and only thing reported.
        listeners = self._listeners()
        port = listeners[0].getsockname()[1]
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(self._service())
            parts = [service.samples, log]
            if self.projects:
                await stack.enter_async_context(running_projector_process())
            if self.workers > 1:
                await stack.enter_async_context(self._workers(listeners))
            else:
                bridge = await stack.enter_async_context(self._bridge(service, listeners[0]))
                parts.append(bridge.samples)
                service.statistics.include(bridge.ledger)
            settings = self.service_settings
            await stack.enter_async_context(
                metrics_page(settings.metrics_address(), *parts, rolling=settings.rolling)
            )
            print_text(await first_run(self._started(service, port)))
            yield

    def _listeners(self) -> Sequence[socket.socket]:
        if self.inherited:
            return [self.inherited]
        settings = self.bridge_settings
        return settings.http_address.bind_shared(
            "OPENRUM_HTTP", self.workers, rolling=settings.rolling
        )

    def _service(self) -> AbstractAsyncContextManager[RunningService]:
        bridge = self.bridge_settings
        return running_service(
            self.service_settings,
            exposed_by=f"OPENRUM_HTTP: {bridge.http}" if bridge.exposed else None,
            other_connections=bridge.max_connections if self.workers == 1 else 0,
        )

    def _bridge(
        self, service: RunningService, listener: socket.socket
    ) -> AbstractAsyncContextManager[RunningBridge]:
        return running_bridge(
            self.bridge_settings.calling_without_tls(self._target(service)),
            listener,
            batch_put=service.local_bridge.batch_put,
            inherited=self.inherited is not None,
            other_connections=self.service_settings.max_grpc_connections,
        )

    def _workers(self, listeners: Sequence[socket.socket]) -> AbstractAsyncContextManager[None]:
        return running_workers(
            self._socket,
            listeners,
            stores=self.service_settings.has_database_server,
            drain_s=self.bridge_settings.drain_s,
        )

    def _started(self, service: RunningService, port: int) -> FirstRun:
        service_settings, bridge_settings = self.service_settings, self.bridge_settings
        exposed = service_settings.exposed or bridge_settings.exposed
        return FirstRun(
            service_settings,
            bridge_settings,
            grpc=service.address,
            http=str(replace(bridge_settings.http_address, port=port)),
            target=self._target(service),
            authorizes=exposed or service_settings.auth == "required",
        )

    @property
    def _socket(self) -> str:
        return f"unix:{self.service_settings.socket}"

    def _target(self, service: RunningService) -> str:
        # The socket has no TLS: no CA is needed to call the service of this command.
        has_tls = self.service_settings.grpc_certificate_file is not None
        return self._socket if has_tls else service.address
