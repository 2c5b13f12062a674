"""Send the table of requests to bridges, and record the responses.

The recorded responses are in tests/golden/put_responses.json: status, headers, body, and the entry
that the bridge sent to the service. Record them again after adding a case:

    python -m tests.bridge.put_responses
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_service import errors as service_errors
from rum_service.errors import RumError, ThrottlingException
from rum_service.rpc.status import to_status
from tests.bridge.put_cases import CASES, SETTINGS, Case
from tests.bridge.standin import StandIn

GOLDEN = Path(__file__).parents[1] / "golden" / "put_responses.json"
_REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REASON = re.compile(r"(?<=HTTP/1\.1 \d{3}) [^,]*")
_RESPONSE_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request. Dates are left out, and request IDs are replaced.

    So are reason phrases: Python 3.13 has another one for 413.
    """

    status: str
    headers: list[list[str]]
    body: str
    entry: dict[str, Any] | None
    """The entry that the service received, if any."""


async def outcomes_of(cases: list[Case]) -> dict[str, Outcome]:
    """Send the requests to bridges in front of a stand-in, and return the outcomes by name."""
    outcomes: dict[str, Outcome] = {}
    standin = StandIn()
    await standin.start()
    for name, settings in SETTINGS.items():
        bridge = BridgeSettings(
            http="127.0.0.1:0", service=standin.address, drain_s=1.0, **settings
        )
        async with running_bridge(bridge) as running:
            for case in cases:
                if case.settings == name:
                    outcomes[case.name] = await _exchange(running.address, case, standin)
    await standin.stop()
    return outcomes


async def _exchange(address: str, case: Case, standin: StandIn) -> Outcome:
    received: list[pb.BatchPutRumEventsEntry] = []
    standin.respond = _service(received.append)
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(case.data)
    if case.cut:
        writer.write_eof()
    async with asyncio.timeout(_RESPONSE_TIMEOUT_S):
        status, headers, body = await _response(reader, head=case.data.startswith(b"HEAD"))
    writer.close()
    await writer.wait_closed()
    return _anonymous(status, headers, body, received)


async def _response(
    reader: asyncio.StreamReader, *, head: bool
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Read a response. If the connection is closed instead, the status is empty."""
    try:
        head_bytes = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        assert error.partial == b""
        return "", [], b""
    lines = head_bytes.decode("latin-1").split("\r\n")[:-2]
    if lines[0].startswith("HTTP/1.1 100 "):
        status, headers, body = await _response(reader, head=head)
        return f"{lines[0]}, {status}", headers, body
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines[1:])]
    length = int(dict(headers).get("content-length", 0))
    return lines[0], headers, b"" if head else await reader.readexactly(length)


def _service(
    receive: Callable[[pb.BatchPutRumEventsEntry], None],
) -> Callable[[pb.BatchPutRumEventsRequest], Any]:
    """Return the stand-in's behavior: the app monitor ID says how the put ends."""

    async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        for entry in request.entries:
            receive(entry)
        name = PutRumEventsRequest.FromString(request.entries[0].request).id
        if name == "hang":
            await asyncio.Event().wait()
        if name == "all-ThrottlingException":
            raise ThrottlingException("Stopping.", retry_after_seconds=3)
        if name == "no-statuses":
            return pb.BatchPutRumEventsResponse()
        return pb.BatchPutRumEventsResponse(statuses=[_status(name)])

    return respond


def _status(name: str) -> Status:
    if name == "bare-status":
        return Status(code=14, message="not for clients")
    kind = getattr(service_errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, RumError)):
        return Status()
    values: dict[str, object] = {"retry_after_seconds": 7}
    return to_status(kind(**{n: values.get(n, n) for n in kind.__dataclass_fields__}))


def _anonymous(
    status: str,
    headers: list[tuple[str, str]],
    body: bytes,
    received: list[pb.BatchPutRumEventsEntry],
) -> Outcome:
    request_id = dict(headers).get("x-amzn-requestid", "")
    if request_id:
        assert _REQUEST_ID.fullmatch(request_id)
    kept = [
        [name, value.replace(request_id, "REQUEST ID") if request_id else value]
        for name, value in headers
        if name != "date"
    ]
    assert len(received) <= 1
    entry = MessageToDict(received[0]) if received else None
    if entry:
        entry["request"] = MessageToDict(PutRumEventsRequest.FromString(received[0].request))
        assert entry.pop("requestId") == request_id
    return Outcome(_REASON.sub("", status), kept, body.decode("latin-1"), entry)


def _record() -> None:
    outcomes = asyncio.run(outcomes_of(CASES))
    lines = [
        f"{json.dumps(name)}: {json.dumps(asdict(outcome), ensure_ascii=False)}"
        for name, outcome in outcomes.items()
    ]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    _record()
