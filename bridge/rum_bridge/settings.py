"""The settings of the bridge: environment variables under OPENRUM_."""

from __future__ import annotations

__all__ = ["BridgeSettings"]

import ipaddress
import json
from typing import Annotated

from pydantic import Field, field_validator
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
    path_prefix: str = Field(
        default="",
        pattern=r"^(/[^/]+)*$",
        description="A path the control plane is served under too, as /rum. PutRumEvents is served"
        " under any.",
    )
    # NoDecode: JSON that is none is then a failed validation like any other.
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
    max_waiting_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="Compressed bytes that may wait for the disk before puts are throttled.",
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

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _from_json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError('must be a JSON array, as ["https://shop.example"]') from None

    @field_validator("http")
    @classmethod
    def _only_loopback(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("must be host:port, as 127.0.0.1:8080")
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
