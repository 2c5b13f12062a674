"""The files of TLS: tried before they are used, and followed while the bridge runs."""

from __future__ import annotations

__all__ = ["CertificateError", "following", "read_ca", "read_pair"]

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import structlog

logger = structlog.get_logger()

_EVERY_S = 2.0
_Stamp = tuple[int, int] | None


class CertificateError(Exception):
    """Files cannot be used; the text names the setting, the file and the reason."""


def read_ca(setting: str, file: Path) -> bytes:
    """Returns a CA's certificate. Raises CertificateError."""
    content = _read(setting, file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=content.decode("ascii")
        )
    except (OSError, ValueError):
        raise CertificateError(f"{setting}: {file} is not a certificate, PEM") from None
    return content


def read_pair(what: str, certificate: Path, key: Path) -> tuple[bytes, bytes]:
    """Returns a certificate and its key.

    Args:
        what: `HTTP` of OPENRUM_HTTP_CERTIFICATE_FILE and OPENRUM_HTTP_KEY_FILE.

    Raises:
        CertificateError: they cannot be used.
    """
    setting = f"OPENRUM_{what}_CERTIFICATE_FILE"
    pair = _read(setting, certificate), _read(f"OPENRUM_{what}_KEY_FILE", key)
    try:
        # A password, or OpenSSL asks the terminal for the one of an encrypted key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except OSError:  # ssl.SSLError is one
        raise CertificateError(
            f"{setting}: {certificate} and {key} are not a certificate and its key, PEM, without a"
            " password"
        ) from None
    return pair


@contextlib.contextmanager
def following(tls: ssl.SSLContext, certificate: Path, key: Path) -> Iterator[None]:
    """Reads the certificate again when its files have changed; new connections then have it."""

    def stamps() -> list[_Stamp]:
        return [_stamp(file) for file in (certificate, key)]

    async def follow(read: list[_Stamp]) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            if (changed := stamps()) == read:
                continue
            read = changed  # what cannot be used is looked at once, until it changes again
            try:
                # First elsewhere: a pair that does not fit would leave its half in the context.
                read_pair("HTTP", certificate, key)
                tls.load_cert_chain(certificate, key, password="")
            except (CertificateError, OSError) as error:
                logger.error("certificate not read", reason=str(error))
            else:
                logger.info("certificate read again", file=str(certificate))

    task = asyncio.create_task(follow(stamps()))
    try:
        yield
    finally:
        task.cancel()


def _read(setting: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CertificateError(f"{setting}: {file}: {error.strerror}") from error


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
