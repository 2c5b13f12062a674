"""The export folder and its manifest, which lists finished files so that the next run continues."""

from __future__ import annotations

__all__ = ["ExportFolder", "FolderError", "Manifest"]

import fcntl
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rum_cli.export_files import ExportedFile, is_part, is_temporary

# DuckDB, Spark and Athena ignore names that begin with an underscore or a dot.
_MANIFEST = "_manifest.json"
_LOCK = ".lock"
_SPILL = ".spill-*"
_VERSION = 1


class FolderError(Exception):
    """The folder cannot be used for this export. The text says why."""


@dataclass(frozen=True)
class Manifest:
    """The content and the source of an export."""

    app_monitor_id: str
    app_monitor_name: str
    format: str
    compression: str
    after_ms: int | None = None
    before_ms: int | None = None
    through: int = 0
    """All batches up to this sequence are finished."""
    last_batch: str = ""
    """The ID of the last batch, to recognize the log."""
    files: list[dict[str, Any]] = field(default_factory=list)
    """`path`, `events` and `bytes` of each file."""
    damaged: list[int] = field(default_factory=list)
    """The sequences of batches that were damaged, so that their events are missing."""
    version: int = _VERSION

    @property
    def events(self) -> int:
        """The number of events in all files."""
        return sum(file["events"] for file in self.files)

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file["bytes"] for file in self.files)


class ExportFolder:
    """Context manager that locks the folder and deletes unfinished files.

    Raises:
        FolderError: another process exports to the folder, or the folder has other files and no
            manifest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: Manifest | None = None
        """The manifest of an export that exists. None: the folder is new."""

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderError(f"{self.path}: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.found = self._read()
            self._check_is_export()
            self._delete_unfinished()
        except BlockingIOError:
            os.close(self._file)
            raise FolderError(f"another process exports to {self.path}") from None
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        try:
            self._delete_unfinished()
        finally:
            os.close(self._file)

    @property
    def manifest(self) -> Manifest:
        """The manifest in the folder."""
        if self.found is None:
            raise RuntimeError("the export has not begun")
        return self.found

    def begin(self, manifest: Manifest) -> None:
        """Write the first manifest."""
        self._write(manifest)

    def finish(
        self,
        files: Iterable[ExportedFile],
        *,
        through: int,
        last_batch: str,
        damaged: Iterable[int],
    ) -> None:
        """Give a slice's files their final names, and list them in the manifest."""
        finished = list(files)
        for file in finished:
            (self.path / file.temporary).replace(self.path / file.path)
        for folder in {(self.path / file.path).parent for file in finished}:
            _sync(folder)
        listed = [
            {"path": file.path, "events": file.events, "bytes": file.size} for file in finished
        ]
        self._write(
            replace(
                self.manifest,
                through=through,
                last_batch=last_batch or self.manifest.last_batch,
                files=[*self.manifest.files, *listed],
                damaged=[*self.manifest.damaged, *damaged],
            )
        )

    def _read(self) -> Manifest | None:
        file = self.path / _MANIFEST
        try:
            found = Manifest(**json.loads(file.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            raise FolderError(f"{file} cannot be read") from None
        if found.version != _VERSION:
            raise FolderError(f"{file} is of another version of OpenRUM")
        return found

    def _check_is_export(self) -> None:
        if self.found is None:
            others = [name.name for name in self.path.iterdir() if not name.name.startswith(".")]
            if others:
                raise FolderError(f"{self.path} is not empty and not the folder of an export")

    def _delete_unfinished(self) -> None:
        """Delete the files that the manifest does not list. The next run writes them again."""
        if self.found is None:
            return
        finished = {file["path"] for file in self.found.files}
        for file in self.path.glob("event_date=*/*"):
            path = str(file.relative_to(self.path))
            if is_temporary(file.name) or (is_part(file.name) and path not in finished):
                file.unlink(missing_ok=True)
        for spill in self.path.glob(_SPILL):
            shutil.rmtree(spill, ignore_errors=True)
        for folder in self.path.glob("event_date=*"):
            with suppress(OSError):  # it is not empty
                folder.rmdir()

    def _write(self, manifest: Manifest) -> None:
        file = self.path / f".{_MANIFEST}.tmp"
        with file.open("w") as opened:
            json.dump(asdict(manifest), opened, indent=1)
            opened.flush()
            os.fsync(opened.fileno())
        _sync(self.path)  # the folders of new days
        file.replace(self.path / _MANIFEST)
        _sync(self.path)
        self.found = manifest


def _sync(folder: Path) -> None:
    """Make sure that the names in a folder are on disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
