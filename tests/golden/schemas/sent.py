"""The batches in the databases of earlier schemas: the same ones for SQLite and PostgreSQL."""

from __future__ import annotations

import json
import uuid
from typing import Any, NamedTuple

__all__ = ["SETTINGS", "SentBatch", "sent_batches"]

SETTINGS = {"OPENRUM_GEOIP": "country.mmdb", "OPENRUM_TRUSTED_PROXIES": "127.0.0.1"}
_BEGAN_S = 1_795_305_600  # 2026-11-22
_NAMESPACE = uuid.UUID(int=0)


class SentBatch(NamedTuple):
    """A batch that was put."""

    monitor: str
    """The name of the app monitor."""
    body: dict[str, Any]
    dropped: frozenset[str]
    """The IDs of the events that were dropped from it."""

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The events that are stored."""
        return [event for event in self.body["RumEvents"] if event["id"] not in self.dropped]


def sent_batches(revision: str) -> list[SentBatch]:
    """Return the batches in the database with the schema `revision`, in their order."""
    # 200 events are too long for the dictionary that compresses small batches.
    batches = [
        SentBatch(monitor, _body(f"{revision}/{monitor}/{number}", events), frozenset())
        for monitor in ("my-app", "other")
        for number, events in enumerate((1, 1, 0, 12, 200))
    ]
    if revision >= "0002":  # "other" has custom events disabled; the first schema did not drop any
        body = _body(f"{revision}/dropped", 3)
        body["RumEvents"][1]["type"] = "custom"
        dropped = frozenset([body["RumEvents"][1]["id"]])
        batches.append(SentBatch("other", body, dropped))
    return batches


def _body(name: str, events: int) -> dict[str, Any]:
    return {
        "BatchId": _id(name),
        "AppMonitorDetails": {"name": "an-app", "version": "1.0.0"},
        "UserDetails": {"userId": _id(f"{name}/user"), "sessionId": _id(f"{name}/session")},
        "RumEvents": [
            {
                "id": _id(f"{name}/{number}"),
                "timestamp": _BEGAN_S + 60 * number,
                "type": "com.amazon.rum.page_view_event",
                "metadata": json.dumps({"version": "1.0.0", "pageId": f"/page/{number}"}),
                "details": json.dumps({"version": "1.0.0", "note": _id(f"{name}/{number}/note")}),
            }
            for number in range(events)
        ],
    }


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))
