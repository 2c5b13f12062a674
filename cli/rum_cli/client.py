"""A gRPC client of the running service, and its failures as one line and an exit code."""

from __future__ import annotations

__all__ = ["Client", "Target", "client", "service_options"]

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click
import grpc
from google.rpc.status_pb2 import Status

from rum.internal.v1.bridge_service_pb2_grpc import BridgeServiceStub
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum_cli.failure import NO_SERVICE, REFUSED, WRONG_USAGE, Failure
from rum_endpoint.address import Address
from rum_endpoint.metadata import STATUS_DETAILS_KEY, bearer

_OPERATOR_TOKEN_FILE = "var/operator.token"  # noqa: S105 - where it is, not what


@dataclass(frozen=True)
class Target:
    """The service to talk to, and as whom."""

    service: str
    token_file: Path | None
    ca_file: Path | None


def service_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --service, --token-file and --ca-file, and passes them on as one `target`."""

    @click.option(
        "--service",
        envvar="OPENRUM_GRPC",
        default="127.0.0.1:50051",
        show_default=True,
        show_envvar=True,
        metavar="HOST:PORT",
        help="The service to talk to; unix:PATH too.",
    )
    @click.option(
        "--token-file",
        envvar="OPENRUM_TOKEN_FILE",
        show_envvar=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="A file with the token to show; the operator's if it can be read.",
    )
    @click.option(
        "--ca-file",
        envvar="OPENRUM_SERVICE_CA_FILE",
        show_envvar=True,
        type=click.Path(dir_okay=False, exists=True, path_type=Path),
        help="The CA of the service's certificate, where it has TLS.",
    )
    @wraps(command)
    def with_target(
        *, service: str, token_file: Path | None, ca_file: Path | None, **options: Any
    ) -> Any:
        return command(target=Target(service, token_file, ca_file), **options)

    return with_target


@dataclass(frozen=True)
class Client:
    """The planes of one service."""

    bridge: BridgeServiceStub
    control_plane: ControlPlaneServiceStub
    operator: OperatorServiceStub


@contextmanager
def client(target: Target) -> Iterator[Client]:
    """Opens a client; a failed call inside ends the command with one line and an exit code."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with _channel(target, options) as plain:
        channel = grpc.intercept_channel(plain, _Token(_token(target)))
        try:
            yield Client(
                BridgeServiceStub(channel),
                ControlPlaneServiceStub(channel),
                OperatorServiceStub(channel),
            )
        except grpc.RpcError as error:
            raise _failure(target.service, error) from None


def _channel(target: Target, options: list[tuple[str, int]]) -> grpc.Channel:
    if target.ca_file is None:
        return grpc.insecure_channel(target.service, options)
    credentials = grpc.ssl_channel_credentials(target.ca_file.read_bytes())
    return grpc.secure_channel(target.service, credentials, options)


def _token(target: Target) -> str | None:
    default = Path(os.environ.get("OPENRUM_OPERATOR_TOKEN_FILE", _OPERATOR_TOKEN_FILE))
    if target.token_file is None and not _is_near_or_tls(target):
        return None  # nobody asked to send the operator's token to another machine in clear
    file = target.token_file or default
    try:
        token = file.read_text(errors="replace").strip()
    except OSError as error:
        if target.token_file:
            raise Failure(f"{file}: {error.strerror}", WRONG_USAGE) from None
        return None
    if not token.isascii() or not token.isprintable():
        raise Failure(f"{file}: holds no token", WRONG_USAGE)
    return token


def _is_near_or_tls(target: Target) -> bool:
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


class _Token(grpc.UnaryUnaryClientInterceptor):
    """Shows the token with every call."""

    def __init__(self, token: str | None) -> None:
        self._metadata = [bearer(token)] if token else []

    def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        details = _Details(
            client_call_details.method,
            client_call_details.timeout,
            [*(client_call_details.metadata or ()), *self._metadata],
            client_call_details.credentials,
            client_call_details.wait_for_ready,
            client_call_details.compression,
        )
        return continuation(details, request)


def _failure(service: str, error: Any) -> Failure:
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return Failure(
            f"no service answers at {service}; start one with `openrum up`, or set OPENRUM_GRPC",
            NO_SERVICE,
        )
    return Failure(f"{_error_name(error)}: {error.details()}", REFUSED)


def _error_name(error: Any) -> str:
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY:
            for details in Status.FromString(value).details:
                return str(details.TypeName()).rpartition(".")[2]
    return str(error.code().name)
