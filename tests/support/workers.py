"""`openrum up --workers 2`."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

from tests.support.running import OpenRum, Process

WORKERS = 2


class Workers(OpenRum):
    """`openrum up` with two workers."""

    arguments = ("--workers", str(WORKERS))

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        connection.connect()
        return connection

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of the log with this text."""
        lines = [line for line in list(self.output) if line.startswith("{")]
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]


def worker_pids(server: Process) -> list[int]:
    """Return the process IDs of the workers."""
    return [
        int(pid)
        for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    ]
