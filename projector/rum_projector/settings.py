"""The settings of the projector: environment variables that start with OPENRUM_."""

from __future__ import annotations

__all__ = ["ProjectorSettings"]

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


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
    projector_socket: str = Field(
        default="var/projector.sock",
        description="Unix socket on which the projector answers the service. A path.",
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
        try:
            url = make_url(self.database_url)
        except (ArgumentError, ValueError):  # opening the database explains it
            return Path("var/insight.duckdb")
        in_file = url.drivername.startswith("sqlite") and url.database
        return Path(url.database or "").parent / "insight.duckdb" if in_file else _DEFAULT_FILE


_DEFAULT_FILE = Path("var/insight.duckdb")
