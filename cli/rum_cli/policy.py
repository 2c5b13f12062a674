"""`openrum policy`: the resource policies of app monitors, which say who may send events."""

from __future__ import annotations

__all__ = ["policy"]

from typing import TextIO

import click

from rum.v1.resource_policy_pb2 import (
    DeleteResourcePolicyRequest,
    GetResourcePolicyRequest,
    PutResourcePolicyRequest,
)
from rum_cli.client import ClientCommand, Target, connect


@click.group()
def policy() -> None:
    """Manage the resource policies of app monitors: who may send events to them."""


@policy.command(cls=ClientCommand)
@click.argument("name")
def get(name: str, target: Target) -> None:
    """Print the policy of the app monitor NAME."""
    with connect(target) as client:
        response = client.control_plane.GetResourcePolicy(GetResourcePolicyRequest(name=name))
    click.echo(response.policy_document)


@policy.command(cls=ClientCommand)
@click.argument("name")
@click.option(
    "--file",
    required=True,
    metavar="FILE",
    type=click.File(),
    help="The policy document, - for standard input.",
)
def put(name: str, file: TextIO, target: Target) -> None:
    """Replace the policy of the app monitor NAME.

    Prints the new revision id.
    """
    request = PutResourcePolicyRequest(name=name, policy_document=file.read())
    with connect(target) as client:
        click.echo(client.control_plane.PutResourcePolicy(request).policy_revision_id)


@policy.command(cls=ClientCommand)
@click.argument("name")
def delete(name: str, target: Target) -> None:
    """Delete the policy of the app monitor NAME."""
    with connect(target) as client:
        client.control_plane.DeleteResourcePolicy(DeleteResourcePolicyRequest(name=name))
    click.echo(f"The policy of {name} is deleted")
