"""Reload the HTTPS certificate when its files change."""

from __future__ import annotations

__all__ = ["following"]

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from rum_endpoint.certificate_files import CertificateFile, FollowedFiles, read_pair
from rum_endpoint.start_error import StartError

_EVERY_S = 2.0


@contextlib.asynccontextmanager
async def following(
    tls: ssl.SSLContext, certificate: CertificateFile, key: CertificateFile
) -> AsyncIterator[None]:
    """Load the files into `tls` when they change. New connections use the new certificate."""

    def load() -> None:
        # Check first: load_cert_chain keeps the certificate even if the key does not fit.
        read_pair(certificate, key)
        try:
            tls.load_cert_chain(certificate.path, key.path, password="")
        except OSError as error:  # replaced again since the check
            raise StartError(f"{certificate.setting}: {error}") from error

    files = FollowedFiles((certificate, key), load)

    async def follow() -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            files.read_if_changed()

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
