"""Shared by `openrum keys` and `openrum tokens`: grants, listing and revocation."""

from __future__ import annotations

__all__ = ["Kind", "grant_options", "new_grant", "print_credentials", "revoke_credential"]

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import click
from google.protobuf.timestamp_pb2 import Timestamp

from rum.operator.v1.operator_service_pb2 import (
    CREDENTIAL_KIND_ACCESS_KEY,
    CREDENTIAL_KIND_TOKEN,
    Access,
    Credential,
    Grant,
    ListCredentialsRequest,
    RevokeCredentialRequest,
)
from rum_cli.client import Client, Target, connect
from rum_cli.invocation import command_line
from rum_cli.output import Column, print_json, print_table
from rum_cli.pages import pages

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Kind = Literal["key", "token"]
"""The word for a kind of credential in commands and in JSON."""

_KINDS = {"key": CREDENTIAL_KIND_ACCESS_KEY, "token": CREDENTIAL_KIND_TOKEN}
_PAGE = 1000
_COLUMNS = [
    Column("Id", whole=True),
    Column("Name"),
    Column("Access"),
    Column("App monitor"),
    Column("Created (UTC)"),
    Column("State"),
]


def grant_options(command: Decorated) -> Decorated:
    """Add the options --name, --access and --monitor."""
    name = click.option("--name", help="A name that describes the purpose.")
    access = click.option(
        "--access",
        multiple=True,
        type=click.Choice(["read", "write", "admin"]),
        default=("write",),
        show_default=True,
        help="write sends events, read shows app monitors and events, admin does everything."
        " Repeat it for several.",
    )
    monitor = click.option("--monitor", help="Restrict it to the app monitor of this name.")
    return name(access(monitor(command)))


def new_grant(name: str, access: Sequence[str], monitor: str | None) -> Grant:
    """Return the grant for a new credential. `access` has the words of the option --access."""
    values = [Access.Value(f"ACCESS_{word.upper()}") for word in access]
    return Grant(name=name, access=values, app_monitor_name=monitor)


def print_credentials(target: Target, kind: Kind, *, as_json: bool) -> None:
    """Print all access keys or all tokens, newest first."""
    with connect(target) as client:
        credentials = list(_all_credentials(client, kind))
    if as_json:
        for credential in credentials:
            print_json(_document(credential, kind))
    elif not credentials:
        line = command_line(f"{kind}s", "create", "--name", "NAME", *target.arguments)
        click.echo(f"There are no {kind}s. Create one: {line}", err=True)
    else:
        print_table(_COLUMNS, [_row(credential) for credential in credentials])


def revoke_credential(target: Target, kind: Kind, credential_id: str) -> None:
    """Revoke a credential permanently and say so."""
    request = RevokeCredentialRequest(kind=_KINDS[kind], id=credential_id)
    with connect(target) as client:
        client.operator.RevokeCredential(request)
    click.echo(f"{credential_id} is revoked")


def _all_credentials(client: Client, kind: Kind) -> Iterator[Credential]:
    request = ListCredentialsRequest(kind=_KINDS[kind], page_size=_PAGE)
    for page in pages(client.operator.ListCredentials, request):
        yield from page.credentials


def _document(credential: Credential, kind: Kind) -> dict[str, Any]:
    document = {
        "Id": credential.id,
        "Kind": kind,
        "Name": credential.grant.name,
        "Access": _access(credential.grant),
        "AppMonitorName": credential.grant.app_monitor_name,
        "CreateTime": credential.create_time.ToJsonString(),
    }
    if credential.HasField("expire_time"):
        document["ExpireTime"] = credential.expire_time.ToJsonString()
    if credential.HasField("revoke_time"):
        document["RevokeTime"] = credential.revoke_time.ToJsonString()
    return {name: value for name, value in document.items() if value}


def _row(credential: Credential) -> list[str]:
    grant = credential.grant
    access, monitor = ", ".join(_access(grant)), grant.app_monitor_name or "all"
    created = _utc(credential.create_time)
    return [credential.id, grant.name, access, monitor, created, _state(credential)]


def _access(grant: Grant) -> list[str]:
    return [Access.Name(value).removeprefix("ACCESS_").lower() for value in grant.access]


def _state(credential: Credential) -> str:
    if credential.HasField("revoke_time"):
        return f"revoked {_utc(credential.revoke_time)}"
    if credential.HasField("expire_time"):
        is_over = credential.expire_time.ToDatetime(UTC) <= datetime.now(UTC)
        return f"{'expired' if is_over else 'expires'} {_utc(credential.expire_time)}"
    return "active"


def _utc(time: Timestamp) -> str:
    return f"{time.ToDatetime():%Y-%m-%d %H:%M:%S}"
