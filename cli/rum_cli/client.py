"""A gRPC client of the running service, and its failures as one line and an exit code."""

from __future__ import annotations

__all__ = ["Client", "client", "service_option"]

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import grpc
from google.rpc.status_pb2 import Status

from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from rum_cli.failure import NO_SERVICE, REFUSED, Failure


def service_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --service, the address of the service."""
    return click.option(
        "--service",
        envvar="OPENRUM_GRPC",
        default="127.0.0.1:50051",
        show_default=True,
        show_envvar=True,
        metavar="HOST:PORT",
        help="The service to talk to.",
    )(command)


@dataclass(frozen=True)
class Client:
    """Both planes of one service."""

    data_plane: DataPlaneServiceStub
    control_plane: ControlPlaneServiceStub


@contextmanager
def client(service: str) -> Iterator[Client]:
    """Opens a client; a failed call inside ends the command with one line and an exit code."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(service, options=options) as channel:
        try:
            yield Client(DataPlaneServiceStub(channel), ControlPlaneServiceStub(channel))
        except grpc.RpcError as error:
            raise _failure(service, error) from None


def _failure(service: str, error: Any) -> Failure:
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return Failure(
            f"no service answers at {service}; start one with `openrum up`, or set OPENRUM_GRPC",
            NO_SERVICE,
        )
    return Failure(f"{_error_name(error)}: {error.details()}", REFUSED)


def _error_name(error: Any) -> str:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for details in Status.FromString(value).details:
                return str(details.TypeName()).rpartition(".")[2]
    return str(error.code().name)
