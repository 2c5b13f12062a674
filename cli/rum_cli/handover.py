"""How a server takes over from the process before it: with --rolling, or a socket of systemd."""

from __future__ import annotations

__all__ = ["inherited_socket", "reject_inherited_socket", "with_address_of", "with_rolling"]

import socket
from typing import TypeVar

from pydantic_settings import BaseSettings

from rum_cli.failure import WRONG_USAGE, Failure
from rum_endpoint.address import Address
from rum_endpoint.start_error import StartError
from rum_endpoint.systemd import inherited_listener

Settings = TypeVar("Settings", bound=BaseSettings)


def with_rolling(settings: Settings, rolling: bool) -> Settings:
    """Return the settings with OPENRUM_ROLLING if the option --rolling is given."""
    return settings.model_copy(update={"rolling": True}) if rolling else settings


def with_address_of(settings: Settings, listener: socket.socket | None) -> Settings:
    """Return a bridge's settings with the address of its socket, if systemd passes one."""
    if listener is None:
        return settings
    host, port = listener.getsockname()[:2]
    # Whether callers are authorized depends on the address.
    return settings.model_copy(update={"http": str(Address(host, port)), "rolling": False})


def inherited_socket() -> socket.socket | None:
    """Return the socket that systemd passes, if it does. Raises Failure."""
    try:
        return inherited_listener()
    except StartError as error:
        raise Failure(str(error), WRONG_USAGE) from None


def reject_inherited_socket() -> None:
    """Raise Failure if systemd passes a socket to a server that cannot use it."""
    if inherited_socket():
        raise Failure(
            "LISTEN_FDS: gRPC cannot use a socket of systemd; start a second service with --rolling"
            " to restart without a gap",
            WRONG_USAGE,
        )
