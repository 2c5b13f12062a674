"""The countries of client addresses, from a database in MaxMind's format (MMDB).

Addresses are only looked up. Neither the log nor a log line has them:
docs/decisions/0023-the-country-is-looked-up-at-ingest.md.
"""

from __future__ import annotations

__all__ = ["Countries"]

import asyncio
import os
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import maxminddb
import structlog

from rum_endpoint.start_error import StartError
from rum_service.background import Background

logger = structlog.get_logger()

_SETTING = "OPENRUM_GEOIP"
_INTERVAL_S = 10.0
_IPV4_MAPPED = "::ffff:"
# Networks without a country are rare.
_CHECKED_RECORDS = 10_000


class _Stamp(NamedTuple):
    """Differs when a file is replaced or written."""

    modified_ns: int
    inode: int
    size: int


class Countries(Background):
    """Finds countries. For use on one event loop.

    The context manager follows the file: a new one is used within `interval_s`, and one that cannot
    be used is logged, while the one before it stays in use.

    Raises:
        StartError: the file cannot be used.
    """

    def __init__(self, path: Path, *, interval_s: float = _INTERVAL_S) -> None:
        super().__init__()
        self._path = path
        self._interval_s = interval_s
        self._stamp = _stamp_of(path)
        try:
            self._reader = _open(path)
        except (OSError, ValueError) as error:
            raise StartError(f"{_SETTING}: {path}: {_reason(error)}") from None
        self._is_damaged = False

    def of(self, address: str | None) -> str | None:
        """Return an address's ISO 3166 country code, two capital letters. None: not known."""
        if address is None:
            return None
        if address.startswith(_IPV4_MAPPED) and "." in address:
            address = address.removeprefix(_IPV4_MAPPED)
        try:
            return _country_code(self._reader.get(address))
        except ValueError:  # not an address, or IPv6 in a database for IPv4
            return None
        except maxminddb.InvalidDatabaseError:
            if not self._is_damaged:
                self._is_damaged = True
                logger.error("country database is damaged", setting=_SETTING)
            return None

    async def refresh(self) -> None:
        """Use the file anew if it has changed."""
        stamp = _stamp_of(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            reader = await asyncio.to_thread(_open, self._path)
        except (OSError, ValueError) as error:
            logger.error("country database not read", setting=_SETTING, reason=_reason(error))
            return
        self._reader.close()
        self._reader, self._is_damaged = reader, False
        logger.info("country database read again", build_epoch=reader.metadata().build_epoch)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        self._reader.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.refresh()


def _open(path: Path) -> maxminddb.Reader:
    """Open a copy of the file in memory.

    A reader maps its file into memory. Whoever writes to that file, instead of replacing it, would
    end the process with SIGBUS. The C reader takes 0.5 µs for a lookup and opens only paths; the
    one in Python takes 11 µs (2026-11).

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not in the format, or has no countries.
    """
    content = path.read_bytes()
    copy = os.memfd_create("countries")
    try:
        with os.fdopen(copy, "wb", closefd=False) as file:
            file.write(content)
        reader = maxminddb.open_database(f"/proc/self/fd/{copy}")
        records = islice(reader, _CHECKED_RECORDS)
        if not any(_country_code(record) for _, record in records):
            raise ValueError("has no countries")
    except maxminddb.InvalidDatabaseError:
        raise ValueError("is not a database in MaxMind's format (MMDB)") from None
    finally:
        os.close(copy)
    return reader


def _country_code(record: object) -> str | None:
    """Return the code in a record.

    MaxMind and DB-IP write {"country": {"iso_code": "DE"}}, IPinfo {"country_code": "DE"} or
    {"country": "DE"}.
    """
    if not isinstance(record, dict):
        return None
    code = record.get("country_code") or record.get("country")
    if isinstance(code, dict):
        code = code.get("iso_code")
    if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha():
        return code.upper()
    return None


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return _Stamp(status.st_mtime_ns, status.st_ino, status.st_size)


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
