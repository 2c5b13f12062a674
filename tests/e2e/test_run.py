"""`openrum up` as a process: its printed commands work, and its errors are one line."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from rum.v1.control_plane_service_pb2 import ListAppMonitorsRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.support.batches import batch
from tests.support.curl import send
from tests.support.running import OpenRum, environment, read_back, run_openrum

_ROOT = Path(__file__).parent.parent.parent
_ANY_PORTS = {"OPENRUM_HTTP": "127.0.0.1:0", "OPENRUM_GRPC": "127.0.0.1:0"}


def test_the_printed_curl_line_stores_an_event(openrum: OpenRum) -> None:
    curl = next(line for line in openrum.output if line.startswith("curl "))
    first, again = send(curl), send(curl)
    sent = re.findall(r'"id": "([^"]+)", "timestamp"', curl)

    assert (200, "") == first == again
    assert [_event_id(document) for document in read_back(openrum.grpc, "my-app")] == sent


def test_the_printed_sample_command_stores_a_batch(openrum: OpenRum) -> None:
    line = next(line for line in openrum.output if "send --sample" in line)
    before = len(read_back(openrum.grpc, "my-app"))
    ran = subprocess.run(
        line,
        shell=True,
        cwd=openrum.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("Batches: 1 stored, 0 duplicate, 0 rejected\n")
    assert len(read_back(openrum.grpc, "my-app")) == before + 5


def test_up_prints_the_page_addresses_app_monitor_data_folder_and_three_commands(
    openrum: OpenRum,
) -> None:
    printed = [line.rstrip() for line in openrum.output if line.strip() and line[0] != "{"]
    openrum_command = f"{sys.executable} -m rum_cli"
    target = f"--service {openrum.grpc}"
    clients = f"help clients --url {openrum.url} --grpc {openrum.grpc} {target}"

    assert printed[:5] == [
        f"  page         {openrum.url}/ui/",
        f"  HTTP         {openrum.url}",
        f"  gRPC         {openrum.grpc}",
        f"  app monitor  my-app  {openrum.monitor_id()}",
        f"  data folder  {openrum.folder}",
    ]
    assert printed[6] == f"{openrum_command} send --sample {target}"
    assert printed[7].startswith(f"curl -i '{openrum.url}/appmonitors/{openrum.monitor_id()}' ")
    assert printed[8:] == [f"Connect your clients: {openrum_command} {clients}"]


def test_a_second_start_uses_the_existing_data_and_app_monitor(
    tmp_path: Path,
) -> None:
    with OpenRum(tmp_path) as server:
        before = _monitor_ids(server)
        assert server.stop() == 0
        server.start()

        assert _monitor_ids(server) == before
        assert len(before) == 1
        assert sum(f"my-app  {before[0]}" in line for line in server.output) == 2


def test_a_start_creates_only_the_database_and_two_token_files(tmp_path: Path) -> None:
    with OpenRum(tmp_path) as server:
        assert server.stop() == 0

        created = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.*"))

        assert created == ["openrum.sqlite3", "var/bridge.token", "var/operator.token"]


def test_files_are_closed_to_other_users_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with OpenRum(tmp_path, OPENRUM_SOCKET="var/service.sock") as server:
            server.post(f"/appmonitors/{server.monitor_id()}", batch())
            run_openrum(
                "keys", "create", OPENRUM_SERVICE=server.grpc, cwd=tmp_path
            ).check_returncode()
            modes = {
                path.relative_to(tmp_path).as_posix(): oct(stat.S_IMODE(path.stat().st_mode))
                for path in tmp_path.rglob("*")
            }
    finally:
        os.umask(before)

    assert modes == {
        "openrum.sqlite3": "0o600",
        "openrum.sqlite3-shm": "0o600",
        "openrum.sqlite3-wal": "0o600",
        "var": "0o700",
        "var/bridge.token": "0o640",
        "var/operator.token": "0o600",
        "var/secrets.key": "0o600",
        "var/service.sock": "0o660",
    }


@pytest.fixture
def busy() -> Iterator[str]:
    """An address that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("setting", ["OPENRUM_HTTP", "OPENRUM_GRPC"])
def test_a_busy_port_is_reported_in_one_line_with_the_setting(
    tmp_path: Path, busy: str, setting: str
) -> None:
    database = f"sqlite:///{tmp_path / 'openrum.sqlite3'}"
    error = _failed_start(OPENRUM_DATABASE_URL=database, **{setting: busy})

    assert error == f"{setting}: cannot listen on {busy}: address already in use"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql+psycopg://me:pa@sec:ret@host/db", "not a database URL"),
        ("mysql://me:secret@host/db", "mysql:// is not supported; use sqlite:// or postgresql://"),
        ("sqlite:///{folder}/text", "cannot be opened: file is not a database"),
        ("sqlite:///{folder}/text/db", "File exists"),
        ("postgresql+psycopg://me:secret@127.0.0.1:{closed}/db", "Connection refused"),
    ],
)
def test_an_invalid_database_url_is_reported_in_one_line_without_the_password(
    tmp_path: Path, url: str, reason: str
) -> None:
    (tmp_path / "text").write_text("This is not a database, but long enough for a header.\n" * 9)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        filled = url.format(folder=tmp_path, closed=closed.getsockname()[1])
        error = _failed_start(OPENRUM_DATABASE_URL=filled)

    assert error.startswith("OPENRUM_DATABASE_URL: ")
    assert reason in error
    assert "sec" not in error.replace("connect", "")


@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [
        ("OPENRUM_HTTP", "0.0.0.0:8080", "set a loopback address, 127.0.0.1 or [::1]"),
        ("OPENRUM_GRPC", "0.0.0.0:50051", "set a loopback address, 127.0.0.1 or [::1]"),
        ("OPENRUM_ALLOWED_ORIGINS", '["https://a.example"]', "or quotes: https://a.example"),
        ("OPENRUM_TRUSTED_PROXIES", '["10.0.0.0/8", "::1"]', "or quotes: 10.0.0.0/8,::1"),
        ("OPENRUM_TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("OPENRUM_TRUSTED_PROXIES", "127.0.0.1,proxy", "'proxy' does not appear to be"),
        ("OPENRUM_CERTIFICATE_ACCESS", '["read"]', "without brackets or quotes: read"),
        ("OPENRUM_CERTIFICATE_ACCESS", "read,all", "Input should be 'read', 'write' or 'admin'"),
        ("OPENRUM_PUBLIC_URL", "rum.example.com", "must be an http or https URL"),
        ("OPENRUM_OPERATOR_TOKEN_FILE", "/proc/none/token", "No such file or directory"),
        ("OPENRUM_BRIDGE_TOKEN_FILE", "/proc/none/token", "No such file or directory"),
        ("OPENRUM_PATH_PREFIX", "rum", "should match pattern"),
        ("OPENRUM_SOCKET", "/nowhere/socket", "cannot listen on /nowhere/socket: its folder must"),
    ],
)
def test_an_invalid_setting_is_reported_in_one_line_with_its_name_and_a_fix(
    tmp_path: Path, setting: str, value: str, text: str
) -> None:
    database = f"sqlite:///{tmp_path / 'openrum.sqlite3'}"
    tokens = {f"OPENRUM_{name}_TOKEN_FILE": str(tmp_path / name) for name in ("OPERATOR", "BRIDGE")}
    error = _failed_start(**{"OPENRUM_DATABASE_URL": database, **tokens, setting: value})

    assert error.startswith(f"{setting}: ")
    assert text in error


def _failed_start(**settings: str) -> str:
    """Run `openrum up`, which must exit with 2, and return its one error line."""
    ran = run_openrum("up", **{**_ANY_PORTS, **settings})
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    *others, last = ran.stderr.splitlines()
    assert not [line for line in others if line.startswith("Error: ")]
    assert last.startswith("Error: ")
    return last.removeprefix("Error: ")


def test_make_run_starts_a_server_with_its_data_under_var(tmp_path: Path) -> None:
    """`make run` runs in a copy of its files with this .venv, so that it installs nothing."""
    (tmp_path / "proto").mkdir()
    for name in ("Makefile", "pyproject.toml", "proto/pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_bytes((_ROOT / name).read_bytes())
        os.utime(tmp_path / name, (0, 0))  # older than .venv/.server
    (tmp_path / ".venv").symlink_to(_ROOT / ".venv")
    running = subprocess.Popen(
        ["make", "-s", "run"],
        cwd=tmp_path,
        env=environment(**_ANY_PORTS),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout
    lines = []
    try:
        for line in running.stdout:
            lines.append(line)
            if line.startswith("Connect your clients:"):
                break
        assert running.poll() is None, "".join(lines)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
        os.kill(int(children), signal.SIGINT)
        code = running.wait(30)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.stdout.close()

    samples = [line for line in lines if line.startswith(".venv/bin/openrum send --sample")]
    assert len(samples) == 1
    assert lines[-1].startswith("Connect your clients: .venv/bin/openrum help clients ")
    assert code == 0
    assert (tmp_path / "var" / "openrum.sqlite3").exists()


def _monitor_ids(server: OpenRum) -> list[str]:
    with grpc.insecure_channel(server.grpc) as channel:
        listed = ControlPlaneServiceStub(channel).ListAppMonitors(ListAppMonitorsRequest())
    return [monitor.id for monitor in listed.app_monitor_summaries]


def _event_id(document: str) -> str:
    return str(json.loads(document)["event_id"])
