"""Database URLs: which database each names. Errors never contain the password."""

from __future__ import annotations

__all__ = ["is_same_database", "parse_url", "sqlite_file"]

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rum_service.storage.postgres_url import with_single_host

_DATABASES = ("sqlite", "postgresql+psycopg")
# PostgreSQL's own URLs name no driver.
_DRIVERS = {"postgresql": "postgresql+psycopg"}
_KNOWN = " or ".join(f"{name}://" for name in ("sqlite", *_DRIVERS))
_REJECTED = {"mariadb", "mysql"}


def parse_url(url: str) -> URL:
    """Return a URL's parts. Raises ValueError if it names no database that can be opened."""
    name = url.partition(":")[0].partition("+")[0]
    if name in _REJECTED:
        raise ValueError(
            f"{name}:// is not supported; use {_KNOWN}."
            " docs/decisions/0036-mariadb-and-galera.md gives the reasons"
        )
    try:
        parsed = make_url(with_single_host(url))
    except (ArgumentError, ValueError):  # a ValueError's text may contain part of the password
        raise ValueError("not a database URL; sqlite:///var/openrum.sqlite3 is one") from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername not in _DATABASES:
        raise ValueError(f"{parsed.drivername}:// is not supported; use {_KNOWN}")
    if parsed.host and "@" in f"{parsed.host}{parsed.database}":
        # The host may contain part of the password, and an error text would show the host.
        raise ValueError("an @ in a user name or password is written %40, a / is %2F, a : is %3A")
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """Return a SQLite database's file. None: it is another database."""
    return Path(url.database or "") if url.drivername == "sqlite" else None


def is_same_database(one_url: str, other_url: str) -> bool:
    """Return whether two URLs name the same database. Raises ValueError as `parse_url`."""
    one, other = parse_url(one_url), parse_url(other_url)
    one_file, other_file = sqlite_file(one), sqlite_file(other)
    if one_file and other_file:
        return one_file.resolve() == other_file.resolve()
    return one == other
