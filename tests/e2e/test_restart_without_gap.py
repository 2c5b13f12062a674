"""Restarts under load refuse no connection, lose nothing and store nothing twice."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest

from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.support.batches import batch
from tests.support.load import Load
from tests.support.running import Bridge, OpenRum, Process, Service, read_back, run_openrum

_SEED = 20261124
_ROUNDS = [1, pytest.param(12, marks=pytest.mark.slow)]


class _Rolls(Process):
    """A command with --rolling, which is restarted by a second process beside the first."""

    arguments = ("--rolling",)

    def restart(self) -> int:
        """Start a process, stop the one before it, and return its exit code."""
        process, reader = self._process, self._reader
        self.start()
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
        reader.join(30)
        assert process.stdout
        process.stdout.close()
        return code


class Rolling(_Rolls, OpenRum):
    """`openrum up --rolling`."""


class RollingService(_Rolls, Service):
    """`openrum service --rolling`."""


class Activated(OpenRum):
    """`openrum up` with a listening socket that outlives it, as systemd passes it."""

    # Passes the socket as descriptor 3, with the ID of the process, as sd_listen_fds(3) says.
    _PASS_SOCKET = (
        "import os, sys\n"
        "os.dup2(int(sys.argv[1]), 3)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'rum_cli', 'up'])\n"
    )

    def __init__(self, folder: Path, listener: socket.socket) -> None:
        self.listener = listener
        super().__init__(folder)

    def restart(self) -> int:
        """Stop the process, start it again, and return the exit code of the first."""
        code = self.stop()
        self.start()
        return code

    def _command(self) -> tuple[list[str], dict[str, Any]]:
        number = self.listener.fileno()
        command = [sys.executable, "-c", self._PASS_SOCKET, str(number)]
        return command, {"pass_fds": [number]}


class NewConnections:
    """Threads that open a connection for each put, while the context is open."""

    def __init__(self, url: str, monitor_id: str, count: int = 3) -> None:
        self._address = url.removeprefix("http://")
        self._path = f"/appmonitors/{monitor_id}"
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        self.sent: list[str] = []
        self.outcomes: set[str] = set()

    def __enter__(self) -> NewConnections:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(90)

    def _run(self) -> None:
        while not self._stopping.is_set():
            body = batch()
            outcome = self._put(json.dumps(body))
            self.outcomes.add(outcome)
            if outcome == "200":
                self.sent.append(body["BatchId"])

    def _put(self, body: str) -> str:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            return str(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()


def restart_under_load(server: Rolling | Activated, rounds: int, *, stubs: int) -> list[int]:
    """Restart the server, check every promise, and return the exit codes."""
    load = Load(
        server.monitor_id(), url=server.url, service=server.grpc, rest=3, stubs=stubs, seed=_SEED
    )
    with NewConnections(server.url, server.monitor_id()) as new, load:
        codes = []
        for _ in range(rounds):
            load.wait_for_acknowledged(20)
            codes.append(server.restart())
        load.wait_for_acknowledged(20)
    print(f"\n{rounds} restarts, {load.ledger}, {len(new.sent)} new connections {new.outcomes}")

    assert new.outcomes == {"200"}
    # gRPC cannot ask clients to leave before it rejects calls. These are the statuses of a stub.
    assert load.ledger.outcomes.keys() <= {"ok", "CANCELLED", "UNAVAILABLE"}
    documents = read_back(server.grpc, "my-app")
    ids = [json.loads(document)["batch_id"] for document in documents]
    assert dict.fromkeys(new.sent, 1) == {batch_id: ids.count(batch_id) for batch_id in new.sent}
    alone = set(new.sent)
    others = zip(documents, ids, strict=True)
    load.ledger.assert_kept([document for document, each in others if each not in alone])
    return codes


@pytest.mark.parametrize("rounds", _ROUNDS)
def test_rolling_restarts_refuse_nothing_and_lose_nothing(tmp_path: Path, rounds: int) -> None:
    with Rolling(tmp_path) as server:
        codes = restart_under_load(server, rounds, stubs=2)

        assert codes == [0] * rounds
        assert server.stop() == 0


@pytest.mark.parametrize("rounds", _ROUNDS)
def test_restarts_with_a_socket_of_systemd_refuse_nothing_and_lose_nothing(
    tmp_path: Path, rounds: int
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listener,
        Activated(tmp_path, listener) as server,
    ):
        assert server.url == f"http://127.0.0.1:{listener.getsockname()[1]}"
        codes = restart_under_load(server, rounds, stubs=0)

        assert codes == [0] * rounds
        assert server.stop() == 0


@pytest.mark.parametrize("rounds", _ROUNDS)
@pytest.mark.parametrize("transport", ["tcp", pytest.param("unix", marks=pytest.mark.slow)])
def test_a_bridge_answers_every_put_while_the_service_rolls(
    tmp_path: Path, rounds: int, transport: str
) -> None:
    path = tmp_path / "socket"
    with (
        RollingService(tmp_path, OPENRUM_SOCKET=str(path)) as service,
        Bridge(
            tmp_path, OPENRUM_SERVICE=service.grpc if transport == "tcp" else f"unix:{path}"
        ) as bridge,
    ):
        with grpc.insecure_channel(service.grpc) as channel:
            create = CreateAppMonitorRequest(name="rolled", domain="localhost")
            monitor_id = ControlPlaneServiceStub(channel).CreateAppMonitor(create).id
        load = Load(monitor_id, url=bridge.url, rest=6, seed=_SEED, retries=(0,))
        with load:
            codes = []
            for _ in range(rounds):
                load.wait_for_acknowledged(20)
                codes.append(service.restart())
            load.wait_for_acknowledged(20)
        print(f"\n{rounds} restarts of the service, {load.ledger}")

        assert codes == [0] * rounds
        assert load.ledger.outcomes.keys() == {"ok"}
        load.ledger.assert_kept(read_back(service.grpc, "rolled"))
        assert (bridge.stop(), service.stop()) == (0, 0)


def test_a_second_process_without_the_option_does_not_share_the_port(tmp_path: Path) -> None:
    with OpenRum(tmp_path) as server:
        address = server.url.removeprefix("http://")
        for arguments in ([], ["--rolling"]):
            ran = run_openrum(
                "up", *arguments, cwd=tmp_path, OPENRUM_HTTP=address, OPENRUM_GRPC="127.0.0.1:0"
            )

            assert ran.returncode == 2
            assert "address already in use" in ran.stderr
