"""The cases to measure, each with the variants to compare."""

from __future__ import annotations

__all__ = ["CASES", "CEILING", "NAIVE", "Case", "Variant"]

from collections.abc import Iterable
from dataclasses import dataclass, replace

CEILING = "ceiling: no-op"
NAIVE = "naive"


@dataclass(frozen=True)
class Variant:
    """A server, and whether the requests to it are signed."""

    name: str
    server: str
    signed: bool = False
    share: float = 1.0
    """Fraction of the case's requests to send: slow servers get fewer, so that all take as long."""


@dataclass(frozen=True)
class Case:
    """The same requests, sent to each variant in turn."""

    name: str
    variants: tuple[Variant, ...]
    requests: int
    events: int
    """Events per batch."""
    entries: int = 0
    """Batches per call of BatchPutRumEvents. 0 stands for PutRumEvents."""
    rest: bool = False

    @property
    def method(self) -> str:
        """The gRPC method to call."""
        if self.entries:
            return "/rum.internal.v1.BridgeService/BatchPutRumEvents"
        return "/rum.v1.DataPlaneService/PutRumEvents"

    def with_variants(self, parts: Iterable[str]) -> Case:
        """Return the case with those variants whose name contains one of the parts."""
        kept = [v for v in self.variants if any(part in v.name for part in parts)]
        return replace(self, variants=tuple(kept))


_REST = (
    Variant(CEILING, "ceiling http"),
    Variant("service + bridge", "apart"),
    Variant("service + bridge, * policy", "apart required"),
    Variant("service + bridge, signed", "apart required", signed=True),
    Variant("up", "up"),
    Variant(NAIVE, "naive", share=0.1),
)
_GRPC = (
    Variant(CEILING, "ceiling grpc"),
    Variant("service", "apart"),
    Variant(NAIVE, "naive", share=0.15),
)

CASES = (
    Case("REST, 1 event", _REST, 4000, events=1, rest=True),
    Case("REST, 10 events", _REST, 2500, events=10, rest=True),
    Case("REST, 50 events", _REST, 1200, events=50, rest=True),
    Case("gRPC, 1 event", _GRPC, 2500, events=1),
    Case("gRPC, 10 events", _GRPC, 2000, events=10),
    Case("gRPC, 50 events", _GRPC, 1500, events=50),
    Case("gRPC, 50 batches of 1 event a call", _GRPC[:2], 400, events=1, entries=50),
    Case("gRPC, 50 batches of 10 events a call", _GRPC[:2], 200, events=10, entries=50),
)
