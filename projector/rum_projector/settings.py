"""The settings of the projector: environment variables that start with OPENRUM_."""

from __future__ import annotations

__all__ = ["ProjectorSettings"]

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rum_service.storage.postgres_url import with_single_host


class ProjectorSettings(BaseSettings):
    """Every setting of the projector, with its unit and default. The docs show the same table."""

    model_config = SettingsConfigDict(env_prefix="OPENRUM_", frozen=True)

    database_url: str = Field(
        default="sqlite:///var/openrum.sqlite3",
        description="Database that stores the events: sqlite:///FILE or postgresql://...",
    )
    projection: str = Field(
        default="",
        description="File of the projection, which DuckDB keeps. If empty, insight.duckdb in the "
        "folder of the SQLite file, or in var. Deleting it loses nothing: it is built again.",
    )
    projector_socket: Path = Field(
        default=Path("var/projector.sock"),
        description="Unix socket of the projector, which answers queries about the events. A path.",
    )
    projector_memory_bytes: int = Field(
        default=256 << 20,
        ge=64 << 20,
        description="Memory that DuckDB may use in the projector, in bytes.",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="Form of the log lines. `auto` writes lines for people on a terminal, and JSON "
        "elsewhere.",
    )

    @property
    def projection_file(self) -> Path:
        """The file of the projection."""
        if self.projection:
            return Path(self.projection)
        url = self._url
        in_file = url is not None and url.drivername.startswith("sqlite") and url.database
        return (Path(in_file).parent if in_file else Path("var")) / "insight.duckdb"

    @property
    def log_name(self) -> str:
        """The database without credentials, to tell logs apart. Hosts may be in any order."""
        url = self._url
        if url is None:
            return ""
        hosts, ports = (
            _texts(url.query.get(name, given))
            for name, given in (("host", url.host or ""), ("port", str(url.port or "")))
        )
        if len(ports) == 1:  # of all hosts
            ports *= len(hosts)
        servers = ",".join(sorted(map(":".join, zip(hosts, ports, strict=False))))
        return f"{servers}/{url.database or ''}"

    @property
    def _url(self) -> URL | None:
        try:
            return make_url(with_single_host(self.database_url))
        except (ArgumentError, ValueError):  # opening the database explains it
            return None


def _texts(value: str | Sequence[str]) -> list[str]:
    """Return the parts of a parameter of a URL, which may be there several times."""
    return ",".join([value] if isinstance(value, str) else value).split(",")
