"""Names and folders of exported files. Each day has one folder."""

from __future__ import annotations

__all__ = ["ExportedFile", "PartNames", "day_of", "is_part", "is_temporary"]

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_DAY_MS = 86_400_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PART = re.compile(r"part-\d{12,}-\d{12,}\.(?:parquet|jsonl(?:\.gz|\.zst)?)")
_TEMPORARY = re.compile(r"\.part-.*\.tmp")


@dataclass(frozen=True)
class ExportedFile:
    """A complete file."""

    path: str
    """The path relative to the export folder."""
    events: int
    size: int
    temporary: str
    """The path under which it was written."""


@dataclass(frozen=True)
class PartNames:
    """Names files in a folder for each day, in the form that DuckDB, Spark and Athena expect.

    Args:
        unique: makes temporary names unique. Processes that outlive a killed export then do not
            disturb the next one.
    """

    folder: Path
    suffix: str
    unique: str

    def temporary(self, day: str, first: int, last: int) -> Path:
        """Return a path for writing, in a folder that exists.

        Args:
            day: YYYY-MM-DD.
            first, last: the sequences of the batches in the file.
        """
        folder = self.folder / f"event_date={day}"
        folder.mkdir(exist_ok=True)
        return folder / f".part-{first:012}-{last:012}{self.suffix}.{self.unique}.tmp"

    def exported(self, temporary: Path, *, events: int) -> ExportedFile:
        """Return the file that was written at a temporary path, once it is on disk."""
        file = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(file)
            size = os.fstat(file).st_size
        finally:
            os.close(file)
        name = temporary.name[1 : -len(f".{self.unique}.tmp")]
        path = temporary.with_name(name).relative_to(self.folder)
        return ExportedFile(str(path), events, size, str(temporary.relative_to(self.folder)))


def day_of(time_ms: int) -> str:
    """Convert milliseconds since the Unix epoch to the UTC day, as YYYY-MM-DD."""
    return f"{_EPOCH + timedelta(days=time_ms // _DAY_MS):%Y-%m-%d}"


def is_part(name: str) -> bool:
    """Return whether a file with this name has events."""
    return _PART.fullmatch(name) is not None


def is_temporary(name: str) -> bool:
    """Return whether a file with this name is still being written."""
    return _TEMPORARY.fullmatch(name) is not None
