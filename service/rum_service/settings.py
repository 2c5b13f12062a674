"""The settings of the service: environment variables under OPENRUM_."""

from __future__ import annotations

__all__ = ["ServiceSettings"]

import ipaddress

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Every knob with its unit and default; docs/operations.md shows the same table."""

    model_config = SettingsConfigDict(env_prefix="OPENRUM_", frozen=True)

    grpc: str = Field(
        default="127.0.0.1:50051",
        description="Where the service listens for gRPC, host:port. Port 0 takes any free port.",
    )
    socket: str = Field(
        default="",
        description="A Unix socket the service listens on too, for a bridge on the same machine.",
    )
    database_url: str = Field(
        default="sqlite:///var/openrum.sqlite3",
        description="Where events are kept: sqlite:///FILE or postgresql+psycopg://...",
    )
    account_id: str = Field(
        default="000000000000",
        pattern=r"^\d{12}$",
        description="The AWS account id that event documents show, 12 digits.",
    )
    max_message_bytes: int = Field(
        default=32 << 20, ge=1 << 16, description="The longest gRPC message taken, in bytes."
    )
    max_events: int = Field(default=10_000, ge=1, description="The most events a batch may hold.")
    max_waiting_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="Compressed bytes that may wait for the disk before puts are throttled.",
    )
    drain_s: float = Field(
        default=10.0, ge=0, description="How long a stop waits for calls under way, in seconds."
    )

    @field_validator("grpc")
    @classmethod
    def _only_loopback(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("must be host:port, as 127.0.0.1:50051")
        if not _is_loopback(host.strip("[]")):
            raise ValueError(
                f"{host} can be reached from other machines and callers are not authenticated yet; "
                "set a loopback address, 127.0.0.1 or [::1]"
            )
        return value


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
