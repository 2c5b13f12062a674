"""Queries of the insight pages, with odd and broken members, to a running server."""

from __future__ import annotations

__all__ = ["Projecting", "insight_queries"]

import http.client
import json
import random
import re
import time
from collections import Counter
from urllib.parse import quote, quote_from_bytes, urlencode, urlsplit

from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor

from rum.v1 import insight_service_pb2
from tests.fuzz.mutation import mutated
from tests.fuzz.seeds import BODIES
from tests.support.running import OpenRum, wait_until

_METHODS = list(insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"].methods)
_VARIABLE = re.compile(r"\{(\w+)\}")
_NUMBERS = ["0", "1", "-1", "2.5", "1e18", "1e300", "-1e308", "NaN", "Infinity", "1e999", "x", ""]
_FILTERS = ["page=/", "page!=/a", "browser=Chrome", "country=DE", "release!=1.2", "device=mobile"]
_ORDERS = ["page_views", "sessions", "js_errors", "lcp_p75", "apdex"]
_TEXTS = [
    *("", "my-app", "page", "/", "/product/:id", "Chrome", "page_views", "lcp_p75", "x" * 3000),
    *_FILTERS,
    *("browser=Chrome,Firefox", "country=", "=", "page", "release=' OR 1=1"),
    *("00000000-0000-0000-0000-000000000000", "0" * 16, "\N{GRINNING FACE}", "\0", "%", "'", '"'),
]
_MAX_PATH = 8 << 10


class Projecting(OpenRum):
    """`openrum up` with a projector."""

    projects = True


def insight_queries(server: OpenRum, inputs: range) -> Counter[str]:
    """Send queries with these numbers. Return how often each status came."""
    _store_events(server)
    wait_until(lambda: server.get("/insight-state")[0] == 200)
    counts = Counter[str]()
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    for number in inputs:
        connection.request("GET", _path(number))
        with connection.getresponse() as response:
            response.read()
        counts[str(response.status)] += 1
    connection.close()
    return counts


def _store_events(server: OpenRum) -> None:
    """Store captured batches, as if they were sent now."""
    path = f"/appmonitors/{server.monitor_id()}"
    statuses = []
    for body in BODIES[:50]:
        document = json.loads(body)
        for event in document["RumEvents"]:
            event["timestamp"] = time.time()
        statuses.append(server.post(path, document)[0])
    assert 200 in statuses, statuses


def _path(number: int) -> str:
    """Return a path with a query."""
    chance = random.Random(number)
    method = chance.choice(_METHODS)
    template = method.GetOptions().Extensions[annotations_pb2.http].get
    in_path = set(_VARIABLE.findall(template))

    def value_in_path(found: re.Match[str]) -> str:
        likely = "my-app" if found[1] == "app_monitor" else chance.choice(_TEXTS)
        return quote(likely if chance.random() < 0.9 else chance.choice(_TEXTS), safe="") or "a"

    members = [
        (field.json_name, _value(field, chance))
        for field in method.input_type.fields
        if field.name not in in_path and chance.random() < 0.7
        for _ in range(chance.choice((1, 3)) if field.is_repeated else 1)
    ]
    query = urlencode(members)
    if number % 2:
        query = quote_from_bytes(mutated([query.encode() or b"x"], number), safe="=&%")
    return f"{_VARIABLE.sub(value_in_path, template)}?{query}"[:_MAX_PATH]


def _value(field: FieldDescriptor, chance: random.Random) -> str:
    if field.enum_type is not None:
        return chance.choice(field.enum_type.values).name
    if field.type == FieldDescriptor.TYPE_BOOL:
        return chance.choice(("true", "false", "1"))
    if chance.random() < 0.1:
        return chance.choice(_NUMBERS if field.type != FieldDescriptor.TYPE_STRING else _TEXTS)
    # Mostly valid, so that the query is executed.
    now_ms = round(time.time() * 1000)
    match field.name:
        case "after" | "compare_after":
            return str(now_ms - chance.randint(0, 10**9))
        case "before":
            return str(now_ms + chance.randint(0, 10**9))
        case "filter":
            return chance.choice(_FILTERS)
        case "order":
            return chance.choice(_ORDERS)
        case "next_token":
            return ""
    return str(chance.randint(0, 500))
