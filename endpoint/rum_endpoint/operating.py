"""The settings of every server for its operators."""

from __future__ import annotations

__all__ = ["OperatingSettings"]

from dataclasses import replace
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rum_endpoint.address import Address

_LOOPBACK = "127.0.0.1"


class OperatingSettings(BaseSettings):
    """Settings that the service and the bridge have in common."""

    model_config = SettingsConfigDict(env_prefix="OPENRUM_", frozen=True)

    metrics: str = Field(
        default="",
        description="Address that serves metrics to Prometheus, as host:port or as a port of "
        "127.0.0.1. If empty, metrics are not served. Worker N of `openrum up --workers` adds N to "
        "the port.",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="Form of the log lines. `auto` writes lines for people on a terminal, and JSON "
        "elsewhere.",
    )
    request_sampling: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the requests that are logged with their outcome and duration: 0.01 "
        "logs one of 100. The bridge and the service choose the same requests. At most 100 lines "
        "are written in 10 seconds.",
    )
    traces: str = Field(
        default="",
        pattern=r"^(https?://[^\s]+)?$",
        description="URL of the OpenTelemetry collector that receives spans for the requests that "
        "OPENRUM_REQUEST_SAMPLING chooses, such as http://127.0.0.1:4318/v1/traces. Requires "
        "`openrum[traces]`.",
    )
    address_requests_per_s: int = Field(
        default=1000,
        ge=0,
        description="How many puts a second each process accepts from an IPv4 address or an IPv6 "
        "/64 network. Twice as many may come at once. Loopback addresses have no limit. Over gRPC, "
        "callers with a token or a client certificate have none either. 0: no limit.",
    )
    address_events_per_s: int = Field(
        default=20_000,
        ge=0,
        description="How many events a second each process accepts from such an address. Events "
        "count once their put has arrived, and limit the next puts. 0: no limit.",
    )
    address_bytes_per_s: int = Field(
        default=16 << 20,
        ge=0,
        description="How many bytes of puts a second each process accepts from such an address. "
        "0: no limit.",
    )

    @field_validator("metrics")
    @classmethod
    def _loopback_by_default(cls, value: str) -> str:
        if value:
            value = f"{_LOOPBACK}:{value}" if ":" not in value else value
            Address.parse(value)
        return value

    @property
    def address_rates(self) -> dict[str, float]:
        """The rates of one client address, for `AddressBuckets`."""
        return {
            "requests": self.address_requests_per_s,
            "events": self.address_events_per_s,
            "bytes": self.address_bytes_per_s,
        }

    def metrics_address(self, worker: int = 0) -> Address | None:
        """Return the address that serves metrics, or None if none does.

        Args:
            worker: the worker's number. Workers use the ports that follow the main process's port.
        """
        if not self.metrics:
            return None
        address = Address.parse(self.metrics)
        return replace(address, port=address.port + worker) if address.port else address
