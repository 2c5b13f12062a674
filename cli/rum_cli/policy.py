"""`openrum policy`: the resource policy of an app monitor, which says who may put events to it."""

from __future__ import annotations

__all__ = ["policy"]

from typing import TextIO

import click

from rum.v1.resource_policy_pb2 import (
    DeleteResourcePolicyRequest,
    GetResourcePolicyRequest,
    PutResourcePolicyRequest,
)
from rum_cli.client import Target, client, service_options


@click.group()
def policy() -> None:
    """Resource policies: who may put events to an app monitor."""


@policy.command()
@click.argument("name")
@service_options
def get(name: str, target: Target) -> None:
    """Print the policy of the app monitor NAME."""
    with client(target) as planes:
        found = planes.control_plane.GetResourcePolicy(GetResourcePolicyRequest(name=name))
    click.echo(found.policy_document)


@policy.command()
@click.argument("name")
@click.option(
    "--file", required=True, type=click.File(), help="The policy document; - for standard input."
)
@service_options
def put(name: str, file: TextIO, target: Target) -> None:
    """Replace the policy of the app monitor NAME and print its new revision id."""
    request = PutResourcePolicyRequest(name=name, policy_document=file.read())
    with client(target) as planes:
        click.echo(planes.control_plane.PutResourcePolicy(request).policy_revision_id)


@policy.command()
@click.argument("name")
@service_options
def delete(name: str, target: Target) -> None:
    """Remove the policy of the app monitor NAME."""
    with client(target) as planes:
        planes.control_plane.DeleteResourcePolicy(DeleteResourcePolicyRequest(name=name))
    click.echo(f"{name} has no policy now")
