"""`openrum keys`: access keys for clients that sign requests with Signature Version 4."""

from __future__ import annotations

__all__ = ["keys"]

from datetime import timedelta
from typing import TextIO

import click

from rum.operator.v1.operator_service_pb2 import CreateAccessKeyRequest
from rum_cli.client import ClientCommand, Target, connect
from rum_cli.credentials import Kind, grant_options, new_grant, print_credentials, revoke_credential
from rum_cli.durations import DURATION
from rum_cli.output import json_option, print_json

_KIND: Kind = "key"
_MAX_NAME = 64


@click.group()
def keys() -> None:
    """Manage access keys for SDKs, the AWS CLI and pages that sign requests."""


@keys.command(cls=ClientCommand)
@grant_options
@json_option
def create(
    name: str | None, access: tuple[str, ...], monitor: str | None, as_json: bool, target: Target
) -> None:
    """Create an access key and print it. The secret cannot be shown again."""
    request = CreateAccessKeyRequest(grant=new_grant(name or _KIND, access, monitor))
    with connect(target) as client:
        key = client.operator.CreateAccessKey(request)
    if as_json:
        print_json({"AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key})
    else:
        click.echo(f"AWS_ACCESS_KEY_ID={key.access_key_id}")
        click.echo(f"AWS_SECRET_ACCESS_KEY={key.secret_access_key}")


@keys.command(name="import", cls=ClientCommand)
@click.option("--access-key-id", required=True, metavar="ID", help="The id of the access key.")
@click.option(
    "--secret-access-key-file",
    required=True,
    metavar="FILE",
    type=click.File(),
    help="A file with the secret, - for standard input. An option with the secret itself would"
    " show up in process lists.",
)
@click.option(
    "--session-token-file",
    metavar="FILE",
    type=click.File(),
    help="A file with a temporary key's session token.",
)
@click.option(
    "--expires-in",
    type=DURATION,
    metavar="DURATION",
    help="When the key expires, for example 90m, 12h or 30d. Never by default.",
)
@grant_options
@json_option
def import_(
    access_key_id: str,
    secret_access_key_file: TextIO,
    session_token_file: TextIO | None,
    expires_in: timedelta | None,
    name: str | None,
    access: tuple[str, ...],
    monitor: str | None,
    as_json: bool,
    target: Target,
) -> None:
    """Store an access key that clients already use, and print its id."""
    request = CreateAccessKeyRequest(
        grant=new_grant(name or access_key_id[:_MAX_NAME], access, monitor),
        access_key_id=access_key_id,
        secret_access_key=secret_access_key_file.read().strip(),
        session_token=session_token_file.read().strip() if session_token_file else None,
    )
    if expires_in is not None:
        request.ttl.FromTimedelta(expires_in)
    with connect(target) as client:
        key = client.operator.CreateAccessKey(request)
    if as_json:
        print_json({"AccessKeyId": key.access_key_id})
    else:
        click.echo(key.access_key_id)


@keys.command(name="list", cls=ClientCommand)
@json_option
def list_(as_json: bool, target: Target) -> None:
    """List access keys without their secrets, newest first."""
    print_credentials(target, _KIND, as_json=as_json)


@keys.command(cls=ClientCommand)
@click.argument("access_key_id", metavar="ID")
def revoke(access_key_id: str, target: Target) -> None:
    """Revoke an access key permanently."""
    revoke_credential(target, _KIND, access_key_id)
