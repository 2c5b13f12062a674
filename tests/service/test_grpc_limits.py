"""The limits of the gRPC server: long and compressed messages, calls in progress and waiting."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import grpc
import pytest

from rum.internal.v1.bridge_service_pb2 import CheckCallerRequest
from rum.operator.v1.operator_service_pb2 import ACCESS_READ, CreateTokenRequest, Grant
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.metrics_pb2 import BatchCreateRumMetricDefinitionsRequest, MetricDefinitionRequest
from rum_service.server import running_service
from tests.service.served import LoopThread
from tests.support import http2
from tests.support.batches import message, new_id
from tests.support.http2_calls import send_calls
from tests.support.running import Service, wait_until
from tests.support.services import settings_in

_CREATE_DEFINITIONS = "/rum.v1.ControlPlaneService/BatchCreateRumMetricDefinitions"
_EMPTY_DEFINITION = BatchCreateRumMetricDefinitionsRequest(
    metric_definitions=[MetricDefinitionRequest()]
).SerializeToString()
_LIST_CREDENTIALS = "/rum.operator.v1.OperatorService/ListCredentials"
_LIST_INSIGHT = "/rum.v1.InsightService/GetOverview"
_CHECK_CALLER = "/rum.internal.v1.BridgeService/CheckCaller"
_REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
_PUT = "/rum.v1.DataPlaneService/PutRumEvents"
_BATCH_PUT = "/rum.internal.v1.BridgeService/BatchPutRumEvents"
_TIMEOUT_S = 30.0
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_MAX_CONCURRENT_STREAMS = 3


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def required(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("required"), OPENRUM_AUTH="required") as running:
        yield running


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_compressed_message_is_rejected_without_inflating_it(
    service: Service, compression: grpc.Compression
) -> None:
    before = _new_peak_mib(service)
    with (
        grpc.insecure_channel(service.grpc, [("grpc.max_send_message_length", -1)]) as channel,
        pytest.raises(grpc.RpcError) as rejected,
    ):
        channel.unary_unary(_PUT)(bytes(3 << 20), compression=compression, timeout=_TIMEOUT_S)

    assert rejected.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert _peak_mib(service) - before < 20


@pytest.mark.parametrize(
    "method", [_CREATE_DEFINITIONS, "/rum.operator.v1.OperatorService/CreateToken"]
)
def test_a_long_control_plane_message_is_rejected_before_it_is_parsed(
    service: Service, method: str
) -> None:
    """A message of many empty messages takes 60 times its length."""
    before = _new_peak_mib(service)
    with (
        grpc.insecure_channel(service.grpc, [("grpc.max_send_message_length", -1)]) as channel,
        pytest.raises(grpc.RpcError) as rejected,
    ):
        channel.unary_unary(method)(_EMPTY_DEFINITION * (1 << 20), timeout=_TIMEOUT_S)

    assert rejected.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert rejected.value.details() == "The message must have at most 262144 bytes."
    assert _peak_mib(service) - before < 30


def test_a_control_plane_message_of_many_fields_is_rejected_before_it_is_parsed(
    service: Service,
) -> None:
    """Parsed, 32 of these messages take 490 MiB, however deep the fields are."""
    keys = MetricDefinitionRequest(dimension_keys={"": ""}).SerializeToString() * 20_000
    length = b"".join(
        bytes([len(keys) >> shift & 0x7F | 0x80 * (shift < 14)]) for shift in (0, 7, 14)
    )
    nested = _EMPTY_DEFINITION[:1] + length + keys
    with grpc.insecure_channel(service.grpc) as channel:
        texts = {_rejection(channel, content) for content in (_EMPTY_DEFINITION * 60_000, nested)}

    assert texts == {"The message must have at most 20000 fields."}


def _rejection(channel: grpc.Channel, content: bytes) -> str:
    with pytest.raises(grpc.RpcError) as rejected:
        channel.unary_unary(_CREATE_DEFINITIONS)(content, timeout=_TIMEOUT_S)
    assert rejected.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return str(rejected.value.details())


@pytest.mark.parametrize("size", [4 << 20, 16 << 10], ids=["message", "request"])
def test_a_long_question_about_a_caller_is_rejected_before_it_is_parsed(
    service: Service, size: int
) -> None:
    """Parsed, the request in it takes 60 times its length."""
    request = _EMPTY_DEFINITION * ((size - 200) // 2)
    content = CheckCallerRequest(method="BatchCreateRumMetricDefinitions", request=request)
    before = _new_peak_mib(service)
    with (
        grpc.insecure_channel(service.grpc, [("grpc.max_send_message_length", -1)]) as channel,
        pytest.raises(grpc.RpcError) as rejected,
    ):
        channel.unary_unary(_CHECK_CALLER)(content.SerializeToString(), timeout=_TIMEOUT_S)

    assert rejected.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "at most" in str(rejected.value.details())
    assert _peak_mib(service) - before < 20


@pytest.mark.parametrize("method", [_CREATE_DEFINITIONS, _LIST_CREDENTIALS, _LIST_INSIGHT])
def test_an_anonymous_caller_is_rejected_before_its_message_arrives(
    required: Service, method: str
) -> None:
    with _connected(required) as connection, connection.makefile("rb") as frames:
        connection.sendall(http2.continued_head(1, http2.call_head(path=method.encode())))
        headers = _wait_for_response(frames, 1)

    assert b"missing Authentication Token" in headers


def test_unfinished_messages_take_little_memory(service: Service) -> None:
    """Without turns, one connection takes 124 MiB."""
    before = _new_peak_mib(service)
    with _new_connection(service) as connection:
        sent = send_calls(connection, bytes(4_000_000), calls=32, ends=False)

        assert sent > 1_000_000
        assert _peak_mib(service) - before < 60


@pytest.mark.parametrize("method", ["Check", "Watch"])
def test_unfinished_messages_of_the_health_service_take_little_memory(
    service: Service, method: str
) -> None:
    """Anyone may call it. Without turns, one connection takes 124 MiB."""
    before = _new_peak_mib(service)
    with _new_connection(service) as connection:
        sent = send_calls(
            connection,
            bytes(4_000_000),
            calls=32,
            path=f"/grpc.health.v1.Health/{method}".encode(),
            ends=False,
            for_s=1.0,
        )

        assert sent > 1_000_000
        assert _peak_mib(service) - before < 60


@pytest.mark.parametrize("method", ["/grpc.health.v1.Health/Check", _REFLECT])
def test_a_long_message_of_health_and_reflection_is_rejected(service: Service, method: str) -> None:
    with grpc.insecure_channel(service.grpc) as channel, pytest.raises(grpc.RpcError) as rejected:
        channel.unary_unary(method)(bytes(2000), timeout=_TIMEOUT_S)

    assert rejected.value.details() == "The message must have at most 1024 bytes."


@pytest.mark.parametrize("method", [_LIST_INSIGHT, _REFLECT], ids=["insight", "reflection"])
def test_unfinished_messages_of_a_token_take_little_memory(required: Service, method: str) -> None:
    """Any token makes its caller known. Without turns, one connection takes 124 MiB."""
    fields = [http2.field(b"authorization", b"Bearer " + _read_token(required).encode())]
    before = _peak_mib(required)
    with _new_connection(required) as connection:
        sent = send_calls(
            connection,
            bytes(4_000_000),
            calls=32,
            path=method.encode(),
            fields=fields,
            ends=False,
            for_s=1.0,
        )

        assert sent > 1_000_000
        assert _peak_mib(required) - before < 60


def _read_token(service: Service) -> str:
    grant = Grant(name="reader", access=[ACCESS_READ])
    with grpc.insecure_channel(service.grpc) as channel:
        stub = OperatorServiceStub(channel)
        created = stub.CreateToken(CreateTokenRequest(grant=grant), metadata=service.operator)
    return created.token


def test_an_upload_without_access_is_rejected_before_its_first_message(required: Service) -> None:
    """It could keep 32 messages of 4 MB on each connection for 10 s."""
    token = http2.field(b"authorization", b"Bearer " + _read_token(required).encode())
    head = http2.call_head(token, path=b"/rum.v1.SourceMapService/UploadSourceMap")
    with _connected(required) as connection, connection.makefile("rb") as frames:
        connection.settimeout(5.0)
        connection.sendall(http2.continued_head(1, head))
        headers = _wait_for_response(frames, 1)

    assert b"not authorized to perform: rum:UploadSourceMap" in headers


def test_an_unfinished_message_is_given_up_after_a_while(tmp_path: Path) -> None:
    """Also an idle stream of reflection."""
    body = http2.frame(http2.DATA, 0, 1, bytes([0, 0, 0, 0, 9]) + b"half")
    put = http2.continued_head(1, http2.call_head()) + body
    reflect = http2.continued_head(1, http2.call_head(path=_REFLECT.encode()))
    headers = []
    with Service(tmp_path, OPENRUM_BODY_TIMEOUT_S="1") as service:
        for sent in (put, reflect):
            with _connected(service) as connection, connection.makefile("rb") as frames:
                connection.sendall(sent)
                headers.append(_wait_for_response(frames, 1))

    assert [b"The message must arrive within 1 s." in each for each in headers] == [True, True]


def test_puts_go_on_beside_unfinished_messages(service: Service) -> None:
    """They come from the same address, which may receive 16 messages at once."""
    body = message(new_id()).SerializeToString()
    with _new_connection(service) as hostile, grpc.insecure_channel(service.grpc) as channel:
        sending = threading.Thread(
            target=send_calls,
            args=(hostile, bytes(4_000_000)),
            kwargs={"calls": 32, "ends": False},
        )
        sending.start()
        codes = set()
        while sending.is_alive():
            with pytest.raises(grpc.RpcError) as rejected:
                channel.unary_unary(_PUT)(body, timeout=_TIMEOUT_S)
            codes.add(rejected.value.code())
        sending.join()

    assert codes == {grpc.StatusCode.NOT_FOUND}


def _new_connection(service: Service) -> socket.socket:
    host, _, port = service.grpc.rpartition(":")
    return socket.create_connection((host, int(port)), _TIMEOUT_S)


def test_bytes_that_are_not_a_control_plane_message_are_a_validation_exception(
    service: Service,
) -> None:
    with grpc.insecure_channel(service.grpc) as channel, pytest.raises(grpc.RpcError) as rejected:
        channel.unary_unary(_CREATE_DEFINITIONS)(b"\xff\xff", timeout=_TIMEOUT_S)

    text = "The message is not a BatchCreateRumMetricDefinitionsRequest."
    assert (rejected.value.code(), rejected.value.details()) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        text,
    )


def _new_peak_mib(service: Service) -> int:
    """Forget the peak of earlier tests, and return the memory that the process uses, in MiB."""
    Path(f"/proc/{service.pid}/clear_refs").write_text("5")
    return _peak_mib(service)


def _peak_mib(service: Service) -> int:
    """Return the most memory that the process has used, in MiB."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def test_the_server_states_how_many_calls_may_be_in_progress(service: Service) -> None:
    host, _, port = service.grpc.rpartition(":")
    with socket.create_connection((host, int(port)), _TIMEOUT_S) as connection:
        connection.sendall(_PREFACE + _EMPTY_SETTINGS)
        with connection.makefile("rb") as frames:
            header = frames.read(9)
            settings = frames.read(int.from_bytes(header[:3], "big"))

    pairs = [settings[start : start + 6] for start in range(0, len(settings), 6)]
    values = {int.from_bytes(pair[:2], "big"): int.from_bytes(pair[2:], "big") for pair in pairs}
    assert values[_MAX_CONCURRENT_STREAMS] == 32


@pytest.mark.parametrize("fields", [600, 2400], ids=["accepted", "rejected"])
def test_metadata_of_open_calls_takes_little_memory(service: Service, fields: int) -> None:
    """A field takes up to ten times its length."""
    block = http2.call_head(
        *(http2.field(b"x-%05d" % number, b"b" * 10) for number in range(fields))
    )
    before = _new_peak_mib(service)
    with _connected(service) as connection, connection.makefile("rb") as frames:
        for stream in range(1, 121, 4):
            connection.sendall(http2.continued_head(stream, block))
            connection.sendall(http2.continued_head(stream + 2, http2.call_head()))
            connection.sendall(http2.message(stream + 2, b""))
            _wait_for_response(frames, stream + 2)

    assert _peak_mib(service) - before < 25


def test_a_connection_beyond_the_limit_is_closed(tmp_path: Path) -> None:
    with Service(tmp_path, OPENRUM_MAX_GRPC_CONNECTIONS="3") as service:
        wait_until(lambda: _opened(service, 4) == [True, True, True, False])


def test_an_address_with_too_many_connections_loses_the_newest(tmp_path: Path) -> None:
    limit = 40  # more than the files that the process has open besides
    with (
        Service(tmp_path, OPENRUM_MAX_GRPC_CONNECTIONS_PER_ADDRESS=str(limit)) as service,
        ExitStack() as stack,
        grpc.insecure_channel(service.grpc) as channel,
    ):
        assert _code(channel) is grpc.StatusCode.NOT_FOUND
        connections = [stack.enter_context(_connected(service)) for _ in range(limit + 20)]
        for connection in connections:
            connection.settimeout(0.02)
        wait_until(lambda: sum(_is_closed(connection) for connection in connections) >= 21)

        assert sum(_is_closed(connection) for connection in connections) == 21
        assert _code(channel) is grpc.StatusCode.NOT_FOUND


def _code(channel: grpc.Channel) -> grpc.StatusCode:
    body = message(new_id()).SerializeToString()
    with pytest.raises(grpc.RpcError) as rejected:
        channel.unary_unary(_PUT)(body, timeout=_TIMEOUT_S)
    code: grpc.StatusCode = rejected.value.code()
    return code


def _is_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(1 << 10):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def _opened(service: Service, count: int) -> list[bool]:
    """Open connections together. Return whether the server keeps each of them."""
    with ExitStack() as stack:
        connections = [stack.enter_context(_connected(service)) for _ in range(count)]
        return [bool(connection.recv(9)) for connection in connections]


def test_calls_that_are_reset_at_once_take_little_memory(tmp_path: Path) -> None:
    """Without a limit on the calls that wait for the event loop, they would take 230 MiB."""
    head = http2.call_head()
    reset = [
        http2.continued_head(stream, head) + http2.frame(http2.RST_STREAM, 0, stream, bytes(4))
        for stream in range(1, 40_001, 2)
    ]
    with Service(tmp_path) as service:
        before = _new_peak_mib(service)
        with _connected(service) as connection, connection.makefile("rb") as frames:
            connection.sendall(b"".join(reset) + http2.frame(http2.PING, 0, 0, bytes(8)))
            _wait_for_ping(frames)

        assert _peak_mib(service) - before < 100


def test_metadata_that_is_not_text_is_logged_without_its_value(service: Service) -> None:
    head = http2.call_head(http2.field(b"x-a", b"\xff\xfesecret"))
    with _connected(service) as connection, connection.makefile("rb") as frames:
        connection.sendall(http2.continued_head(1, head) + http2.message(1, b""))
        _wait_for_response(frames, 1)

    wait_until(lambda: any("metadata is not UTF-8" in line for line in service.output))
    assert not any("secret" in line or "Traceback" in line for line in service.output)


def _connected(service: Service) -> socket.socket:
    host, _, port = service.grpc.rpartition(":")
    connection = socket.create_connection((host, int(port)), _TIMEOUT_S)
    connection.sendall(http2.OPENING + http2.frame(http2.SETTINGS, http2.ACK, 0, b""))
    return connection


def _wait_for_response(frames: BinaryIO, stream: int) -> bytes:
    """Return the first headers of a response, which are the only ones of an error."""
    while header := frames.read(9):
        payload = frames.read(int.from_bytes(header[:3], "big"))
        if header[3] == http2.HEADERS and int.from_bytes(header[5:], "big") == stream:
            return payload
    raise AssertionError("the server closed the connection")


def _wait_for_ping(frames: BinaryIO) -> None:
    """Wait until the server has read everything before a PING frame."""
    while header := frames.read(9):
        frames.read(int.from_bytes(header[:3], "big"))
        if header[3] == http2.PING and header[4] & http2.ACK:
            return
    raise AssertionError("the server closed the connection")


async def _block(blocked: threading.Event, go_on: threading.Event) -> None:
    """Block the event loop until `go_on` is set."""
    blocked.set()
    assert go_on.wait(_TIMEOUT_S)


def test_calls_that_wait_for_the_event_loop_are_not_cancelled(tmp_path: Path) -> None:
    """By default gRPC answers calls at random with CANCELLED when more than 1,000 wait.

    Each client has more calls than a connection allows. None is refused.
    """
    loop = LoopThread()
    running = running_service(settings_in(tmp_path))
    service = loop.run(running.__aenter__())
    body = message(new_id()).SerializeToString()
    blocked, go_on = threading.Event(), threading.Event()
    channels = [
        grpc.insecure_channel(service.address, [("grpc.use_local_subchannel_pool", 1)])
        for _ in range(40)
    ]
    try:
        for channel in channels:
            grpc.channel_ready_future(channel).result(_TIMEOUT_S)
        with ThreadPoolExecutor(1) as blocker:
            blocking = blocker.submit(loop.run, _block(blocked, go_on))
            assert blocked.wait(_TIMEOUT_S)
            calls = [
                channel.unary_unary(_PUT).future(body, timeout=_TIMEOUT_S)
                for channel in channels
                for _ in range(90)
            ]
            go_on.set()
            blocking.result(_TIMEOUT_S)
        codes = {call.exception(_TIMEOUT_S).code() for call in calls}
    finally:
        go_on.set()
        for channel in channels:
            channel.close()
        loop.run(running.__aexit__(None, None, None))
        loop.stop()

    assert codes == {grpc.StatusCode.NOT_FOUND}


@pytest.mark.parametrize(
    ("method", "field", "text"),
    [
        pytest.param(_PUT, b"\x2a\x00", "RumEvents must have at most 10000 items.", id="events"),
        pytest.param(_BATCH_PUT, b"\x0a\x00", "entries must have 1 to 1000 items.", id="entries"),
    ],
)
def test_a_put_of_many_empty_messages_is_rejected_before_it_is_parsed(
    service: Service, method: str, field: bytes, text: str
) -> None:
    """Parsed, each empty message takes 50 times its two bytes."""
    content = field * ((2 << 20) - 16)
    before = _new_peak_mib(service)
    with (
        grpc.insecure_channel(service.grpc, [("grpc.max_send_message_length", -1)]) as channel,
        pytest.raises(grpc.RpcError) as rejected,
    ):
        channel.unary_unary(method)(content, timeout=_TIMEOUT_S)

    assert (rejected.value.code(), rejected.value.details()) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        text,
    )
    # The message itself is in memory up to four times: 20 MiB each.
    assert _peak_mib(service) - before < 100
