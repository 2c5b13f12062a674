"""The format of IDs: app monitors, batches, events, users and sessions. Pure."""

from __future__ import annotations

__all__ = ["UUID_PATTERN", "is_uuid"]

import re

UUID_PATTERN = "[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}"
is_uuid = re.compile(UUID_PATTERN).fullmatch
