"""The settings of the bridge: environment variables under OPENRUM_."""

from __future__ import annotations

__all__ = ["BridgeSettings"]

import ipaddress
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class BridgeSettings(BaseSettings):
    """Every knob with its unit and default; docs/operations.md shows the same table."""

    model_config = SettingsConfigDict(env_prefix="OPENRUM_", frozen=True)

    http: str = Field(
        default="127.0.0.1:8080",
        description="Where the bridge listens for HTTP, host:port. Port 0 takes any free port.",
    )
    service: str = Field(
        default="127.0.0.1:50051",
        description="The service the bridge calls: host:port or unix:PATH. `openrum up` sets it.",
    )
    auth: Literal["auto", "required"] = Field(
        default="auto",
        description="When callers are authorized: `auto` is everywhere but on loopback, `required` "
        "is there too.",
    )
    bridge_token_file: Path = Field(
        default=Path("var/bridge.token"),
        description="Tells a bridge from other callers, so that its reports of who calls are "
        "believed. Made by the service at its first start.",
    )
    # NoDecode: JSON that is none is then a failed validation like any other.
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Addresses and networks whose X-Forwarded-For is believed, as JSON: "
        '["10.0.0.0/8"].',
    )
    http_certificate_file: Path | None = Field(
        default=None, description="TLS for HTTP: the certificate chain, PEM. Read again on change."
    )
    http_key_file: Path | None = Field(
        default=None, description="TLS for HTTP: the key of the certificate, PEM."
    )
    service_ca_file: Path | None = Field(
        default=None,
        description="The CA of the service's certificate, PEM, where the bridge calls it over TLS.",
    )
    service_certificate_file: Path | None = Field(
        default=None, description="The bridge's own certificate for a service with mTLS, PEM."
    )
    service_key_file: Path | None = Field(
        default=None, description="The key of the bridge's own certificate, PEM."
    )
    path_prefix: str = Field(
        default="",
        pattern=r"^(/[^/{}]+)*$",
        description="A path the control plane is served under too, as /rum. PutRumEvents is served"
        " under any.",
    )
    allowed_origins: Annotated[list[str], NoDecode] = Field(
        default=["*"],
        description="Origins whose pages may send events with fetch, as JSON: "
        '["https://shop.example"].',
    )
    max_body_bytes: int = Field(
        default=4 << 20, ge=1 << 10, description="The longest body taken, in bytes as sent."
    )
    max_decoded_bytes: int = Field(
        default=16 << 20, ge=1 << 10, description="The longest body taken, in bytes once gunzipped."
    )
    max_events: int = Field(default=10_000, ge=1, description="The most events a batch may hold.")
    max_waiting_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="Bytes that may wait for the disk or the service before puts are throttled.",
    )
    body_timeout_s: float = Field(
        default=30.0, gt=0, description="How long a client may take to send a body, in seconds."
    )
    put_timeout_s: float = Field(
        default=10.0,
        gt=0,
        description="How long a put waits for the service, over its restart too, in seconds.",
    )
    drain_s: float = Field(
        default=10.0, ge=0, description="How long a stop waits for calls under way, in seconds."
    )

    @field_validator("allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _from_json(cls, value: object, field: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        example = "10.0.0.0/8" if field.field_name == "trusted_proxies" else "https://shop.example"
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError(f'must be a JSON array, as ["{example}"]') from None

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        # uvicorn takes what is neither for the name of a peer, which then never comes.
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"must be addresses and networks: {error}") from None
        return value

    @field_validator("http")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise ValueError("must be host:port, as 127.0.0.1:8080")
        return value

    @model_validator(mode="after")
    def _tls(self) -> BridgeSettings:
        if (self.http_certificate_file is None) != (self.http_key_file is None):
            raise ValueError("OPENRUM_HTTP_CERTIFICATE_FILE and OPENRUM_HTTP_KEY_FILE go together")
        if (self.service_certificate_file is None) != (self.service_key_file is None):
            raise ValueError(
                "OPENRUM_SERVICE_CERTIFICATE_FILE and OPENRUM_SERVICE_KEY_FILE go together"
            )
        if self.service_certificate_file and not self.service_ca_file:
            raise ValueError("OPENRUM_SERVICE_CERTIFICATE_FILE needs OPENRUM_SERVICE_CA_FILE")
        return self

    @property
    def http_pair(self) -> tuple[Path, Path] | None:
        """Certificate and key of the HTTP face; None without TLS."""
        certificate, key = self.http_certificate_file, self.http_key_file
        return (certificate, key) if certificate and key else None

    @property
    def service_pair(self) -> tuple[Path, Path] | None:
        """The bridge's own certificate and its key; None without mTLS."""
        certificate, key = self.service_certificate_file, self.service_key_file
        return (certificate, key) if certificate and key else None

    @property
    def exposed(self) -> bool:
        """Whether other machines can reach the HTTP face."""
        host = self.http.rpartition(":")[0].strip("[]")
        try:
            return host != "localhost" and not ipaddress.ip_address(host).is_loopback
        except ValueError:
            return True

    @property
    def authorization_required(self) -> bool:
        """Whether the service is to authorize what this bridge relays, open as it may be itself."""
        return self.auth == "required" or self.exposed
