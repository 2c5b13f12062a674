"""A server that authorizes callers on loopback too, and its credentials and policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.stored import stored_events
from tests.support.running import OpenRum, run_openrum

__all__ = ["Guarded", "Key", "allow"]


class Key(NamedTuple):
    """An access key."""

    id: str
    secret: str


def allow(principal: str | dict[str, Any] = "*", **condition: dict[str, Any]) -> dict[str, Any]:
    """Return a policy that allows callers to put events to my-app.

    Args:
        principal: The callers that it allows, by default anyone.
        condition: Operators, such as `StringEquals={"rum:alias": ["shop"]}`.
    """
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "rum:PutRumEvents",
        "Resource": "arn:aws:rum:us-east-1:000000000000:appmonitor/my-app",
    }
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


class Guarded(OpenRum):
    """`openrum up` with OPENRUM_AUTH=required."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **{"OPENRUM_AUTH": "required", **settings})

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run an `openrum` command as the operator and return what it printed."""
        token = {"OPENRUM_OPERATOR_TOKEN_FILE": str(self.folder / "var" / "operator.token")}
        ran = run_openrum(*arguments, stdin=stdin, OPENRUM_SERVICE=self.grpc, **token)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    def key(self, *options: str, name: str = "tests") -> Key:
        """Create an access key, by default with write access."""
        printed = self.run("keys", "create", "--name", name, "--json", *options)
        pair = json.loads(printed)
        return Key(pair["AccessKeyId"], pair["SecretAccessKey"])

    def token(self, *options: str, name: str = "tests") -> tuple[str, str]:
        """Create a bearer token, by default with write access. Return its ID and the token."""
        printed = self.run("tokens", "create", "--name", name, "--json", *options)
        pair = json.loads(printed)
        return pair["Id"], pair["Token"]

    @contextmanager
    def policy(self, document: dict[str, Any]) -> Iterator[None]:
        """Set the resource policy of my-app while the context is open."""
        self.run("policy", "put", "my-app", "--file", "-", stdin=json.dumps(document))
        try:
            yield
        finally:
            self.run("policy", "delete", "my-app")

    def stored(self, name: str = "my-app") -> list[dict[str, Any]]:
        """Return the documents of all events of an app monitor, oldest first."""
        return stored_events(self.grpc, name, self.operator)
