"""The app monitors that events are imported to, and how long they keep batches."""

from __future__ import annotations

__all__ = ["ImportTargets"]

from collections import Counter
from collections.abc import Iterator

from rum.operator.v1.operator_service_pb2 import ListRetentionRequest
from rum.v1.control_plane_service_pb2 import GetAppMonitorRequest, ListAppMonitorsRequest
from rum_cli.client import Client
from rum_cli.counted import counted
from rum_cli.import_batches import ImportBatch
from rum_cli.import_lines import LineError
from rum_cli.pages import pages

_PAGE = 100
_DAY_MS = 86_400_000


class ImportTargets:
    """The app monitors that events can be imported to.

    Args:
        name: the only app monitor to import to. None: the one with the ID in the document.
        now_ms: the time, in milliseconds since the Unix epoch.
    """

    def __init__(self, client: Client, name: str | None, *, now_ms: int) -> None:
        self._only = ""
        if name:
            monitor = client.control_plane.GetAppMonitor(GetAppMonitorRequest(name=name))
            self._only = monitor.app_monitor.id
        listed = client.operator.ListRetention(ListRetentionRequest()).retention
        self._days = {found.app_monitor_name: found.days for found in listed}
        self._names = {self._only: name} if name else dict(_monitors(client))
        self._now_ms = now_ms
        self._too_old: Counter[str] = Counter()

    def find(self, app_monitor_id: str) -> str:
        """Return the ID of the app monitor to import to, by the ID in a document.

        Raises:
            LineError: the app monitor does not exist.
        """
        found = self._only or app_monitor_id.lower()
        if found not in self._names:
            raise LineError("there is no app monitor with the ID in the document; use --name")
        return found

    def keeps(self, batch: ImportBatch) -> bool:
        """Return whether a batch would stay. If it is too old, count its events."""
        name = self._names[batch.request.id.lower()] or ""
        days = self._days.get(name, 0)
        if not days or batch.imported.received_ms >= self._now_ms - days * _DAY_MS:
            return True
        self._too_old[name] += len(batch.request.rum_events)
        return False

    @property
    def too_old(self) -> int:
        """The number of events that were too old."""
        return self._too_old.total()

    def warnings(self) -> Iterator[str]:
        """Yield a hint for each app monitor if events for it are too old."""
        for name, events in self._too_old.items():
            yield (
                f"{counted(events, 'event was', 'events were')} received more than"
                f" {counted(self._days[name], 'day')} ago, and {name} would remove"
                f" them again. Keep them: openrum retention set {name} 0"
            )


def _monitors(client: Client) -> Iterator[tuple[str, str]]:
    """Yield ID and name of all app monitors."""
    request = ListAppMonitorsRequest(max_results=_PAGE)
    for page in pages(client.control_plane.ListAppMonitors, request):
        for summary in page.app_monitor_summaries:
            yield summary.id, summary.name
