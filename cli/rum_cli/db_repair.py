"""Moves damaged and doubled batches from the database to files, and corrects the counts."""

from __future__ import annotations

__all__ = ["DatabaseRepair"]

import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rum_cli.db_check import DatabaseCheck
from rum_service.storage.sql_repair import LogRepair


class DatabaseRepair:
    """Repairs the problems of a check that has ended. Each step is a separate transaction.

    Args:
        folder: gets two files for each batch. It is created when it is needed.
    """

    def __init__(self, check: DatabaseCheck, log: LogRepair, folder: Path) -> None:
        self._check = check
        self._log = log
        self._folder = folder
        self.moved = 0
        """The number of batches that are in files now."""
        self.events = 0
        """The number of their events, as the database noted it."""
        self.repaired = 0
        """How many problems of the check do not exist any more."""

    def run(self) -> Iterator[str]:
        """Repair, and yield what has been done. Raises OSError if a file cannot be written."""
        damaged, copies = self._check.log.damaged, self._check.copies
        reasons: dict[int, list[str]] = {}
        for sequence, reason in damaged.items():
            reasons.setdefault(sequence, []).append(reason)
        for sequence, first in copies.items():
            reasons.setdefault(sequence, []).append(f"it has the ID of batch {first}")
        for sequence in sorted(reasons):
            yield from self._move(sequence, reasons[sequence])
        for row in self._check.log.missed:
            self.repaired += 1
            if row.sequence not in reasons:
                times = row.first_ms, row.last_ms
                self._log.widen_span(row.app_monitor, row.sequence, *times)
                yield f"Batch {row.sequence}: reads by time find it now"
        for app_monitor, sequences in self._check.log.late.items():
            self.repaired += 1
            self._log.note_receipts(app_monitor, sequences)
            name = self._check.name_of(app_monitor)
            yield f"App monitor {name}: batches are removed by their own time of receipt now"
        for app_monitor, difference in self._check.wrong_sums.items():
            self.repaired += 1
            self._log.correct_sum(app_monitor, difference)
            name = self._check.name_of(app_monitor)
            yield f"App monitor {name}: its sum of stored bytes is corrected"

    def _move(self, sequence: int, reasons: list[str]) -> Iterator[str]:
        columns = self._log.columns(sequence)
        if columns is None:  # it has been removed meanwhile
            self.repaired += len(reasons)
            return
        name = self._check.name_of(columns["app_monitor"])
        self._write(columns, name, reasons)
        if not self._log.remove(columns):  # a retry has restored it, or it has been removed
            return
        self.moved += 1
        self.events += columns["event_count"]
        self.repaired += len(reasons)
        yield f"Batch {sequence} of {name}: moved to {self._file(sequence, 'json')}"

    def _write(self, columns: Mapping[str, Any], name: str, reasons: list[str]) -> None:
        """Write the files of a batch, so that they are on disk before it is deleted."""
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        texts = {
            column: value.hex() if isinstance(value, bytes) else value
            for column, value in columns.items()
            if column != "payload"
        }
        document = {"app_monitor_name": name, "problems": reasons, **texts}
        text = json.dumps(document, indent=1) + "\n"
        self._write_file(self._file(columns["sequence"], "payload"), columns["payload"])
        self._write_file(self._file(columns["sequence"], "json"), text.encode())
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write_file(self, path: Path, content: bytes) -> None:
        """Create a file. It may exist with the same content: an earlier run was stopped."""
        if path.exists() and path.read_bytes() != content:
            raise FileExistsError(errno.EEXIST, "has another batch; use another folder")
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        file = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(path)

    def _file(self, sequence: int, suffix: str) -> Path:
        return self._folder / f"batch-{sequence}.{suffix}"
