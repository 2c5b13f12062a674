"""Check that stored batches are readable and consistent."""

from __future__ import annotations

__all__ = ["LogCheck"]

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping

from google.protobuf.message import DecodeError

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.errors import ValidationException
from rum_service.ingest.validation import check_id, validate
from rum_service.storage.inspection import LogRow
from rum_service.storage.payload import UnreadableError, checksum, decompress

_DIGEST_BYTES = 16
# Clocks differ, and a batch may be removed a day late anyway (PostgreSQL).
_LATE_MS = 86_400_000


class LogCheck:
    """Checks batches one after the other, and keeps their sums."""

    def __init__(self, monitors: Mapping[int, str], *, counted: int, now_ms: int) -> None:
        """Args:
        monitors: the IDs of the app monitors by their keys.
        counted: the sums contain batches up to this sequence.
        now_ms: the time, in milliseconds since the Unix epoch.
        """
        self._monitors = monitors
        self._counted = counted
        self.batches = 0
        self.events = 0
        self.of_deleted = 0
        """Batches of app monitors that do not exist. The service deletes them."""
        self.sizes = Counter[int]()
        """The bytes of the counted batches of each app monitor."""
        self.damaged: dict[int, str] = {}
        """By sequence, why a batch cannot be read."""
        self.missed: list[LogRow] = []
        """Batches that reads by time miss, without their payloads."""
        self.late: dict[int, array[int]] = {}
        """By app monitor, the sequences of batches that retention finds late.

        They were received long before others that come first in the log, and are not noted as
        imported: a version before schema 0013 imported them, or the clock of the service was wrong.
        """
        self._now_ms = now_ms
        self._newest_ms = Counter[int]()
        """The latest time of receipt so far, by app monitor."""

    def problems(self, row: LogRow) -> Iterator[str]:
        """Check a batch, and yield what is wrong with it."""
        self.batches += 1
        self.events += row.event_count
        if row.sequence <= self._counted:
            self.sizes[row.app_monitor] += row.size
        if row.app_monitor not in self._monitors:
            self.of_deleted += 1
        if not row.has_span:
            self.missed.append(row._replace(payload=b""))
            yield "batch_spans does not contain its times, so reads by time miss it"
        if not row.is_imported:
            self._compare_receipt(row)
        if len(row.digest) not in (0, _DIGEST_BYTES):
            yield f"its digest has {len(row.digest)} bytes"
        if row.checksum not in (None, checksum(row.payload)):
            yield self._damage(row, "its payload is damaged: the checksum differs")
            return
        try:
            request = PutRumEventsRequest.FromString(decompress(row.payload))
        except (UnreadableError, DecodeError):
            yield self._damage(row, "its payload cannot be decoded")
            return
        yield from self._differences(row, request)

    def _compare_receipt(self, row: LogRow) -> None:
        newest_ms = self._newest_ms[row.app_monitor]
        if row.received_ms < newest_ms - _LATE_MS:
            self.late.setdefault(row.app_monitor, array("q")).append(row.sequence)
        elif newest_ms < row.received_ms <= self._now_ms:
            self._newest_ms[row.app_monitor] = row.received_ms

    def _damage(self, row: LogRow, reason: str) -> str:
        self.damaged[row.sequence] = reason
        return reason

    def _differences(self, row: LogRow, request: PutRumEventsRequest) -> Iterator[str]:
        """Yield the columns that do not fit the content."""
        try:
            check_id(request.id)
            times, _ = validate(request, max_events=len(request.rum_events))
        except ValidationException as error:
            yield f"its content is invalid: {error.message}"
            return
        if bytes.fromhex(request.batch_id.replace("-", "")) != row.batch_id:
            yield f"it has the ID {row.batch_id.hex()}, but its content has {request.batch_id}"
        expected_id = self._monitors.get(row.app_monitor, request.id)
        if request.id.lower() != expected_id:
            yield f"it is stored for the app monitor {expected_id}, but was sent to {request.id}"
        if times.events != row.event_count:
            yield f"it has {times.events} events, but {row.event_count} are noted"
        first_ms, last_ms = row.received_ms, row.received_ms
        if times.events:
            first_ms, last_ms = round(times.first_s * 1000), round(times.last_s * 1000)
        if (row.first_ms, row.last_ms) != (first_ms, last_ms):
            yield (
                f"its events are from {first_ms} to {last_ms} ms,"
                f" but {row.first_ms} to {row.last_ms} are noted"
            )
