"""The settings of the service: environment variables that start with OPENRUM_."""

from __future__ import annotations

__all__ = ["ServiceSettings"]

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from rum_endpoint.address import Address
from rum_endpoint.certificate_files import CertificateFile, pair_files
from rum_endpoint.comma_separated import split_items
from rum_endpoint.operating import OperatingSettings


class ServiceSettings(OperatingSettings):
    """Every setting of the service, with its unit and default. The docs show the same table."""

    grpc: str = Field(
        default="127.0.0.1:50051",
        description="Address the service listens on for gRPC, as host:port. Port 0 chooses a free "
        "port.",
    )
    socket: str = Field(
        default="",
        description="Unix socket to listen on as well, without TLS, for a bridge or the `openrum` "
        "command on the same machine. A path.",
    )
    database_url: str = Field(
        default="sqlite:///var/openrum.sqlite3",
        description="Database that stores the events: sqlite:///FILE or postgresql://...",
    )
    read_database_url: str = Field(
        default="",
        description="Standby of PostgreSQL, from which GetAppMonitorData reads: "
        "postgresql://... Responses say how far it is behind. Empty: it reads from "
        "OPENRUM_DATABASE_URL.",
    )
    auth: Literal["auto", "required"] = Field(
        default="auto",
        description="`auto` authorizes callers unless the server listens on loopback only. "
        "`required` always authorizes them.",
    )
    aws_keys: Literal["anonymous", "reject"] = Field(
        default="anonymous",
        description="Callers that sign with a temporary key of AWS, which OpenRUM cannot verify: "
        "`anonymous` treats them like callers that do not sign, `reject` rejects them.",
    )
    check_origin: bool = Field(
        default=False,
        description="Accept events from a page only if its origin matches a domain of the app "
        "monitor.",
    )
    account_id: str = Field(
        default="000000000000",
        pattern="^[0-9]{12}$",
        description="AWS account ID in ARNs and event documents, 12 digits.",
    )
    region: str = Field(
        default="",
        pattern="^[a-z0-9-]*$",
        description="AWS region in ARNs, and the only region that signatures may name. If empty, "
        "ARNs contain us-east-1 and signatures may name any region.",
    )
    operator_token_file: Path = Field(
        default=Path("var/operator.token"),
        description="Token with full access, created at the first start. Anyone who can read this "
        "file has full access. The `openrum` command uses it.",
    )
    bridge_token_file: Path = Field(
        default=Path("var/bridge.token"),
        description="Token that identifies a bridge, created by the service at its first start. "
        "The service trusts what a bridge reports about callers only with this token.",
    )
    secrets_key_file: Path = Field(
        default=Path("var/secrets.key"),
        description="Key that encrypts the secrets of access keys in the database, created with "
        "the first access key.",
    )
    grpc_certificate_file: Path | None = Field(
        default=None,
        description="Certificate chain for TLS on gRPC, PEM. Read again when it changes.",
    )
    grpc_key_file: Path | None = Field(
        default=None, description="Private key of the gRPC certificate, PEM, unencrypted."
    )
    client_ca_file: Path | None = Field(
        default=None,
        description="CA certificate for mTLS on gRPC, PEM. If set, callers must present a "
        "certificate that this CA signed.",
    )
    # NoDecode: pydantic-settings would parse the variable as JSON.
    certificate_access: Annotated[list[Literal["read", "write", "admin"]], NoDecode] = Field(
        default=["read", "write"],
        description="Access of callers with a client certificate, separated by commas: read, "
        "write, admin.",
    )
    geoip: Path | None = Field(
        default=None,
        description="Database of the countries of addresses, in MaxMind's format (MMDB). If set, "
        "events get the country of the client as `countryCode`; its address is not stored. Read "
        "again when it changes.",
    )
    max_app_monitors: int = Field(
        default=1000, ge=1, description="Maximum number of app monitors. AWS allows 20."
    )
    max_message_bytes: int = Field(
        default=4 << 20,
        # A bridge sends up to 4 MiB of small batches in a call.
        ge=4 << 20,
        description="Maximum gRPC message size, in bytes. If you raise OPENRUM_MAX_DECODED_BYTES "
        "of the bridges, raise this too.",
    )
    max_grpc_connections: int = Field(
        default=1000,
        ge=1,
        description="Maximum number of open gRPC connections to the address in OPENRUM_GRPC. "
        "Further ones are closed at once. The process keeps 256 file descriptors free, and room "
        "for HTTP connections, so a low limit of open files allows fewer.",
    )
    max_grpc_connections_per_address: int = Field(
        default=250,
        ge=1,
        description="Maximum number of open gRPC connections to this address from one IPv4 address "
        "or IPv6 /64 network. Further ones are closed within a second, or within 3 s if the "
        "process has 20,000 HTTP connections.",
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
    body_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="How long a client may take to send a request body or a gRPC message, in "
        "seconds.",
    )
    projector_socket: Path = Field(
        default=Path("var/projector.sock"),
        description="Unix socket of the projector, which answers queries about the events. A path.",
    )
    rolling: bool = Field(
        default=False,
        description="Share the addresses with a process that has the same setting, and take over "
        "its new connections, to restart without a gap.",
    )
    monitor_requests_per_s: int = Field(
        default=0,
        ge=0,
        description="How many batches a second each service process stores for an app "
        "monitor. Twice as many may come at once. 0: no limit.",
    )
    monitor_events_per_s: int = Field(
        default=0,
        ge=0,
        description="How many events a second each service process stores for an app "
        "monitor. Twice as many may come at once. 0: no limit.",
    )
    monitor_bytes_per_s: int = Field(
        default=0,
        ge=0,
        description="How many bytes of serialized batches a second each service process stores for "
        "an app monitor. Twice as many may come at once. 0: no limit.",
    )
    stored_bytes_quota: int = Field(
        default=0,
        ge=0,
        description="Maximum number of compressed bytes that the batches of each app monitor may "
        "use in the database. Further batches are throttled. `openrum quota set` sets another "
        "value for one app monitor. 0: no limit.",
    )
    retention_days: int = Field(
        default=30,
        ge=0,
        le=36_500,
        description="How many days batches are kept after they were received. Older ones are "
        "removed permanently. `openrum retention set` sets another value for one app monitor. 0: "
        "forever.",
    )
    replays: bool = Field(
        default=True,
        description="Store session replays. If false, replay events are dropped and all other "
        "events are stored.",
    )
    replay_bytes_per_day: int = Field(
        default=0,
        ge=0,
        description="Maximum number of bytes of session replays that each service process stores "
        "for each app monitor in a day, before compression. As many may come at once. Further "
        "replay events are dropped for an hour, and all other events are stored. 0: no limit.",
    )
    source_maps_quota: int = Field(
        default=1 << 30,
        ge=0,
        description="Maximum number of compressed bytes that the source maps of each app monitor "
        "may use in the database. 0: no limit.",
    )
    drain_s: float = Field(
        default=10.0,
        ge=0,
        description="How long a stopping server waits for calls in progress, in seconds. A "
        "request that has not arrived whole has one second.",
    )

    @field_validator("certificate_access", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_items(value, example="read,write")

    @field_validator("grpc")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        Address.parse(value)
        return value

    @model_validator(mode="after")
    def _tls(self) -> ServiceSettings:
        tls = self.grpc_pair is not None
        if self.client_ca_file and not tls:
            raise ValueError("OPENRUM_CLIENT_CA_FILE requires OPENRUM_GRPC_CERTIFICATE_FILE")
        if self.exposed and not tls:
            raise ValueError(
                f"OPENRUM_GRPC: {self.grpc} can be reached from other machines, so tokens and"
                " events must be encrypted; set OPENRUM_GRPC_CERTIFICATE_FILE and"
                " OPENRUM_GRPC_KEY_FILE, or set a loopback address, 127.0.0.1 or [::1]"
            )
        return self

    @property
    def grpc_address(self) -> Address:
        """The address in OPENRUM_GRPC."""
        return Address.parse(self.grpc)

    @property
    def has_database_server(self) -> bool:
        """Whether several services can write to the database at the same time."""
        return not self.database_url.startswith("sqlite")

    @property
    def exposed(self) -> bool:
        """Whether other machines can connect to OPENRUM_GRPC."""
        return not self.grpc_address.is_loopback

    @property
    def grpc_pair(self) -> tuple[CertificateFile, CertificateFile] | None:
        """The certificate and key for gRPC, or None without TLS."""
        return pair_files("GRPC", self.grpc_certificate_file, self.grpc_key_file)

    @property
    def client_ca(self) -> CertificateFile | None:
        """The CA for mTLS, or None without mTLS."""
        file = self.client_ca_file
        return CertificateFile("OPENRUM_CLIENT_CA_FILE", file) if file else None
