"""HTTP answers while all gRPC connections are open, also with a low limit of open files."""

from __future__ import annotations

import json
import resource
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support import http2
from tests.support.batches import batch
from tests.support.running import OpenRum

_FILES = 600


class _OpenRum(OpenRum):
    """`openrum up` that may open 600 files."""

    def _command(self) -> tuple[list[str], dict[str, Any]]:
        command, options = super()._command()
        return ["sh", "-c", f'ulimit -n {_FILES} && exec "$@"', "sh", *command], options


def test_http_answers_while_grpc_is_full(tmp_path: Path) -> None:
    with _OpenRum(tmp_path) as server, ExitStack() as stack:
        assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE) == (_FILES, _FILES)
        (monitor,) = json.loads(server.post("/appmonitors", {})[1])["AppMonitorSummaries"]
        host, _, port = server.grpc.rpartition(":")
        for _ in range(_FILES):
            connection = stack.enter_context(socket.create_connection((host, int(port)), 10))
            try:
                connection.sendall(http2.OPENING)
            except OSError:
                continue

        status, _ = server.post(f"/appmonitors/{monitor['Id']}", batch())

    assert status == 200
    assert any("OPENRUM_MAX_GRPC_CONNECTIONS" in line for line in server.output)
