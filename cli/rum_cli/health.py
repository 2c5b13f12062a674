"""`openrum health`: whether the service can store events now, for supervisors of containers."""

from __future__ import annotations

__all__ = ["health"]

import click
from grpc_health.v1 import health_pb2

from rum_cli.client import ClientCommand, Target, connect
from rum_cli.failure import REJECTED, Failure


@click.command(cls=ClientCommand)
def health(target: Target) -> None:
    """Check whether the service can store events now.

    Exits with 0 if it can, with 1 if it cannot, and with 3 if it does not answer.
    """
    with connect(target, with_token=False) as client:
        response = client.health.Check(health_pb2.HealthCheckRequest())
    if response.status != health_pb2.HealthCheckResponse.SERVING:
        raise Failure("the service cannot store events", REJECTED)
    click.echo("ok")
