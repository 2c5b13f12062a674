"""The settings of the service: environment variables under OPENRUM_."""

from __future__ import annotations

__all__ = ["ServiceSettings"]

import ipaddress
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Every knob with its unit and default; docs/operations.md shows the same table."""

    model_config = SettingsConfigDict(env_prefix="OPENRUM_", frozen=True)

    grpc: str = Field(
        default="127.0.0.1:50051",
        description="Where the service listens for gRPC, host:port. Port 0 takes any free port.",
    )
    socket: str = Field(
        default="",
        description="A Unix socket the service listens on too, without TLS, for a bridge or the "
        "`openrum` command on the same machine.",
    )
    database_url: str = Field(
        default="sqlite:///var/openrum.sqlite3",
        description="Where events are kept: sqlite:///FILE or postgresql+psycopg://...",
    )
    auth: Literal["auto", "required"] = Field(
        default="auto",
        description="When callers are authorized: `auto` is everywhere but on loopback, `required` "
        "is there too.",
    )
    check_origin: bool = Field(
        default=False,
        description="Whether a page must be of a Domain of its app monitor to put events.",
    )
    account_id: str = Field(
        default="000000000000",
        pattern="^[0-9]{12}$",
        description="The AWS account id in ARNs and event documents, 12 digits.",
    )
    region: str = Field(
        default="",
        pattern="^[a-z0-9-]*$",
        description="The region in ARNs and the only one that signatures may name. Where it is "
        "empty ARNs have us-east-1 and signatures any.",
    )
    operator_token_file: Path = Field(
        default=Path("var/operator.token"),
        description="Who can read this file may do everything: the `openrum` command does. Made at "
        "the first start.",
    )
    bridge_token_file: Path = Field(
        default=Path("var/bridge.token"),
        description="Tells a bridge from other callers, so that its reports of who calls are "
        "believed. Made by the service at its first start.",
    )
    secrets_key_file: Path = Field(
        default=Path("var/secrets.key"),
        description="Encrypts the secrets of access keys in the database. Made with the first key.",
    )
    grpc_certificate_file: Path | None = Field(
        default=None, description="TLS for gRPC: the certificate chain, PEM. Read again on change."
    )
    grpc_key_file: Path | None = Field(
        default=None, description="TLS for gRPC: the key of the certificate, PEM."
    )
    client_ca_file: Path | None = Field(
        default=None,
        description="mTLS for gRPC: callers must show a certificate signed by this CA, PEM.",
    )
    # NoDecode: JSON that is none is then a failed validation like any other.
    certificate_access: Annotated[list[Literal["read", "write", "admin"]], NoDecode] = Field(
        default=["read", "write"],
        description="What callers with such a certificate may do, as JSON.",
    )
    max_app_monitors: int = Field(
        default=1000, ge=1, description="The most app monitors there may be; AWS allows 20."
    )
    max_message_bytes: int = Field(
        default=32 << 20, ge=1 << 16, description="The longest gRPC message taken, in bytes."
    )
    max_events: int = Field(default=10_000, ge=1, description="The most events a batch may hold.")
    max_waiting_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="Bytes that may wait for the disk or the service before puts are throttled.",
    )
    drain_s: float = Field(
        default=10.0, ge=0, description="How long a stop waits for calls under way, in seconds."
    )

    @field_validator("certificate_access", mode="before")
    @classmethod
    def _from_json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError('must be a JSON array, as ["read", "write"]') from None

    @field_validator("grpc")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise ValueError("must be host:port, as 127.0.0.1:50051")
        return value

    @model_validator(mode="after")
    def _tls(self) -> ServiceSettings:
        if (self.grpc_certificate_file is None) != (self.grpc_key_file is None):
            raise ValueError("OPENRUM_GRPC_CERTIFICATE_FILE and OPENRUM_GRPC_KEY_FILE go together")
        if self.client_ca_file and not self.grpc_certificate_file:
            raise ValueError("OPENRUM_CLIENT_CA_FILE needs OPENRUM_GRPC_CERTIFICATE_FILE")
        if self.exposed and not self.grpc_certificate_file:
            raise ValueError(
                f"OPENRUM_GRPC: {self.grpc} can be reached from other machines; set"
                " OPENRUM_GRPC_CERTIFICATE_FILE and OPENRUM_GRPC_KEY_FILE, so that tokens and"
                " events are encrypted on their way, or set a loopback address, 127.0.0.1 or [::1]"
            )
        return self

    @property
    def exposed(self) -> bool:
        """Whether other machines can reach the gRPC face."""
        host = self.grpc.rpartition(":")[0].strip("[]")
        try:
            return host != "localhost" and not ipaddress.ip_address(host).is_loopback
        except ValueError:
            return True
