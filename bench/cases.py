"""The cases to measure, and the variants to compare in each."""

from __future__ import annotations

__all__ = ["CASES", "Case", "Variant", "selected"]

from dataclasses import dataclass, replace

from bench.servers import Servers


@dataclass(frozen=True)
class Variant:
    """A server, and how requests are sent to it."""

    name: str
    server: str
    signed: bool = False
    share: float = 1.0
    """The share of the case's requests to send, so that slow servers take as long as others."""
    processes: tuple[str, ...] = ()
    """The processes whose CPU counts. Empty: all of the server."""
    in_short: bool = True
    """Whether the short run measures it."""


@dataclass(frozen=True)
class Case:
    """The same requests, sent to each variant in turn."""

    name: str
    variants: tuple[Variant, ...]
    requests: int
    events: int
    """In each batch."""
    entries: int = 0
    """Batches in each call. 0: unary PutRumEvents."""
    rest: bool = False
    rate: float = 0.0
    """Requests per second in an open loop. 0: a closed loop."""
    in_short: bool = True
    """Whether the short run measures it."""

    def without_server(self, part: str) -> Case:
        """Return the case without the variants whose server's name contains `part`."""
        return replace(self, variants=tuple(v for v in self.variants if part not in v.server))


_SERVICE = ("service",)
_REST_1 = (
    Variant("no-op", "no-op http"),
    Variant("OpenRUM", "apart"),
    Variant("OpenRUM, policy *", "apart required"),
    Variant("OpenRUM, signed", "apart required", signed=True),
    Variant("OpenRUM, one process", "up", in_short=False),
    Variant("against", "against apart"),
    Variant("naive", "naive", share=0.1),
)
_REST_50 = (
    *_REST_1[:5],
    Variant("Envoy + service", "envoy", share=0.7),
    *_REST_1[5:],
)
_GRPC = (
    Variant("no-op", "no-op grpc"),
    Variant("no-op, synchronous", "no-op grpc sync", in_short=False),
    Variant("OpenRUM", "apart", processes=_SERVICE),
    Variant("OpenRUM, policy *", "apart required", processes=_SERVICE),
    Variant("against", "against apart", processes=_SERVICE),
    Variant("naive", "naive", share=0.15, processes=_SERVICE),
)
_GRPC_50 = (
    *_GRPC[:4],
    Variant("OpenRUM on PostgreSQL", "postgres", processes=_SERVICE),
    Variant("OpenRUM, preloaded", "preloaded", processes=_SERVICE),
    *_GRPC[4:],
    Variant("against, preloaded", "against preloaded", processes=_SERVICE),
)
_BATCH = (
    Variant("OpenRUM", "apart", processes=_SERVICE),
    Variant("against", "against apart", processes=_SERVICE),
)
_LATENCY = tuple(
    replace(variant, share=1.0)
    for variant in _REST_1
    if variant.name in ("no-op", "OpenRUM", "OpenRUM, one process", "against")
)

CASES = (
    Case("REST, 1 event", _REST_1, 4000, events=1, rest=True),
    Case("REST, 10 events", _REST_1, 2500, events=10, rest=True, in_short=False),
    Case("REST, 50 events", _REST_50, 1200, events=50, rest=True),
    Case("gRPC, 1 event", _GRPC, 4000, events=1),
    Case("gRPC, 32 batches of 1 event", _BATCH, 400, events=1, entries=32),
    Case("gRPC, 10 events", _GRPC, 3000, events=10),
    Case("gRPC, 50 events", _GRPC_50, 2000, events=50),
    Case(
        "REST, 10 events, 200 requests/s",
        _LATENCY,
        1000,
        events=10,
        rest=True,
        rate=200.0,
        in_short=False,
    ),
)


def selected(servers: Servers, *, short: bool, only: str = "", variants: str = "") -> list[Case]:
    """Return the cases and variants to measure, those whose servers exist.

    Args:
        only: parts of case names, separated by `|`.
        variants: parts of variant names, separated by `|`.
    """
    cases = [
        replace(
            case,
            variants=tuple(
                variant
                for variant in case.variants
                if variant.server in servers
                and (variant.in_short or not short)
                and any(part in variant.name for part in variants.split("|"))
            ),
        )
        for case in CASES
        if (case.in_short or not short) and any(part in case.name for part in only.split("|"))
    ]
    return [case for case in cases if case.variants]
