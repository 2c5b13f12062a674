"""Programs that use the stubs are type-checked: messages, stubs, and both kinds of channel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTO = Path(__file__).parents[2] / "proto"

RIGHT = """
import asyncio

import grpc
import grpc.aio

from rum.v1.control_plane_service_pb2 import ListAppMonitorsRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2 import (
    AppMonitorDetails,
    PutRumEventsRequest,
    PutRumEventsResponse,
    RumEvent,
    UserDetails,
)
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from rum.v1.errors_pb2 import ThrottlingException

request = PutRumEventsRequest(
    id="app monitor",
    batch_id="batch",
    app_monitor_details=AppMonitorDetails(version="1.0"),
    user_details=UserDetails(session_id="session"),
    rum_events=[RumEvent(id="event", timestamp=1.5, type="t", details="{}")],
)
wait: int = ThrottlingException().retry_after_seconds

with grpc.insecure_channel("localhost:1") as channel:
    stub = DataPlaneServiceStub(channel)
    reveal_type(stub.PutRumEvents(request))
    reveal_type(stub.PutRumEvents.future(request).result())
    listed = ControlPlaneServiceStub(channel).ListAppMonitors(ListAppMonitorsRequest())
    names: list[str] = [summary.name for summary in listed.app_monitor_summaries]


async def put() -> PutRumEventsResponse:
    async with grpc.aio.insecure_channel("localhost:1") as channel:
        stub = DataPlaneServiceStub(channel)
        response = await stub.PutRumEvents(request)
        reveal_type(response)
        return response


asyncio.run(put())
"""

WRONG = """
import grpc

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub

PutRumEventsRequest(batch="1")
RumEvent(timestamp="now")
PutRumEventsRequest().batch_id = 7
with grpc.insecure_channel("localhost:1") as channel:
    DataPlaneServiceStub(channel).PutRumEvents(RumEvent())
    DataPlaneServiceStub(channel).PutRumEvents(PutRumEventsRequest()).statuses
"""


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another project, which has only what the wheel of the stubs installs."""
    folder = tmp_path_factory.mktemp("consumer")
    shutil.copytree(PROTO / "rum", folder / "installed" / "rum")
    return folder


def checked(consumer: Path, program: str) -> list[str]:
    """Return what mypy --strict reports for a program."""
    file = consumer / "program.py"
    file.write_text(program)
    settings = consumer / "mypy.ini"
    # mypy reports untyped imports of these stubs only because they are not in site-packages here.
    settings.write_text(
        "[mypy]\nstrict = true\n[mypy-google.rpc.*]\nignore_missing_imports = true\n"
    )
    mypy = [sys.executable, "-m", "mypy", "--config-file", settings, "--no-error-summary", file]
    environment = {
        **os.environ,
        "MYPYPATH": str(consumer / "installed"),
        "MYPY_CACHE_DIR": str(consumer / "cache"),
    }
    done = subprocess.run(
        mypy, cwd=consumer, env=environment, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return [re.sub(r"^program\.py:", "", line) for line in done.stdout.splitlines()]


def test_requests_responses_and_stubs_are_typed(consumer: Path) -> None:
    response = "rum.v1.data_plane_service_pb2.PutRumEventsResponse"

    assert [line.partition(": ")[2] for line in checked(consumer, RIGHT)] == [
        f'note: Revealed type is "{response}"'
    ] * 3


def test_type_errors_are_reported(consumer: Path) -> None:
    found = checked(consumer, WRONG)

    lines = {int(line.partition(":")[0]) for line in found if ": error: " in line}
    first = WRONG.splitlines().index('PutRumEventsRequest(batch="1")') + 1
    assert lines == {first, first + 1, first + 2, first + 4, first + 5}
    assert not any("untyped" in line or '"Any"' in line for line in found)


def test_the_stubs_are_marked_as_typed_and_import_no_server_code(consumer: Path) -> None:
    program = "import sys\nimport rum.v1.data_plane_service_pb2_grpc\nprint(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(consumer / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}

    for package in ("v1", "operator/v1", "internal/v1"):
        assert (consumer / "installed" / "rum" / package / "py.typed").is_file()
    assert loaded & {"rum_service", "rum_bridge", "sqlalchemy", "starlette", "structlog"} == set()
