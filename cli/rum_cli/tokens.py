"""`openrum tokens`: bearer tokens for callers that do not sign."""

from __future__ import annotations

__all__ = ["tokens"]

from datetime import timedelta

import click

from rum.operator.v1.operator_service_pb2 import CreateTokenRequest
from rum_cli.client import ClientCommand, Target, connect
from rum_cli.credentials import Kind, grant_options, new_grant, print_credentials, revoke_credential
from rum_cli.durations import DURATION
from rum_cli.output import json_option, print_json

_KIND: Kind = "token"


@click.group()
def tokens() -> None:
    """Manage bearer tokens, for gRPC clients, the page at /ui/ and Prometheus."""


@tokens.command(cls=ClientCommand)
@grant_options
@click.option(
    "--expires-in",
    type=DURATION,
    metavar="DURATION",
    help="When it expires, for example 90m, 12h or 30d. Never by default.",
)
@json_option
def create(
    name: str | None,
    access: tuple[str, ...],
    monitor: str | None,
    expires_in: timedelta | None,
    as_json: bool,
    target: Target,
) -> None:
    """Create a token and print it. It cannot be shown again."""
    request = CreateTokenRequest(grant=new_grant(name or _KIND, access, monitor))
    if expires_in is not None:
        request.ttl.FromTimedelta(expires_in)
    with connect(target) as client:
        token = client.operator.CreateToken(request)
    if as_json:
        print_json({"Id": token.id, "Token": token.token})
    else:
        click.echo(token.token)


@tokens.command(name="list", cls=ClientCommand)
@json_option
def list_(as_json: bool, target: Target) -> None:
    """List tokens without their secrets, newest first."""
    print_credentials(target, _KIND, as_json=as_json)


@tokens.command(cls=ClientCommand)
@click.argument("token_id", metavar="ID")
def revoke(token_id: str, target: Target) -> None:
    """Revoke a token permanently."""
    revoke_credential(target, _KIND, token_id)
