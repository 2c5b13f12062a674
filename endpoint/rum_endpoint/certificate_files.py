"""Certificate files: check them before use, and read them again when they change.

gRPC and uvicorn accept unusable files and then reject every connection, so files are tried with
OpenSSL first.
"""

from __future__ import annotations

__all__ = [
    "CertificateFile",
    "FollowedFiles",
    "KeyPair",
    "pair_files",
    "read_ca",
    "read_pair",
]

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import structlog

from rum_endpoint.start_error import StartError

logger = structlog.get_logger()

T = TypeVar("T")
_Stamp: TypeAlias = tuple[int, int] | None


@dataclass(frozen=True)
class CertificateFile:
    """A file and the setting that names it."""

    setting: str
    path: Path

    def read(self) -> bytes:
        """Return the content. Raises StartError."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise StartError(f"{self.setting}: {self.path}: {error.strerror}") from error


class KeyPair(NamedTuple):
    """A certificate chain and its private key, PEM."""

    certificate: bytes
    key: bytes


def pair_files(
    name: str, certificate: Path | None, key: Path | None
) -> tuple[CertificateFile, CertificateFile] | None:
    """Return the files in two settings, or None if neither is set.

    Args:
        name: the middle of the settings' names: HTTP for OPENRUM_HTTP_CERTIFICATE_FILE.

    Raises:
        ValueError: only one is set.
    """
    settings = f"OPENRUM_{name}_CERTIFICATE_FILE", f"OPENRUM_{name}_KEY_FILE"
    if certificate and key:
        return CertificateFile(settings[0], certificate), CertificateFile(settings[1], key)
    if certificate or key:
        raise ValueError(f"{settings[0]} and {settings[1]} must be set together")
    return None


def read_ca(file: CertificateFile) -> bytes:
    """Return a CA's certificates, PEM. Raises StartError."""
    content = file.read()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=content.decode("ascii"))
    except (OSError, ValueError):
        raise StartError(f"{file.setting}: {file.path} is not a PEM certificate") from None
    return content


def read_pair(certificate: CertificateFile, key: CertificateFile) -> KeyPair:
    """Return a certificate chain and its private key.

    Raises:
        StartError: a file cannot be read, is not PEM, or the key belongs to another certificate.
    """
    pair = KeyPair(certificate.read(), key.read())
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Without a password, OpenSSL would prompt on the terminal for an encrypted key.
        context.load_cert_chain(certificate.path, key.path, password="")
    except OSError:  # includes ssl.SSLError
        raise StartError(
            f"{certificate.setting}: {certificate.path} and {key.path} are not a PEM certificate"
            " and its unencrypted key"
        ) from None
    return pair


class FollowedFiles(Generic[T]):
    """Files that may be replaced while a server runs, and the function that reads them."""

    def __init__(self, files: Sequence[CertificateFile], read: Callable[[], T]) -> None:
        """`read` returns the new content or raises StartError."""
        self._files = files
        self._read = read
        self._stamps = self._current_stamps()

    def read(self) -> T:
        """Read the files. Raises StartError."""
        return self._read()

    def read_if_changed(self) -> T | None:
        """Read the files if one has changed since the last try; None keeps what is in use.

        Unusable files are logged once and tried again when they change.
        """
        stamps = self._current_stamps()
        if stamps == self._stamps:
            return None
        self._stamps = stamps
        try:
            content = self._read()
        except StartError as error:
            logger.error("certificate not read", reason=str(error))
            return None
        logger.info("certificate read again", file=str(self._files[0].path))
        return content

    def _current_stamps(self) -> list[_Stamp]:
        return [_stamp(file.path) for file in self._files]


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
