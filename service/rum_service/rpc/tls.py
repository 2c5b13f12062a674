"""TLS for gRPC, from files that may change while the service runs."""

from __future__ import annotations

__all__ = ["TlsError", "server_credentials"]

import ssl
from pathlib import Path
from typing import Any

import grpc
import structlog

logger = structlog.get_logger()

_CERTIFICATE = "OPENRUM_GRPC_CERTIFICATE_FILE"
_KEY = "OPENRUM_GRPC_KEY_FILE"
_CLIENT_CA = "OPENRUM_CLIENT_CA_FILE"


class TlsError(Exception):
    """The files cannot be used; the text names the setting, the file and the reason."""


class _Files:
    """Certificate, key and client CA; read again when one of them has changed."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self._stamp = self._stamps()

    def load(self) -> grpc.ServerCertificateConfiguration:
        """Raises TlsError."""
        certificate, key = _read(_CERTIFICATE, self._certificate), _read(_KEY, self._key)
        client_ca = _read(_CLIENT_CA, self._client_ca) if self._client_ca else None
        # gRPC takes anything, and then refuses every connection.
        self._check(client_ca)
        return grpc.ssl_server_certificate_configuration([(key, certificate)], client_ca)

    def _check(self, client_ca: bytes | None) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # A password, or OpenSSL asks the terminal for the one of an encrypted key.
            context.load_cert_chain(self._certificate, self._key, password="")
        except OSError:  # ssl.SSLError is one
            raise TlsError(
                f"{_CERTIFICATE}: {self._certificate} and {self._key} are not a certificate and its"
                " key, PEM, without a password"
            ) from None
        if client_ca is None:
            return
        try:
            context.load_verify_locations(cadata=client_ca.decode("ascii"))
        except (OSError, ValueError):
            raise TlsError(f"{_CLIENT_CA}: {self._client_ca} is not a certificate, PEM") from None

    def load_if_changed(self) -> Any:
        """Operation by gRPC at every handshake; None keeps what is in use."""
        stamp = self._stamps()
        if stamp == self._stamp:
            return None
        self._stamp = stamp  # what cannot be used is looked at once, until it changes again
        try:
            configuration = self.load()
        except TlsError as error:
            logger.error("certificate not read", reason=str(error))
            return None
        logger.info("certificate read again", file=str(self._certificate))
        return configuration

    def _stamps(self) -> list[tuple[int, int] | None]:
        return [_stamp(p) for p in (self._certificate, self._key, self._client_ca) if p]


def server_credentials(
    certificate: Path, key: Path, client_ca: Path | None
) -> grpc.ServerCredentials:
    """Returns credentials that follow the files. With a client CA, clients must have a certificate.

    Raises:
        TlsError: a file cannot be used.
    """
    files = _Files(certificate, key, client_ca)
    return grpc.dynamic_ssl_server_credentials(
        files.load(), files.load_if_changed, require_client_authentication=bool(client_ca)
    )


def _read(setting: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TlsError(f"{setting}: {file}: {error.strerror}") from error


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
