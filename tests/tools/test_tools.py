"""Each tool works, against temporary servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import importlib.util
import json
import multiprocessing
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import google.api
import grpc
import psycopg
import pytest
import sqlalchemy
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

from tests.tools import awscli, debian, envoy, node, toolbox
from tests.tools.chromium import Browser, Page
from tests.tools.postgres import ExistingPostgres, Postgres, _children, _is_running, postgres
from tests.tools.process import ServerProcess, wait_until
from tests.tools.rum_page import RumPage, demo_site
from tests.tools.toolbox import ToolMissingError, tools_needed

MONITOR = "a1b2c3d4-0000-4000-8000-000000000001"

PROTO = """
syntax = "proto3";
package demo.v1;
import "google/api/annotations.proto";
service DemoService {
  rpc Put(PutRequest) returns (PutResponse) {
    option (google.api.http) = { post: "/appmonitors/{id}" body: "*" };
  }
}
message PutRequest {
  string id = 1 [json_name = "Id"];
  string batch_id = 2 [json_name = "BatchId"];
  repeated Event rum_events = 3 [json_name = "RumEvents"];
}
message Event { string id = 1; optional double timestamp = 2; string details = 3; }
message PutResponse { string seen = 1; }
message ResourceNotFoundException {
  string message = 1;
  string resource_name = 2;
}
"""


@dataclass(frozen=True)
class Received:
    """A request that the recorder received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        unpacked = (
            gzip.decompress(self.body)
            if self.headers.get("content-encoding") == "gzip"
            else self.body
        )
        return json.loads(unpacked)

    def event_types(self) -> set[str]:
        return {event["type"] for event in self.json()["RumEvents"]}


class Recorder:
    """An endpoint that allows every origin, returns 200 and records the requests."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.received.append(Received(self.command, self.path, headers, body))
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
                self.send_header("Access-Control-Allow-Credentials", "true")
                self.send_header("Access-Control-Allow-Methods", "POST")
                self.send_header("Access-Control-Allow-Headers", "content-type, content-encoding")
                self.send_header("Access-Control-Max-Age", "7200")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_OPTIONS = do_POST
            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def posts(self) -> list[Received]:
        return [request for request in self.received if request.method == "POST"]

    def event_types(self) -> set[str]:
        return {kind for post in self.posts() for kind in post.event_types()}

    def details(self, kind: str) -> list[dict[str, Any]]:
        """Return the details of the events of a type that have arrived."""
        events = [event for post in self.posts() for event in post.json()["RumEvents"]]
        return [json.loads(event["details"]) for event in events if event["type"] == kind]

    def wait_for(self, *kinds: str) -> None:
        wait_until(
            lambda: set(kinds) <= self.event_types(),
            f"batch with {kinds}, only {self.event_types()}",
        )


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    thread = threading.Thread(target=recorder.server.serve_forever, args=(0.05,))
    thread.start()
    yield recorder
    recorder.server.shutdown()
    thread.join()
    recorder.server.server_close()


# Node.js and npm


def test_npm_packages_are_installed_in_their_exact_version(tmp_path: Path) -> None:
    with tools_needed():
        modules = node.npm_install({"left-pad": "1.3.0"}, tmp_path / "node")
    script = tmp_path / "node" / "pad.js"
    script.write_text('console.log(require("left-pad")(process.argv[2], 3, "-"))')

    assert node.run_node(script, "x") == "--x\n"
    assert json.loads((modules / "left-pad" / "package.json").read_text())["version"] == "1.3.0"


def _install_left_pad(folder: Path) -> float:
    modules = node.npm_install({"left-pad": "1.3.0"}, folder)
    return (modules / "left-pad" / "package.json").stat().st_mtime_ns


def test_two_processes_install_npm_packages_once(tmp_path: Path) -> None:
    with tools_needed(), multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_install_left_pad, [tmp_path / "node"] * 2)

    assert first == second == _install_left_pad(tmp_path / "node")


def test_installing_another_version_replaces_the_installed_one(tmp_path: Path) -> None:
    with tools_needed():
        node.npm_install({"left-pad": "1.2.0"}, tmp_path / "node")

    modules = node.npm_install({"left-pad": "1.3.0"}, tmp_path / "node")

    assert json.loads((modules / "left-pad" / "package.json").read_text())["version"] == "1.3.0"


# Missing tools


@contextmanager
def _missing_tool() -> Iterator[None]:
    raise ToolMissingError("The tool is missing: this machine has none")
    yield


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_missing_tool_skips_the_test_but_fails_it_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)

    with (
        pytest.raises(outcome, match="The tool is missing: this machine has none"),
        tools_needed(),
        _missing_tool(),
    ):
        pass


def test_a_partly_filled_folder_is_filled_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        toolbox.install_once(tmp_path / "tool", "1", fail)

    toolbox.install_once(tmp_path / "tool", "1", lambda folder: (folder / "whole").touch())
    assert {".installed", "whole"} == {path.name for path in (tmp_path / "tool").iterdir()}


def test_a_failed_install_is_not_tried_again(tmp_path: Path) -> None:
    tries = []

    def fail(folder: Path) -> None:
        tries.append(folder)
        raise ToolMissingError("no network")

    for _ in range(2):
        with pytest.raises(ToolMissingError, match="no network"):
            toolbox.install_once(tmp_path / "tool", "1", fail)

    assert len(tries) == 1


# Debian packages


def test_a_debian_package_runs_without_being_installed(tmp_path: Path) -> None:
    with tools_needed():
        debian.unpack(["hello"], tmp_path)
    program = tmp_path / "usr" / "bin" / "hello"
    done = subprocess.run([program], capture_output=True, text=True, check=True)

    assert done.stdout == "Hello, world!\n"
    assert not (tmp_path / "apt").exists()


def test_a_debian_package_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="no-such-package is missing"):
        debian.unpack(["no-such-package"], tmp_path)


# Servers as child processes


def test_a_server_that_ends_early_is_reported_with_its_log(tmp_path: Path) -> None:
    with (
        ServerProcess(["sh", "-c", "echo no such port; exit 3"], tmp_path / "log") as server,
        pytest.raises(RuntimeError, match="no such port"),
    ):
        server.wait_until(lambda: False, "response")


def test_a_server_that_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 1; done"
    server = ServerProcess(["sh", "-c", script], tmp_path / "log")
    server.wait_until(lambda: "ready" in server.log_tail(), "start")
    server.stop(timeout_s=0.1)

    assert not Path(f"/proc/{server.pid}").exists()


def _serve_until_killed(log: Path, pid: Any) -> None:
    server = ServerProcess(["sleep", "600"], log)
    pid.value = server.pid
    signal.pause()


def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    pid = spawn.Value("i", 0)
    run = spawn.Process(target=_serve_until_killed, args=(tmp_path / "log", pid))
    run.start()
    wait_until(lambda: pid.value and _program_of(pid.value) == "sleep", "server")
    run.kill()
    run.join()

    assert wait_until(lambda: _program_of(pid.value) is None, "end of the server")


def _program_of(pid: int) -> str | None:
    """Return the name of a running program, or None if the process has ended or is a zombie."""
    try:
        name, state = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].split(") ")
    except FileNotFoundError:
        return None
    return None if state.startswith("Z") else name


# Chromium and aws-rum-web


def test_pages_do_not_share_cookies(browser: Browser, recorder: Recorder) -> None:
    with browser.page() as first, browser.page() as second:
        first.open(recorder.url)
        second.open(recorder.url)
        first.evaluate("() => { document.cookie = 'a=1'; }")

        assert (
            first.evaluate("() => document.cookie"),
            second.evaluate("() => document.cookie"),
        ) == ("a=1", "")


async def _ten() -> int:
    return 10


def test_a_coroutine_can_run_while_a_browser_is_open(page: Page) -> None:
    assert asyncio.run(_ten()) == 10


def test_a_page_reports_each_kind_of_event(page: Page, recorder: Recorder) -> None:
    with tools_needed(), demo_site(recorder.url, MONITOR, {"dispatchInterval": 200}) as url:
        visitor = RumPage(page, url)
        visitor.view("/checkout")
        visitor.throw("out of stock")
        statuses = visitor.fetch("/status/200"), visitor.fetch("/status/503")
        visitor.record("cart_filled", {"items": 3})
        recorder.wait_for(
            "com.amazon.rum.session_start_event",
            "com.amazon.rum.page_view_event",
            "com.amazon.rum.js_error_event",
            "com.amazon.rum.http_event",
            "com.amazon.rum.performance_navigation_event",
            "cart_filled",
        )
        wait_until(lambda: len(recorder.details("com.amazon.rum.http_event")) == 2, "requests")

    by_type = {kind: recorder.details(kind) for kind in recorder.event_types()}
    requests = by_type["com.amazon.rum.http_event"]
    assert statuses == (200, 503)
    assert by_type["com.amazon.rum.js_error_event"][0]["message"] == "out of stock"
    # Batches can overtake each other.
    assert sorted(e["response"]["status"] for e in requests) == [200, 503]
    assert by_type["cart_filled"][0] == {"items": 3}
    assert "/checkout" in [e["pageId"] for e in by_type["com.amazon.rum.page_view_event"]]
    assert recorder.received[0].method == "OPTIONS"
    assert {f"/appmonitors/{MONITOR}"} == {request.path for request in recorder.received}


@pytest.mark.parametrize("way", ["leave", "close"])
def test_a_page_sends_a_beacon_when_it_is_left_or_closed(
    browser: Browser, recorder: Recorder, way: str
) -> None:
    with (
        tools_needed(),
        demo_site(recorder.url, MONITOR, {"dispatchInterval": 600_000}) as url,
        browser.page() as page,
    ):
        visitor = RumPage(page, url)
        visitor.record("cart_left", {"items": 1})
        visitor.leave() if way == "leave" else page.close()
        recorder.wait_for("cart_left")

    beacon = next(post for post in recorder.posts() if "cart_left" in post.event_types())
    assert beacon.headers["content-type"] == "text/plain;charset=UTF-8"
    assert [request.method for request in recorder.received] == ["POST"]


def test_recorded_events_are_sent_at_once_on_demand(page: Page, recorder: Recorder) -> None:
    with tools_needed(), demo_site(recorder.url, MONITOR, {"dispatchInterval": 600_000}) as url:
        visitor = RumPage(page, url)
        visitor.click()
        visitor.record("cart_filled", {"text": "x" * 5000})
        visitor.dispatch()
        recorder.wait_for("cart_filled")

    assert recorder.posts()[0].headers["content-encoding"] == "gzip"


# Envoy


def _descriptor_set(folder: Path) -> bytes:
    (folder / "demo.proto").write_text(PROTO)
    common = Path(google.api.__path__[0]).parents[1]
    well_known = Path(protoc.__file__).parent / "_proto"
    arguments = [f"-I{folder}", f"-I{common}", f"-I{well_known}", "--include_imports"]
    out = folder / "demo.binpb"
    sources = ["demo.proto", "google/rpc/status.proto"]
    assert protoc.main(["protoc", *arguments, f"--descriptor_set_out={out}", *sources]) == 0
    return out.read_bytes()


@contextmanager
def _demo_server(descriptor_set: bytes, address: str) -> Iterator[int]:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file:
        pool.Add(file)

    def message(name: str) -> Any:
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"demo.v1.{name}"))

    def put(request: Any, context: grpc.ServicerContext) -> Any:
        if request.batch_id == "missing":
            status = status_pb2.Status(code=code_pb2.NOT_FOUND, message="no such app monitor")
            missing = message("ResourceNotFoundException")(
                message="no such", resource_name=request.id
            )
            status.details.add().Pack(missing)
            context.abort_with_status(rpc_status.to_status(status))
        return message("PutResponse")(
            seen=f"{request.id} {request.batch_id} {request.rum_events[0].timestamp}"
        )

    handler = grpc.unary_unary_rpc_method_handler(
        put,
        request_deserializer=message("PutRequest").FromString,
        response_serializer=message("PutResponse").SerializeToString,
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("demo.v1.DemoService", {"Put": handler}),)
    )
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def _post(url: str, body: object) -> tuple[int, Any]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else text


def test_envoy_transcodes_requests_and_errors(tmp_path: Path) -> None:
    descriptors = _descriptor_set(tmp_path)
    with (
        _demo_server(descriptors, "127.0.0.1:0") as upstream,
        tools_needed(),
        envoy.transcoder(descriptors, ["demo.v1.DemoService"], f"127.0.0.1:{upstream}") as port,
    ):
        url = f"http://127.0.0.1:{port}/appmonitors/{MONITOR}"
        events = [{"id": "1", "timestamp": 1.5, "details": "{}"}]
        accepted = _post(
            f"{url}?unknown=1", {"BatchId": "b", "RumEvents": events, "SessionMetadata": "{}"}
        )
        rejected = _post(url, {"BatchId": "missing", "RumEvents": events})
        malformed = _post(url, {"BatchId": {"not": "a string"}})
        unknown = _post(f"{url}/other", {})
        slash = _post(f"{url}/", {"BatchId": "b", "RumEvents": events})

    detail = {
        "@type": "type.googleapis.com/demo.v1.ResourceNotFoundException",
        "message": "no such",
        "resourceName": MONITOR,
    }
    assert (200, {"seen": f"{MONITOR} b 1.5"}) == accepted
    assert (404, {"code": 5, "message": "no such app monitor", "details": [detail]}) == rejected
    assert [malformed[0], unknown[0], slash[0]] == [400, 404, 200]


def test_envoy_connects_to_a_unix_socket(tmp_path: Path) -> None:
    descriptors = _descriptor_set(tmp_path)
    address = f"unix:{tmp_path}/s"
    with (
        _demo_server(descriptors, address),
        tools_needed(),
        envoy.transcoder(descriptors, ["demo.v1.DemoService"], address) as port,
    ):
        status, _ = _post(
            f"http://127.0.0.1:{port}/appmonitors/{MONITOR}", {"RumEvents": [{"timestamp": 0}]}
        )

    assert status == 200


# PostgreSQL


def test_an_existing_postgres_gets_databases_and_is_never_stopped(
    postgres_server: Postgres,
) -> None:
    existing = ExistingPostgres(postgres_server.url.replace("+psycopg", ""))
    url = existing.create_database("existing")
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE t ()")
    again = existing.create_database("existing")
    with psycopg.connect(again.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT 1 FROM pg_tables WHERE tablename = 't'").fetchall()

    assert (again, tables) == (url, [])
    for end in (existing.stop, existing.kill):
        with pytest.raises(pytest.skip.Exception, match="TEST_POSTGRES_URL"):
            end()
    existing.drop_databases()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace("+psycopg", ""))


def test_postgres_databases_are_separate(postgres_server: Postgres) -> None:
    engine = sqlalchemy.create_engine(postgres_server.create_database("one"))
    with engine.begin() as connection:
        version = connection.scalar(sqlalchemy.text("SHOW server_version"))
        fsync = connection.scalar(sqlalchemy.text("SHOW fsync"))
        connection.execute(sqlalchemy.text("CREATE TABLE t (id int PRIMARY KEY)"))
    tables = sqlalchemy.inspect(
        other := sqlalchemy.create_engine(postgres_server.create_database("two"))
    )
    found = tables.get_table_names()
    engine.dispose()
    other.dispose()

    assert (version, fsync, found) == ("18.6", "on", [])


def test_postgres_keeps_its_data_across_a_restart(postgres_server: Postgres) -> None:
    engine = sqlalchemy.create_engine(postgres_server.create_database("kept"), pool_pre_ping=True)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE t AS SELECT 7 AS n"))
    postgres_server.stop()
    postgres_server.start()
    with engine.connect() as connection:
        kept = connection.scalar(sqlalchemy.text("SELECT n FROM t"))
    engine.dispose()

    assert kept == 7


def test_a_killed_postgres_leaves_no_process_that_uses_its_shared_memory() -> None:
    with tools_needed(), postgres() as server:
        folder = str(Path(server.socket).parent)
        connection = psycopg.connect(host=folder, user="postgres")
        backend = connection.info.backend_pid
        children = _children(server.pid)
        server.kill()
        left = [pid for pid in children if _is_running(pid)]
        connection.close()
        server.start()

    assert backend in children
    assert left == []


# The AWS CLI


def test_the_aws_cli_sends_events_to_a_local_endpoint(recorder: Recorder) -> None:
    with tools_needed():
        awscli.install()
    event = f"id={MONITOR},timestamp=1735787045,type=cart,details='{{}}'"
    arguments = [
        "rum",
        "put-rum-events",
        "--id",
        MONITOR,
        "--batch-id",
        MONITOR,
        "--rum-events",
        event,
    ]

    done = awscli.run(
        [*arguments, "--app-monitor-details", "{}", "--user-details", "{}"], recorder.url
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [f"/appmonitors/{MONITOR}/"] == [post.path for post in recorder.posts()]
    assert "AWS4-HMAC-SHA256" in recorder.posts()[0].headers["authorization"]


def test_the_aws_cli_is_not_installed_in_the_tests_environment() -> None:
    assert importlib.util.find_spec("awscli") is None
