"""`openrum up --workers`: several bridge processes on one port, one service behind them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import grpc
import pytest

from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.e2e.guarded import Guarded, allow
from tests.support.batches import batch
from tests.support.certificates import Authority
from tests.support.load import Load
from tests.support.running import OpenRum, read_back, run_openrum, wait_until
from tests.support.workers import WORKERS, Workers, worker_pids

_SEED = 20261124


class GuardedWorkers(Guarded):
    """`openrum up` with two workers that authorizes its callers."""

    arguments = Workers.arguments


class SecureWorkers(Workers):
    """`openrum up` with two workers and TLS for HTTP and gRPC."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.tls = ssl.create_default_context(cafile=authority.file)
        pair = authority.sign("workers")
        super().__init__(
            folder,
            OPENRUM_HTTP_CERTIFICATE_FILE=str(pair.certificate),
            OPENRUM_HTTP_KEY_FILE=str(pair.key),
            OPENRUM_GRPC_CERTIFICATE_FILE=str(pair.certificate),
            OPENRUM_GRPC_KEY_FILE=str(pair.key),
            # For commands in the same shell. The workers call the service without TLS.
            OPENRUM_SERVICE_CA_FILE=str(authority.file),
        )


def open_sockets(pid: int) -> int:
    """Return how many sockets a process has open."""
    return sum(
        str(file.readlink()).startswith("socket:") for file in Path(f"/proc/{pid}/fd").iterdir()
    )


def is_running(pid: int) -> bool:
    """Return whether a process runs: neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def put(connection: http.client.HTTPConnection, monitor_id: str, body: dict[str, Any]) -> int:
    """Put a batch and return the status."""
    headers = {"Content-Type": "application/json"}
    connection.request("POST", f"/appmonitors/{monitor_id}", json.dumps(body), headers)
    with connection.getresponse() as response:
        response.read()
        return response.status


def create(server: OpenRum, name: str) -> str:
    """Create an app monitor and return its ID."""
    with grpc.insecure_channel(server.grpc) as channel:
        request = CreateAppMonitorRequest(name=name, domain="localhost")
        return ControlPlaneServiceStub(channel).CreateAppMonitor(request).id


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """One server for the tests that leave it running."""
    with Workers(tmp_path_factory.mktemp("workers")) as running:
        yield running
        assert running.stop() == 0


def test_batches_through_every_worker_are_stored_once(server: Workers) -> None:
    monitor_id = create(server, "spread")
    with ExitStack() as stack:
        before = [open_sockets(pid) for pid in worker_pids(server)]
        connections = [stack.enter_context(closing(server.connect())) for _ in range(32)]
        bodies = [batch(3) for _ in connections]
        sent = [*zip(connections, bodies, strict=True), *zip(connections[1:], bodies, strict=False)]
        statuses = {put(connection, monitor_id, body) for connection, body in sent}
        accepted = [
            open_sockets(pid) - count
            for pid, count in zip(worker_pids(server), before, strict=True)
        ]
        ids = [json.loads(document)["event_id"] for document in read_back(server.grpc, "spread")]

    assert statuses == {200}
    assert len(accepted) == WORKERS
    assert sum(accepted) >= len(connections)
    # One is the connection to the service.
    assert min(accepted) > 1
    assert sorted(ids) == sorted(event["id"] for body in bodies for event in body["RumEvents"])
    assert {1, 2} == {line["worker"] for line in server.logged("bridge listens")}


def test_a_killed_worker_loses_nothing_acknowledged_and_is_replaced(server: Workers) -> None:
    loaded, other = create(server, "loaded"), create(server, "other")
    started, ended = len(server.logged("bridge listens")), len(server.logged("worker ended"))
    load = Load(loaded, url=server.url, rest=8, seed=_SEED)
    with load:
        for number in range(1, 4):
            load.wait_for_acknowledged(50)
            before = set(worker_pids(server))
            os.kill(min(before), signal.SIGKILL)
            # Until the worker is back, connections to its socket wait.
            with ExitStack() as stack:
                connections = [stack.enter_context(closing(server.connect())) for _ in range(16)]
                statuses = {put(connection, other, batch()) for connection in connections}
            assert statuses == {200}
            wait_until(lambda n=number: len(server.logged("bridge listens")) == started + n)
            assert len(set(worker_pids(server)) - before) == 1
        load.wait_for_acknowledged(50)
    entries = server.logged("worker ended")[ended:]

    assert [entry["exit_code"] for entry in entries] == [-signal.SIGKILL] * 3
    assert {entry["worker"] for entry in entries} <= {1, 2}
    load.ledger.assert_kept(read_back(server.grpc, "loaded"))
    assert len(read_back(server.grpc, "other")) == 3 * 16


def test_killing_the_main_process_ends_every_worker_and_a_new_start_has_the_data(
    tmp_path: Path,
) -> None:
    with Workers(tmp_path) as server:
        load = Load(server.monitor_id(), url=server.url, rest=4, seed=_SEED)
        with load:
            load.wait_for_acknowledged(50)
            pids = worker_pids(server)
            server.kill()
            wait_until(lambda: not any(is_running(pid) for pid in pids))
            server.start()
            load.wait_for_acknowledged(50)

        assert len(pids) == WORKERS
        load.ledger.assert_kept(read_back(server.grpc, "my-app"))
        assert server.stop() == 0


def test_sigterm_answers_requests_in_progress_and_exits_0(tmp_path: Path) -> None:
    with Workers(tmp_path) as server, ExitStack() as stack:
        monitor_id, pids = server.monitor_id(), worker_pids(server)
        address = server.connect()
        host, port = address.host, address.port
        address.close()
        body = json.dumps(batch()).encode()
        head = (
            f"POST /appmonitors/{monitor_id} HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        ).encode()
        connections = [
            stack.enter_context(socket.create_connection((host, port), timeout=60))
            for _ in range(16)
        ]
        for connection in connections:
            connection.sendall(head)
        continues = {connection.recv(100) for connection in connections}
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: not _accepts(host, port))
        for connection in connections:
            connection.sendall(body)
        answers = {connection.recv(1000).partition(b"\r\n")[0] for connection in connections}
        code = server.stop()

        assert continues == {b"HTTP/1.1 100 Continue\r\n\r\n"}
        assert answers == {b"HTTP/1.1 200 OK"}
        assert code == 0
        assert not any(is_running(pid) for pid in pids)
        assert not [line for line in server.output if "Traceback" in line]


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except OSError:
        return False
    return True


def test_a_worker_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    with Workers(tmp_path, OPENRUM_DRAIN_S="0") as server:
        pids = worker_pids(server)
        os.kill(pids[0], signal.SIGSTOP)

        assert server.stop() == 0
        assert not any(is_running(pid) for pid in pids)
        assert len(server.logged("worker killed, because it did not stop")) == 1


def test_workers_have_the_token_of_the_bridge(tmp_path: Path) -> None:
    """A report of the caller's address counts only with the token."""
    token = str(tmp_path / "elsewhere" / "token")
    with GuardedWorkers(tmp_path, OPENRUM_BRIDGE_TOKEN_FILE=token) as server:
        monitor_id = server.monitor_id()
        with server.policy(allow(IpAddress={"aws:SourceIp": "127.0.0.1"})):
            allowed = {server.post(f"/appmonitors/{monitor_id}", batch())[0] for _ in range(8)}
        refused, _ = server.post(f"/appmonitors/{monitor_id}", batch())

        assert allowed == {200}
        assert refused == 403
        assert server.stop() == 0


def test_workers_serve_https(tmp_path: Path) -> None:
    with SecureWorkers(tmp_path, Authority(tmp_path)) as server:
        ready = {server.get("/readyz") for _ in range(8)}

        assert ready == {(200, "ok")}
        assert server.stop() == 0


def test_a_worker_that_cannot_start_is_one_line_and_no_process_stays(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    files = {"OPENRUM_HTTP_CERTIFICATE_FILE": missing, "OPENRUM_HTTP_KEY_FILE": missing}
    ran = _start(tmp_path, **files)
    errors = [line for line in ran.stderr.splitlines() if not line.startswith("{")]

    assert (ran.returncode, ran.stdout) == (2, "")
    assert errors == [f"Error: OPENRUM_HTTP_CERTIFICATE_FILE: {missing}: No such file or directory"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_busy_port_is_one_line_with_any_number_of_workers(
    server: Workers, tmp_path: Path, workers: str
) -> None:
    address = server.url.removeprefix("http://")
    ran = _start(tmp_path, workers=workers, OPENRUM_HTTP=address)
    error = f"Error: OPENRUM_HTTP: cannot listen on {address}: address already in use\n"

    assert (ran.returncode, ran.stderr) == (2, error)


def test_another_start_in_the_same_folder_does_not_replace_the_socket(server: Workers) -> None:
    database = f"sqlite:///{server.folder / 'second.sqlite3'}"
    ran = _start(server.folder, OPENRUM_DATABASE_URL=database)
    error = "Error: OPENRUM_SOCKET: cannot listen on var/openrum.sock: another process listens on"

    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].startswith(error)
    assert server.get("/readyz") == (200, "ok")


def _start(
    folder: Path, *, workers: str = "2", **settings: str
) -> subprocess.CompletedProcess[str]:
    ports = {"OPENRUM_HTTP": "127.0.0.1:0", "OPENRUM_GRPC": "127.0.0.1:0"}
    return run_openrum("up", "--workers", workers, cwd=folder, **{**ports, **settings})
