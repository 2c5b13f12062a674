"""The settings of the bridge: environment variables that start with OPENRUM_."""

from __future__ import annotations

__all__ = ["BridgeSettings"]

import ipaddress
import re
from functools import partial
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from rum_endpoint.address import Address
from rum_endpoint.certificate_files import CertificateFile, pair_files
from rum_endpoint.comma_separated import split_items
from rum_endpoint.operating import OperatingSettings

# No quotes or spaces: the URL is printed in snippets of code and shell commands.
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+")


def _split(example: str) -> BeforeValidator:
    """Split a variable at commas. Its error shows the example."""
    return BeforeValidator(partial(split_items, example=example))


class BridgeSettings(OperatingSettings):
    """Every setting of the bridge, with its unit and default. The docs show the same table."""

    http: str = Field(
        default="127.0.0.1:8080",
        description="Address the bridge listens on for HTTP, as host:port. Port 0 chooses a free "
        "port.",
    )
    public_url: str = Field(
        default="",
        description="URL that clients use to reach the bridge, such as https://rum.example.com, "
        "if it differs from the address in OPENRUM_HTTP. Code snippets for clients contain it.",
    )
    service: str = Field(
        default="127.0.0.1:50051",
        description="Address of the service to call, as host:port or unix:PATH. `openrum up` sets "
        "it for its own bridge.",
    )
    auth: Literal["auto", "required"] = Field(
        default="auto",
        description="`auto` authorizes callers unless the server listens on loopback only. "
        "`required` always authorizes them.",
    )
    # NoDecode: pydantic-settings would parse the variable as JSON.
    allowed_hosts: Annotated[list[str], NoDecode, _split("rum.internal,rum.example.com")] = Field(
        default=[],
        description="Host names under which the control plane accepts calls while callers are not "
        "authorized, separated by commas, such as rum.internal. IP addresses, localhost and the "
        "host in OPENRUM_PUBLIC_URL are always accepted.",
    )
    bridge_token_file: Path = Field(
        default=Path("var/bridge.token"),
        description="Token that identifies a bridge, created by the service at its first start. "
        "The service trusts what a bridge reports about callers only with this token.",
    )
    trusted_proxies: Annotated[list[str], NoDecode, _split("10.0.0.0/8,127.0.0.1")] = Field(
        default=[],
        description="Proxies whose X-Forwarded-For header is trusted: addresses and networks, "
        "separated by commas, such as 10.0.0.0/8,127.0.0.1.",
    )
    http_certificate_file: Path | None = Field(
        default=None,
        description="Certificate chain for TLS on HTTP, PEM. Read again when it changes.",
    )
    http_key_file: Path | None = Field(
        default=None, description="Private key of the HTTP certificate, PEM, unencrypted."
    )
    service_ca_file: Path | None = Field(
        default=None,
        description="CA certificate of the service, PEM. If set, the service is called with TLS.",
    )
    service_certificate_file: Path | None = Field(
        default=None,
        description="Certificate that the bridge presents to a service with mTLS, PEM.",
    )
    service_key_file: Path | None = Field(
        default=None,
        description="Private key of the certificate that the bridge presents, PEM, unencrypted.",
    )
    path_prefix: str = Field(
        default="",
        pattern=r"^(/[^/{}]+)*$",
        description="Path under which the control plane is served as well, such as /rum. "
        "PutRumEvents is served under every path.",
    )
    allowed_origins: Annotated[
        list[str], NoDecode, _split("https://shop.example,https://www.example")
    ] = Field(
        default=["*"],
        description="Origins of the pages that may send events with fetch, separated by commas, "
        "such as https://shop.example. `*` allows every origin.",
    )
    max_body_bytes: int = Field(
        default=4 << 20, ge=1 << 10, description="Maximum request body size, in bytes."
    )
    max_decoded_bytes: int = Field(
        default=2 << 20,
        ge=1 << 10,
        description="Maximum request body size after decompression, in bytes. It also applies to "
        "bodies that are not compressed.",
    )
    max_events: int = Field(
        default=10_000, ge=1, description="Maximum number of events in a batch."
    )
    max_waiting_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="Maximum total size of the batches that wait to be stored, in bytes. The "
        "bridge also counts the bodies that it reads. Further batches are throttled. Responses "
        "that clients do not read have the same limit: beyond it, the bridge closes the slowest "
        "HTTP connections, and the service throttles gRPC calls.",
    )
    max_connections: int = Field(
        default=4096,
        ge=1,
        description="Maximum number of open HTTP connections. Further ones get 503. The process "
        "keeps 256 file descriptors free, so a low limit of open files allows fewer.",
    )
    max_connections_per_address: int = Field(
        default=1000,
        ge=1,
        description="Maximum number of open HTTP connections from one IPv4 address or IPv6 /64 "
        "network. It does not apply to the proxies in OPENRUM_TRUSTED_PROXIES.",
    )
    body_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="How long a client may take to send a request body or a gRPC message, in "
        "seconds.",
    )
    put_timeout_s: float = Field(
        default=10.0,
        gt=0,
        description="How long a put waits until it is sent to the service, and how long the "
        "service may take then, also while it restarts, in seconds.",
    )
    rolling: bool = Field(
        default=False,
        description="Share the addresses with a process that has the same setting, and take over "
        "its new connections, to restart without a gap.",
    )
    drain_s: float = Field(
        default=10.0,
        ge=0,
        description="How long a stopping server waits for calls in progress, in seconds. A "
        "request that has not arrived whole has one second.",
    )

    @field_validator("http")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        Address.parse(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if value and not _is_http_url(value):
            raise ValueError(
                "must be an http or https URL without user, query or fragment, such as"
                " https://rum.example.com"
            )
        return value.rstrip("/")

    @field_validator("allowed_hosts")
    @classmethod
    def _host_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(f"must be host names without ports: {name!r}")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        # uvicorn accepts any text and compares it with the peer's name, which never matches.
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"must be addresses and networks: {error}") from None
        return value

    @model_validator(mode="after")
    def _tls(self) -> BridgeSettings:
        _ = self.http_pair  # raises ValueError if only one of the two files is set
        if self.service_pair and not self.service_ca_file:
            raise ValueError("OPENRUM_SERVICE_CERTIFICATE_FILE requires OPENRUM_SERVICE_CA_FILE")
        return self

    @property
    def http_address(self) -> Address:
        """The address in OPENRUM_HTTP."""
        return Address.parse(self.http)

    @property
    def exposed(self) -> bool:
        """Whether other machines can connect to OPENRUM_HTTP."""
        return not self.http_address.is_loopback

    @property
    def authorization_required(self) -> bool:
        """Whether the service must authorize callers of this bridge, even if it allows others."""
        return self.auth == "required" or self.exposed

    @property
    def http_pair(self) -> tuple[CertificateFile, CertificateFile] | None:
        """The certificate and key for HTTP, or None without TLS."""
        return pair_files("HTTP", self.http_certificate_file, self.http_key_file)

    @property
    def service_pair(self) -> tuple[CertificateFile, CertificateFile] | None:
        """The certificate and key that the bridge presents, or None without mTLS."""
        return pair_files("SERVICE", self.service_certificate_file, self.service_key_file)

    @property
    def service_ca(self) -> CertificateFile | None:
        """The CA of the service, or None without TLS."""
        file = self.service_ca_file
        return CertificateFile("OPENRUM_SERVICE_CA_FILE", file) if file else None

    def calling_without_tls(self, service: str) -> BridgeSettings:
        """Return these settings with the address of another service, which has no TLS."""
        without: dict[str, object] = dict.fromkeys(
            ("service_ca_file", "service_certificate_file", "service_key_file")
        )
        return self.model_copy(update={**without, "service": service})


def _is_http_url(text: str) -> bool:
    if not _URL.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is out of range
        return False
