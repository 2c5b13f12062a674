"""PutRumEvents as plain HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from tests.support.running import OpenRum

__all__ = ["put"]


def put(server: OpenRum, body: dict[str, Any], monitor_id: str) -> tuple[int, dict[str, str]]:
    """Put a batch. Return the status and the headers, with lower-case names, of the response."""
    request = urllib.request.Request(
        f"{server.url}/appmonitors/{monitor_id}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, _lower(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _lower(error.headers)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
