"""A gRPC client of the running service. A failed call ends the command with one line."""

from __future__ import annotations

__all__ = ["CLIENT_ENVIRONMENT", "Client", "ClientCommand", "Target", "connect", "find_token"]

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import grpc
from click.core import ParameterSource
from google.rpc.status_pb2 import Status
from grpc_health.v1.health_pb2_grpc import HealthStub

from rum.internal.v1.bridge_service_pb2_grpc import BridgeServiceStub
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.insight_service_pb2_grpc import InsightServiceStub
from rum.v1.source_map_service_pb2_grpc import SourceMapServiceStub
from rum_cli.commands import Command
from rum_cli.failure import NO_SERVICE, REJECTED, WRONG_USAGE, Failure
from rum_endpoint.address import Address
from rum_endpoint.metadata import STATUS_DETAILS_KEY, bearer

_NO_ANSWER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_TIMEOUT_S = 60.0
"""For each call: a page of events and a full batch call take far less."""

DEFAULT_SERVICE = "127.0.0.1:50051"
DEFAULT_TOKEN_FILE = "var/operator.token"  # noqa: S105 - a path, not a token
CLIENT_ENVIRONMENT = [
    ("OPENRUM_SERVICE", f"The service to call; {DEFAULT_SERVICE} by default."),
    ("OPENRUM_SERVICE_CA_FILE", "The CA of the service's certificate."),
    ("OPENRUM_TOKEN_FILE", "The file with the bearer token to send."),
    (
        "OPENRUM_OPERATOR_TOKEN_FILE",
        f"The operator token, sent if no other is given; {DEFAULT_TOKEN_FILE} by default.",
    ),
]


@dataclass(frozen=True)
class Target:
    """The service to call, and the credentials to call it with."""

    service: str = DEFAULT_SERVICE
    token_file: Path | None = None
    ca_file: Path | None = None
    arguments: tuple[str, ...] = ()
    """The options above as they stood on the command line, to repeat in hints."""


class ClientCommand(Command):
    """A command that calls the service: --service, --token-file and --ca-file become `target`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("environment", CLIENT_ENVIRONMENT)
        super().__init__(*args, **options)
        self.params += _target_options()

    def invoke(self, ctx: click.Context) -> Any:
        values: dict[str, Any] = {}
        arguments: list[str] = []
        for option in ("service", "token_file", "ca_file"):
            values[option] = ctx.params.pop(option)
            if ctx.get_parameter_source(option) is ParameterSource.COMMANDLINE:
                arguments += [f"--{option.replace('_', '-')}", str(values[option])]
        ctx.params["target"] = Target(**values, arguments=tuple(arguments))
        return super().invoke(ctx)


def _target_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--service"],
            envvar="OPENRUM_SERVICE",
            default=DEFAULT_SERVICE,
            metavar="ADDRESS",
            help="The service to call, HOST:PORT or unix:PATH.",
        ),
        click.Option(
            ["--token-file"],
            envvar="OPENRUM_TOKEN_FILE",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="A file with the bearer token to send.",
        ),
        click.Option(
            ["--ca-file"],
            envvar="OPENRUM_SERVICE_CA_FILE",
            metavar="FILE",
            type=click.Path(dir_okay=False, exists=True, path_type=Path),
            help="Call the service over TLS and trust this CA.",
        ),
    ]


@dataclass(frozen=True)
class Client:
    """The stubs of one service."""

    bridge: BridgeServiceStub
    control_plane: ControlPlaneServiceStub
    operator: OperatorServiceStub
    source_maps: SourceMapServiceStub
    health: HealthStub
    insight: InsightServiceStub


@contextmanager
def connect(target: Target, *, with_token: bool = True) -> Iterator[Client]:
    """Open a client. A failed call inside ends the command with one line and an exit code."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    token, missing = find_token(target) if with_token else (None, "")
    with _open_channel(target, options) as plain:
        channel = grpc.intercept_channel(plain, _BearerToken(token))
        try:
            yield Client(
                BridgeServiceStub(channel),
                ControlPlaneServiceStub(channel),
                OperatorServiceStub(channel),
                SourceMapServiceStub(channel),
                HealthStub(channel),
                InsightServiceStub(channel),
            )
        except grpc.RpcError as error:
            raise _failure(target.service, error, missing) from None


def _open_channel(target: Target, options: list[tuple[str, int]]) -> grpc.Channel:
    if target.ca_file is None:
        return grpc.insecure_channel(target.service, options)
    credentials = grpc.ssl_channel_credentials(target.ca_file.read_bytes())
    return grpc.secure_channel(target.service, credentials, options)


def find_token(target: Target) -> tuple[str | None, str]:
    """Return the token to send, or None and the reason why there is none."""
    default = Path(os.environ.get("OPENRUM_OPERATOR_TOKEN_FILE", DEFAULT_TOKEN_FILE))
    if target.token_file is None and not _is_private(target):
        return None, (
            f"The operator token is not sent to {target.service} without TLS;"
            " use --ca-file, or --token-file to send a token anyway."
        )
    file = target.token_file or default
    try:
        token = file.read_text(errors="replace").strip()
    except OSError as error:
        if target.token_file:
            raise Failure(f"{file}: {error.strerror}", WRONG_USAGE) from None
        return None, (
            f"The operator token file {file} cannot be read: {error.strerror}."
            " Set OPENRUM_OPERATOR_TOKEN_FILE, or use --token-file."
        )
    if not token.isascii() or not token.isprintable():
        raise Failure(f"{file}: this file does not hold a token", WRONG_USAGE)
    return token, ""


def _is_private(target: Target) -> bool:
    """Return whether nobody between this process and the service can read a token."""
    if target.ca_file or target.service.startswith("unix:"):
        return True
    try:
        return Address.parse(target.service).is_loopback
    except ValueError:
        return False


class _Details(NamedTuple):
    method: str
    timeout: float | None
    metadata: list[tuple[str, str]] | None
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _BearerToken(grpc.UnaryUnaryClientInterceptor, grpc.StreamUnaryClientInterceptor):
    """Sends the token with every call, and gives every call a deadline."""

    def __init__(self, token: str | None) -> None:
        self._metadata = [bearer(token)] if token else []

    def intercept_unary_unary(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        return continuation(self._extended(client_call_details), request)

    def intercept_stream_unary(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        return continuation(self._extended(client_call_details), request_iterator)

    def _extended(self, client_call_details: Any) -> _Details:
        return _Details(
            client_call_details.method,
            client_call_details.timeout or _TIMEOUT_S,
            [*(client_call_details.metadata or ()), *self._metadata],
            client_call_details.credentials,
            client_call_details.wait_for_ready,
            client_call_details.compression,
        )


def _failure(service: str, error: Any, missing_token: str) -> Failure:
    name = _error_name(error)
    # A service that answers with one of these codes also names its exception.
    if not name and error.code() in _NO_ANSWER:
        return Failure(
            f"no service answers at {service}; start one with `openrum up`, or set OPENRUM_SERVICE",
            NO_SERVICE,
        )
    message = f"{name or error.code().name}: {error.details()}"
    if name == "ProjectionUnavailableException":
        message += " Start it with `openrum projector`, or use `openrum up`, which runs it."
    if name == "InternalServerException":
        message += " The log of the service has the reason."
    if name == "MissingAuthenticationTokenException" and missing_token:
        message += f". {missing_token}"
    return Failure(message, REJECTED)


def _error_name(error: Any) -> str:
    """Return the name of the service's exception. Empty: the service did not answer."""
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY:
            for details in Status.FromString(value).details:
                return str(details.TypeName()).rpartition(".")[2]
    return ""
