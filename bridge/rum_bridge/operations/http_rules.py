"""The paths of the contract: the google.api.http annotations of its methods."""

from __future__ import annotations

__all__ = ["HttpRule", "http_rules", "starlette_path", "takes_body"]

import re
from collections.abc import Iterator
from typing import NamedTuple

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor


class HttpRule(NamedTuple):
    """How a method is called over HTTP."""

    verb: str
    """The HTTP method."""
    template: str
    """The path, with variables such as `{name}`."""
    rpc: MethodDescriptor


def http_rules(service: ServiceDescriptor) -> Iterator[HttpRule]:
    """Yield the rules of a service's annotated methods."""
    for rpc in service.methods:
        rule = rpc.GetOptions().Extensions[annotations_pb2.http]
        if verb := rule.WhichOneof("pattern"):
            yield HttpRule(verb.upper(), getattr(rule, verb), rpc)


def takes_body(rpc: MethodDescriptor) -> bool:
    """Return whether a request's members are in its body. Otherwise they are in the query."""
    return bool(rpc.GetOptions().Extensions[annotations_pb2.http].body == "*")


def starlette_path(template: str) -> str:
    """Return a path template in Starlette's syntax: `{name=**}` becomes `{name:path}`."""
    return re.sub(r"\{(\w+)=\*\*\}", r"{\1:path}", template)
