"""A straightforward implementation of OpenRUM's put path, as the baseline for its design.

service   a synchronous server and an ORM: a row per event, a commit per request
bridge    json and json_format.ParseDict: a call per request

Both give OpenRUM's guarantees: a response follows the fsync, and a batch is stored once. They check
less than OpenRUM, and do not authorize callers.

python -m bench.naive service SQLITE_FILE
python -m bench.naive bridge SERVICE
"""

from __future__ import annotations

import json
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
import uvicorn
import uvloop
from google.protobuf.json_format import ParseDict
from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rum.v1 import data_plane_service_pb2 as pb
from rum.v1.data_plane_service_pb2_grpc import (
    DataPlaneServiceServicer,
    DataPlaneServiceStub,
    add_DataPlaneServiceServicer_to_server,
)

_UUID = "[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}"


class Base(DeclarativeBase):
    """The tables."""


class Batch(Base):
    """A batch."""

    __tablename__ = "batches"

    key: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(unique=True)
    app_monitor: Mapped[str]
    user_id: Mapped[str]
    session_id: Mapped[str]
    events: Mapped[list[Event]] = relationship()


class Event(Base):
    """An event of a batch."""

    __tablename__ = "events"

    key: Mapped[int] = mapped_column(primary_key=True)
    batch_key: Mapped[int] = mapped_column(ForeignKey("batches.key"))
    event_id: Mapped[str]
    timestamp: Mapped[float]
    type: Mapped[str]
    event_metadata: Mapped[str]
    details: Mapped[str]


class _Service(DataPlaneServiceServicer):
    def __init__(self, file: str) -> None:
        self._engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 60})
        event.listen(self._engine, "connect", _set_up)
        Base.metadata.create_all(self._engine)

    def PutRumEvents(self, request: Any, context: Any) -> pb.PutRumEventsResponse:
        for value in (request.id, request.batch_id, *(item.id for item in request.rum_events)):
            if not re.fullmatch(_UUID, value):
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not a UUID")
        try:
            with Session(self._engine) as session:
                session.add(_batch(request))
                session.commit()
        except IntegrityError:
            pass  # a retry: the batch is stored already
        return pb.PutRumEventsResponse()


def _set_up(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _batch(request: Any) -> Batch:
    return Batch(
        batch_id=request.batch_id,
        app_monitor=request.id,
        user_id=request.user_details.user_id,
        session_id=request.user_details.session_id,
        events=[
            Event(
                event_id=item.id,
                timestamp=item.timestamp,
                type=item.type,
                event_metadata=item.metadata,
                details=item.details,
            )
            for item in request.rum_events
        ],
    )


def _serve(file: str) -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=10))
    add_DataPlaneServiceServicer_to_server(_Service(file), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"listens": f"127.0.0.1:{port}"}), flush=True)
    server.wait_for_termination()


async def _bridge(service: str) -> None:
    async with grpc.aio.insecure_channel(service) as channel:
        stub = DataPlaneServiceStub(channel)

        async def post(request: Request) -> Response:
            document = json.loads(await request.body())
            document["Id"] = request.path_params["Id"]
            await stub.PutRumEvents(ParseDict(document, pb.PutRumEventsRequest()))
            return Response()

        app = Starlette(routes=[Route("/appmonitors/{Id}", post, methods=["POST"])])
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        print(json.dumps({"listens": f"127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
        config = uvicorn.Config(app, lifespan="off", access_log=False, log_config=None)
        await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    if sys.argv[1] == "service":
        _serve(sys.argv[2])
    else:
        uvloop.run(_bridge(sys.argv[2]))
