"""The channel to the service, and the token that identifies the bridge."""

from __future__ import annotations

__all__ = ["CHANNEL_OPTIONS", "BridgeToken", "Metadata", "open_channel"]

from pathlib import Path
from typing import TypeAlias

import grpc
import grpc.aio
import structlog

from rum_bridge.settings import BridgeSettings
from rum_endpoint.certificate_files import read_ca, read_pair
from rum_endpoint.metadata import bearer

logger = structlog.get_logger()

Metadata: TypeAlias = tuple[tuple[str, str], ...]

CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Reconnect within a second after a restart. gRPC's default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


def open_channel(settings: BridgeSettings) -> grpc.aio.Channel:
    """Return a channel to the service. Raises StartError if a certificate cannot be used."""
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
        self._failure_logged = False

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
            self._failure_logged = False
        except (OSError, ValueError) as error:
            # Keep the last token: the file may be missing while it is replaced.
            self._log_failure(error)
        return self._metadata

    def _log_failure(self, error: OSError | ValueError) -> None:
        if self._failure_logged:
            return
        self._failure_logged = True
        reason = error.strerror if isinstance(error, OSError) else str(error)
        logger.warning(
            "bridge token not read",
            setting="OPENRUM_BRIDGE_TOKEN_FILE",
            file=str(self._file),
            reason=reason,
        )


def _token_in(file: Path) -> str:
    token = file.read_bytes().decode("latin-1").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ValueError("the file does not contain a token")
    return token
