"""TLS for gRPC, from files that may change while the service runs."""

from __future__ import annotations

__all__ = ["TlsError", "server_credentials"]

from pathlib import Path
from typing import Any

import grpc
import structlog

log = structlog.get_logger()


class TlsError(Exception):
    """The files cannot be used; the text names the file and the reason."""


class _Files:
    """Certificate, key and client CA; read again when one of them has changed."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._paths = [certificate, key, *([client_ca] if client_ca else [])]
        self._stamp = self._stamps()

    def load(self) -> grpc.ServerCertificateConfiguration:
        certificate, key, *client_ca = [path.read_bytes() for path in self._paths]
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], client_ca[0] if client_ca else None
        )

    def load_if_changed(self) -> Any:
        """Asked by gRPC at every handshake; None keeps what is in use."""
        try:
            stamp = self._stamps()
            if stamp == self._stamp:
                return None
            configuration = self.load()
        except OSError as error:
            log.error("certificate not read", file=error.filename, reason=error.strerror)
            return None
        self._stamp = stamp
        log.info("certificate read again", file=str(self._paths[0]))
        return configuration

    def _stamps(self) -> list[tuple[int, int]]:
        return [(status.st_mtime_ns, status.st_ino) for status in (p.stat() for p in self._paths)]


def server_credentials(
    certificate: Path, key: Path, client_ca: Path | None
) -> grpc.ServerCredentials:
    """Returns credentials that follow the files. With a client CA, clients must have a certificate.

    Raises:
        TlsError: a file cannot be read.
    """
    try:
        files = _Files(certificate, key, client_ca)
        return grpc.dynamic_ssl_server_credentials(
            files.load(), files.load_if_changed, require_client_authentication=bool(client_ca)
        )
    except OSError as error:
        raise TlsError(f"{error.filename}: {error.strerror}") from error
