"""`openrum help`: code for the clients of a running server, or help for one command."""

from __future__ import annotations

__all__ = ["help"]

import time
import uuid
from dataclasses import dataclass

import click

from rum_cli.client import CLIENT_ENVIRONMENT, ClientCommand, Target

_OWN_ENVIRONMENT = [
    ("OPENRUM_PUBLIC_URL", "The address that clients use; OPENRUM_HTTP by default."),
    ("OPENRUM_GRPC", "The address of the gRPC service for internal services."),
]


class _HelpGroup(click.Group):
    """Takes the name of any command as a subcommand that prints the command's help."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (own := super().get_command(ctx, cmd_name)) is not None:
            return own
        root = ctx.find_root()
        command = _subcommand(root, cmd_name)
        return None if command is None else _help_of(root, cmd_name, command)


def _help_of(parent: click.Context, name: str, command: click.Command) -> click.Command:
    """Return a command that prints the help of `command`, or of the subcommand that it is given."""

    @click.command(name=name)
    @click.argument("subcommands", nargs=-1)
    def print_help(subcommands: tuple[str, ...]) -> None:
        context = click.Context(command, info_name=name, parent=parent)
        for subcommand in subcommands:
            found = _subcommand(context, subcommand)
            if found is None:
                raise click.UsageError(f"there is no command {context.command_path} {subcommand}")
            context = click.Context(found, info_name=subcommand, parent=context)
        click.echo(context.get_help())

    return print_help


def _subcommand(context: click.Context, name: str) -> click.Command | None:
    group = context.command
    return group.get_command(context, name) if isinstance(group, click.Group) else None


@click.group(cls=_HelpGroup, invoke_without_command=True, subcommand_metavar="[COMMAND]...")
@click.pass_context
def help(ctx: click.Context) -> None:  # noqa: A001 - the name of the command
    """Print the help of COMMAND, or code for your clients with `openrum help clients`."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.find_root().get_help())


@dataclass(frozen=True)
class _Server:
    """Facts about a running server that the code depends on."""

    monitor_id: str
    authorizes: bool


@help.command(cls=ClientCommand, environment=[*_OWN_ENVIRONMENT, *CLIENT_ENVIRONMENT])
@click.option("--url", metavar="URL", help="The address of the server for clients.")
@click.option("--grpc", metavar="HOST:PORT", help="The address of the gRPC service for clients.")
@click.option("--name", default="my-app", show_default=True, help="The name of the app monitor.")
def clients(url: str | None, grpc: str | None, name: str, target: Target) -> None:
    """Print code that sends events from each kind of client.

    Covers boto3, the AWS CLI, the AWS SDKs for JavaScript and Go, aws-rum-web and the Python stubs.
    The code has the address and the app monitor id of the running server, and works under the
    authorization that is in force.
    """
    from rum_bridge.settings import BridgeSettings
    from rum_cli.addresses import client_address, client_url
    from rum_cli.environment import read_settings
    from rum_cli.invocation import command_line
    from rum_cli.templates import (
        CHANNEL,
        CLIENTS,
        CREDENTIALS,
        GRPC_ACCESS,
        GRPC_IMPORTS,
        METADATA,
        PAGE_ACCESS,
    )
    from rum_endpoint.address import Address
    from rum_service.settings import ServiceSettings

    service, bridge = read_settings(ServiceSettings), read_settings(BridgeSettings)
    server = _look_up(target, name)
    authorizes = server.authorizes or bridge.authorization_required or service.auth == "required"
    try:
        address = Address.parse(grpc) if grpc else client_address(service.grpc)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--grpc") from None
    # The service listens beyond loopback only with TLS.
    tls = bool(target.ca_file or service.grpc_certificate_file) or not address.is_loopback
    values = {
        "url": url or client_url(bridge, bridge.http),
        "grpc": address,
        "id": server.monitor_id,
        "name": name,
        "region": service.region or "us-east-1",
        "account": service.account_id,
        "create_key": command_line("keys", "create", "--name", "backend", *target.arguments),
        "create_token": command_line("tokens", "create", "--name", "jobs", *target.arguments),
        "put_policy": command_line("policy", "put", name, "--file", "-", *target.arguments),
        "now": int(time.time()),
        **{f"uuid{number}": uuid.uuid4() for number in range(1, 5)},
    }
    text = CLIENTS.substitute(
        values,
        credentials=CREDENTIALS[authorizes].substitute(values),
        page_access=PAGE_ACCESS[authorizes].substitute(values),
        grpc_access=GRPC_ACCESS[authorizes].substitute(values),
        grpc_imports=GRPC_IMPORTS[authorizes].substitute(values),
        metadata=METADATA[authorizes].substitute(values),
        channel=CHANNEL[tls].substitute(values),
    )
    click.echo(text, nl=False)


def _look_up(target: Target, name: str) -> _Server:
    """Return the app monitor's id, and whether the server rejects calls without credentials."""
    import grpc

    from rum.v1.control_plane_service_pb2 import GetAppMonitorRequest
    from rum_cli.client import connect
    from rum_cli.failure import NO_SERVICE, Failure

    request = GetAppMonitorRequest(name=name)
    try:
        with connect(target) as client:
            monitor = client.control_plane.GetAppMonitor(request).app_monitor
    except Failure as failure:
        if failure.exit_code != NO_SERVICE:
            raise
        click.echo(f"Note: {failure.message}. The app monitor id below is a placeholder.", err=True)
        return _Server("YOUR-APP-MONITOR-ID", authorizes=False)
    with connect(target, with_token=False) as anonymous:
        try:
            anonymous.control_plane.GetAppMonitor(request)
        except grpc.RpcError:
            return _Server(monitor.id, authorizes=True)
    return _Server(monitor.id, authorizes=False)
