"""The bridge's channel to the service, and the token that tells it from other callers."""

from __future__ import annotations

__all__ = ["CHANNEL_OPTIONS", "BridgeToken", "Metadata", "open_channel"]

from pathlib import Path

import grpc
import grpc.aio

from rum_bridge.certificates import read_ca, read_pair
from rum_bridge.settings import BridgeSettings

Metadata = tuple[tuple[str, str], ...]

CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # The service is near: when it restarts, find it again within a second, not within two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


def open_channel(settings: BridgeSettings) -> grpc.aio.Channel:
    """Returns the channel. Raises CertificateError where a file of the settings cannot be used."""
    if settings.service_ca_file is None:
        return grpc.aio.insecure_channel(settings.service, CHANNEL_OPTIONS)
    ca = read_ca("OPENRUM_SERVICE_CA_FILE", settings.service_ca_file)
    pair = settings.service_pair
    certificate, key = read_pair("SERVICE", *pair) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return grpc.aio.secure_channel(settings.service, credentials, CHANNEL_OPTIONS)


class BridgeToken:
    """Tells the service that a call comes from a bridge; without it, it could be from anybody."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp = (0, 0)
        self._metadata: Metadata = ()

    def metadata(self) -> Metadata:
        """Returns what goes with each call."""
        # Looked at each time: the service makes the file, and may start after the bridge or make
        # another one. With an old token all callers would be refused, and browsers switched off.
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                token = self._file.read_text().strip()
                self._metadata = (("authorization", f"Bearer {token}"),)
                self._stamp = stamp
        except OSError:
            pass  # not there yet, or not there for a moment
        return self._metadata
