"""InsightService over REST: plain JSON for pages and dashboards."""

from __future__ import annotations

__all__ = ["INSIGHT"]

import asyncio
import gzip
from collections.abc import Mapping

import orjson
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from starlette.requests import Request
from starlette.responses import Response

from rum_bridge.headers import accepts_gzip
from rum_bridge.operations.query_members import query_members
from rum_bridge.operations.transcode import RestForm

_MIN_GZIP_BYTES = 1 << 10
_GZIP_LEVEL = 5
# Rendering takes some microseconds for each value. Puts wait meanwhile, unless a thread does it.
_MIN_THREAD_BYTES = 2 << 10


async def _respond(request: Request, message: Descriptor, content: bytes) -> Response:
    compress = accepts_gzip(request)
    if len(content) < _MIN_THREAD_BYTES:
        body, headers = _rendered(message, content, compress=compress)
    else:
        body, headers = await asyncio.to_thread(_rendered, message, content, compress=compress)
    return Response(body, headers=headers, media_type="application/json")


def _rendered(
    message: Descriptor, content: bytes, *, compress: bool
) -> tuple[bytes, Mapping[str, str]]:
    """Return the body and the headers for a serialized message. Zeros are included."""
    members = MessageToDict(
        GetMessageClass(message).FromString(content), always_print_fields_with_no_presence=True
    )
    body = orjson.dumps(members)
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if compress and len(body) > _MIN_GZIP_BYTES:
        return gzip.compress(body, _GZIP_LEVEL, mtime=0), {**headers, "Content-Encoding": "gzip"}
    return body, headers


INSIGHT = RestForm(query_members, _respond)
"""The form of InsightService and SourceMapService: unknown members of the query are rejected."""
