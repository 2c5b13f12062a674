"""ControlPlaneService over REST: the JSON of AWS."""

from __future__ import annotations

__all__ = ["CONTROL_PLANE"]

from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rum_bridge.operations.lists import with_empty_lists
from rum_bridge.operations.query_members import number_or_text
from rum_bridge.operations.transcode import RestForm


def _query(message: Descriptor, request: Request) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for field in message.fields:
        values = request.query_params.getlist(field.json_name)
        if values:
            last = number_or_text(field, values[-1])
            members[field.json_name] = values if field.is_repeated else last
    return members


async def _respond(_: Request, message: Descriptor, content: bytes) -> Response:
    members = MessageToDict(GetMessageClass(message).FromString(content))
    return JSONResponse(with_empty_lists(message, members))


CONTROL_PLANE = RestForm(_query, _respond)
"""As AWS's own services do, it ignores unknown members of the query."""
