"""Check a database: app monitors, batches and the sums of their sizes, secrets of access keys."""

from __future__ import annotations

__all__ = ["DatabaseCheck"]

import time
from collections.abc import Callable, Iterator, Sequence

from google.protobuf.json_format import Parse, ParseError

from rum.v1.app_monitor_pb2 import AppMonitor
from rum_cli.counted import counted
from rum_cli.repeated_keys import RepeatedKeys
from rum_service.auth import policy
from rum_service.auth.secret_files import SecretBox
from rum_service.errors import MalformedPolicyDocumentException
from rum_service.ingest.log_check import LogCheck
from rum_service.storage.base import Store
from rum_service.storage.inspection import Inspection
from rum_service.storage.payload import UnreadableError
from rum_service.storage.records import AppMonitorRecord, SourceMapRecord

_ROWS_AT_ONCE = 100
_CREDENTIALS_AT_ONCE = 1000
_SOURCE_MAPS_AT_ONCE = 100
_EVERY = 2**31
_KEY = "key"


class DatabaseCheck:
    """One check of the database. The database may be in use: new batches are not checked."""

    def __init__(self, store: Store, inspection: Inspection, box: SecretBox) -> None:
        self._store = store
        self._inspection = inspection
        self._box = box
        self._removed = inspection.removed()
        self._newest = inspection.newest()
        self._sums, through = inspection.sums()
        self._monitors = store.monitors.list(after="", limit=_EVERY)
        ids = {record.key: record.id for record in self._monitors}
        self._names = {record.key: record.name for record in self._monitors}
        self.log = LogCheck(ids, counted=through, now_ms=round(time.time() * 1000))
        self.keys = 0
        """The number of access keys."""
        self.copies: dict[int, int] = {}
        """By the sequence of a batch that is stored again, the sequence of the first one."""
        self.wrong_sums: dict[int, int] = {}
        """By app monitor, what has to be added to its sum of stored bytes."""

    def name_of(self, app_monitor: int) -> str:
        """Return the name of an app monitor in messages."""
        return self._names.get(app_monitor, "a deleted app monitor")

    @property
    def monitors(self) -> int:
        """The number of app monitors."""
        return len(self._monitors)

    def problems(self, update: Callable[[int, int], None]) -> Iterator[str]:
        """Check everything, and yield what is wrong.

        Args:
            update: takes how much is checked and how much there is.
        """
        for line in self._inspection.damage():
            yield f"the file: {line}"
        yield from self._of_monitors(self._monitors)
        yield from self._of_secrets()
        yield from self._of_source_maps()
        yield from self._of_batches(update)
        yield from self._of_receipts()
        yield from self._of_sums()

    def _of_monitors(self, records: Sequence[AppMonitorRecord]) -> Iterator[str]:
        for record in records:
            try:
                Parse(record.document, AppMonitor(), ignore_unknown_fields=True)
            except ParseError:
                yield f"the app monitor {record.name}: its document cannot be decoded"
            try:
                if record.policy is not None:
                    policy.parse(record.policy)
            except MalformedPolicyDocumentException as error:
                yield f"the app monitor {record.name}: its policy is invalid: {error.message}"

    def _of_secrets(self) -> Iterator[str]:
        after = None
        while page := self._store.credentials.list(
            kind=_KEY, after=after, limit=_CREDENTIALS_AT_ONCE
        ):
            for record in page:
                self.keys += 1
                try:
                    self._box.open(record.sealed_secret)
                except FileNotFoundError as error:
                    yield f"the access key {record.id}: {error.filename} does not exist"
                except (OSError, ValueError) as error:
                    yield f"the access key {record.id}: {error}"
            last = page[-1]
            after = last.created_ms, last.kind, last.id

    def _of_source_maps(self) -> Iterator[str]:
        for key, name in self._names.items():
            below = None
            while page := self._store.source_maps.list(
                key, release=None, below=below, limit=_SOURCE_MAPS_AT_ONCE
            ):
                for record in page:
                    if problem := self._of_source_map(record):
                        where = f"the source map {record.file} of {name} {record.release}"
                        yield f"{where}: {problem}"
                below = page[-1].key

    def _of_source_map(self, record: SourceMapRecord) -> str | None:
        """Return the problems in a source map's parts."""
        size = number = 0
        try:
            while part := self._store.source_maps.part(record.key, number):
                size += len(part)
                number += 1
        except UnreadableError:
            return f"part {number} cannot be decoded"
        return None if size == record.size else f"it has {size} of {record.size} bytes"

    def _of_batches(self, update: Callable[[int, int], None]) -> Iterator[str]:
        after, total = 0, self._inspection.count(self._newest)
        keys = RepeatedKeys()
        while rows := self._inspection.rows(after=after, newest=self._newest, limit=_ROWS_AT_ONCE):
            for row in rows:
                keys.add((row.app_monitor, row.batch_id), row.sequence)
                where = self.name_of(row.app_monitor)
                for problem in self.log.problems(row):
                    yield f"batch {row.sequence} of {where}: {problem}"
            after = rows[-1].sequence
            update(self.log.batches, max(self.log.batches, total))
        yield from self._of_copies(keys)

    def _of_copies(self, keys: RepeatedKeys) -> Iterator[str]:
        for sequences in keys.groups(self._inspection.key):
            key = self._inspection.key(sequences[0])
            where = self.name_of(key[0]) if key else "a deleted app monitor"
            readable = [each for each in sequences if each not in self.log.damaged]
            first = (readable or sequences)[0]
            for sequence in sequences:
                if sequence != first:
                    self.copies[sequence] = first
                    yield f"batch {sequence} of {where}: it has the ID of batch {first}"

    def _of_receipts(self) -> Iterator[str]:
        for key, sequences in self.log.late.items():
            if key in self._names:
                late = counted(len(sequences), "batch", "batches")
                yield (
                    f"the app monitor {self._names[key]}: retention removes {late} too late,"
                    " after batches that were received later"
                )

    def _of_sums(self) -> Iterator[str]:
        if (
            self._inspection.removed() != self._removed
        ):  # meanwhile, so the sums are of another time
            return
        still = {record.key for record in self._store.monitors.list(after="", limit=_EVERY)}
        for key, stored in self._sums.items():
            found = self.log.sizes[key]
            if key in still and found != stored:
                self.wrong_sums[key] = found - stored
                name = self._names.get(key, "a new app monitor")
                yield f"the app monitor {name}: it uses {found} bytes, but {stored} are noted"
