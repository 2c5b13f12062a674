"""The channels to the service, and the token that identifies the bridge."""

from __future__ import annotations

__all__ = [
    "CHANNEL_OPTIONS",
    "BridgeToken",
    "Channels",
    "Metadata",
    "open_channels",
    "open_token",
]

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc
import grpc.aio
import structlog

from rum_bridge.settings import BridgeSettings
from rum_endpoint.certificate_files import read_ca, read_pair
from rum_endpoint.metadata import bearer
from rum_endpoint.start_error import StartError

logger = structlog.get_logger()

Metadata: TypeAlias = tuple[tuple[str, str], ...]

CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Reconnect within a second after a restart. gRPC's default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Channels to the same address share a connection otherwise.
    ("grpc.use_local_subchannel_pool", 1),
]


@dataclass(frozen=True)
class Channels:
    """Two channels with separate connections.

    HTTP/2 has one flow-control window for all calls on a connection, so a page of events would
    wait behind the batches.
    """

    puts: grpc.aio.Channel
    others: grpc.aio.Channel


@asynccontextmanager
async def open_channels(settings: BridgeSettings) -> AsyncIterator[Channels]:
    """Open the channels. They connect when they are first used.

    Raises:
        StartError: a certificate cannot be used.
    """
    async with _open_channel(settings) as puts, _open_channel(settings) as others:
        yield Channels(puts, others)


def _open_channel(settings: BridgeSettings) -> grpc.aio.Channel:
    if settings.service_ca is None:
        return grpc.aio.insecure_channel(settings.service, CHANNEL_OPTIONS)
    ca = read_ca(settings.service_ca)
    files = settings.service_pair
    certificate, key = read_pair(*files) if files else (None, None)
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return grpc.aio.secure_channel(settings.service, credentials, CHANNEL_OPTIONS)


class BridgeToken:
    """The token in OPENRUM_BRIDGE_TOKEN_FILE. The service trusts reports of its holder only."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp = (0, 0)
        self._metadata: Metadata = ()
        self._problem: str | None = None

    def problem(self) -> str | None:
        """Return why the token cannot be read now, or None."""
        self.metadata()
        return self._problem

    def metadata(self) -> Metadata:
        """Return the metadata that identifies the bridge. Without a token it is empty."""
        # Check the file at each call: the service may create or replace it after the bridge has
        # started. With an old token every caller would be rejected, and aws-rum-web stops sending
        # after a 403 until the page reloads.
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                self._metadata = (bearer(_token_in(self._file)),)
                self._stamp = stamp
            self._problem = None
        except (OSError, ValueError) as error:
            # Keep the last token: the file may be missing while it is replaced.
            self._note(error)
        return self._metadata

    def _note(self, error: OSError | ValueError) -> None:
        """Remember why the token cannot be read, and log it once."""
        is_new = self._problem is None
        self._problem = (error.strerror if isinstance(error, OSError) else None) or str(error)
        if is_new:
            logger.warning(
                "bridge token not read",
                setting="OPENRUM_BRIDGE_TOKEN_FILE",
                file=str(self._file),
                reason=self._problem,
            )


def open_token(settings: BridgeSettings) -> BridgeToken:
    """Return the token of the bridge. It logs now if the file cannot be read.

    On loopback a bridge starts without it: the service may create the file later.

    Raises:
        StartError: other machines can reach the bridge, and its token cannot be read.
    """
    token = BridgeToken(settings.bridge_token_file)
    problem = token.problem()
    if problem and settings.exposed:
        raise StartError(f"OPENRUM_BRIDGE_TOKEN_FILE: {settings.bridge_token_file}: {problem}")
    return token


def _token_in(file: Path) -> str:
    token = file.read_bytes().decode("latin-1").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ValueError("the file does not contain a token")
    return token
