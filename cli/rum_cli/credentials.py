"""`openrum keys` and `openrum tokens`: hands out credentials and takes them back."""

from __future__ import annotations

__all__ = ["keys", "tokens"]

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import click
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.table import Table

from rum.operator.v1.operator_service_pb2 import (
    CREDENTIAL_KIND_ACCESS_KEY,
    CREDENTIAL_KIND_TOKEN,
    Access,
    CreateAccessKeyRequest,
    CreateTokenRequest,
    Credential,
    CredentialKind,
    Grant,
    ListCredentialsRequest,
    RevokeCredentialRequest,
)
from rum_cli.client import Client, Target, client, service_options

_UNITS = {"m": 60, "h": 3600, "d": 86400}
_KINDS = {"key": CREDENTIAL_KIND_ACCESS_KEY, "token": CREDENTIAL_KIND_TOKEN}
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _grant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--name", help="What it is for, for people."),
        click.option(
            "--access",
            multiple=True,
            type=click.Choice(["read", "write", "admin"]),
            default=("write",),
            show_default=True,
            help="write puts events, read shows them, admin does everything; repeatable.",
        ),
        click.option("--monitor", help="Only for the app monitor of this name."),
    ):
        command = option(command)
    return command


@click.group()
def keys() -> None:
    """Access keys, for SDKs and browsers that sign their requests."""


@keys.command(name="create")
@_grant_options
@_json_option
@service_options
def create_key(
    name: str | None, access: tuple[str, ...], monitor: str | None, as_json: bool, target: Target
) -> None:
    """Make an access key and print it; the secret is not shown again."""
    request = CreateAccessKeyRequest(grant=_grant(name or "key", access, monitor))
    with client(target) as planes:
        made = planes.operator.CreateAccessKey(request)
    if as_json:
        pair = {"AccessKeyId": made.access_key_id, "SecretAccessKey": made.secret_access_key}
        click.echo(json.dumps(pair))
    else:
        click.echo(f"AWS_ACCESS_KEY_ID={made.access_key_id}")
        click.echo(f"AWS_SECRET_ACCESS_KEY={made.secret_access_key}")


@keys.command(name="import")
@click.option("--access-key-id", required=True, metavar="ID")
@click.option(
    "--secret-access-key-file",
    required=True,
    type=click.File(),
    help="A file with the secret; - for standard input. Options would show in process lists.",
)
@_grant_options
@service_options
def import_key(
    access_key_id: str,
    secret_access_key_file: TextIO,
    name: str | None,
    access: tuple[str, ...],
    monitor: str | None,
    target: Target,
) -> None:
    """Take over an access key that people have already."""
    request = CreateAccessKeyRequest(
        grant=_grant(name or access_key_id[:64], access, monitor),
        access_key_id=access_key_id,
        secret_access_key=secret_access_key_file.read().strip(),
    )
    with client(target) as planes:
        click.echo(planes.operator.CreateAccessKey(request).access_key_id)


@click.group()
def tokens() -> None:
    """Bearer tokens, for gRPC callers."""


@tokens.command(name="create")
@_grant_options
@click.option("--expires-in", metavar="TIME", help="How long it is good for: 90m, 12h, 30d.")
@_json_option
@service_options
def create_token(
    name: str | None,
    access: tuple[str, ...],
    monitor: str | None,
    expires_in: str | None,
    as_json: bool,
    target: Target,
) -> None:
    """Make a token and print it; it is not shown again."""
    request = CreateTokenRequest(grant=_grant(name or "token", access, monitor))
    if expires_in:
        request.ttl.FromSeconds(_seconds(expires_in))
    with client(target) as planes:
        made = planes.operator.CreateToken(request)
    click.echo(json.dumps({"Id": made.id, "Token": made.token}) if as_json else made.token)


def _grant(name: str, access: tuple[str, ...], monitor: str | None) -> Grant:
    values = [Access.Value(f"ACCESS_{word.upper()}") for word in access]
    return Grant(name=name, access=values, app_monitor_name=monitor)


def _words(grant: Grant) -> list[str]:
    """Return the accesses of a grant as the options spell them."""
    return [Access.Name(value).removeprefix("ACCESS_").lower() for value in grant.access]


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if not found:
        raise click.UsageError(f"--expires-in: {text!r} is no time; use 90m, 12h or 30d")
    return int(found[1]) * _UNITS[found[2]]


def _list(kind: str) -> Callable[..., None]:
    def list_(as_json: bool, target: Target) -> None:
        with client(target) as planes:
            found = list(_pages(planes, _KINDS[kind]))
        if as_json:
            for credential in found:
                click.echo(json.dumps(_document(credential, kind)))
            return
        table = Table("Id", "Name", "Access", "App monitor", "Created", "Expires", "Revoked")
        for credential in found:
            grant = credential.grant
            access, monitor = ", ".join(_words(grant)), grant.app_monitor_name or "all"
            times = [
                getattr(credential, member).ToJsonString() if credential.HasField(member) else ""
                for member in ("create_time", "expire_time", "revoke_time")
            ]
            table.add_row(credential.id, grant.name, access, monitor, *times)
        Console().print(table)

    return list_


def _pages(planes: Client, kind: CredentialKind.ValueType) -> Iterator[Credential]:
    request = ListCredentialsRequest(kind=kind, page_size=1000)
    while True:
        page = planes.operator.ListCredentials(request)
        yield from page.credentials
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _document(credential: Credential, kind: str) -> dict[str, Any]:
    document = MessageToDict(credential)
    document["kind"] = kind
    document["grant"]["access"] = _words(credential.grant)
    return document


def _revoke(kind: str) -> Callable[..., None]:
    def revoke(credential_id: str, target: Target) -> None:
        request = RevokeCredentialRequest(kind=_KINDS[kind], id=credential_id)
        with client(target) as planes:
            planes.operator.RevokeCredential(request)
        click.echo(f"{credential_id} is revoked")

    return revoke


for _group, _kind in ((keys, "key"), (tokens, "token")):
    _group.command(name="list", help=f"List {_kind}s, without their secrets.")(
        _json_option(service_options(_list(_kind)))
    )
    _group.command(name="revoke", help=f"Take a {_kind} back, for good.")(
        click.argument("credential_id", metavar="ID")(service_options(_revoke(_kind)))
    )
