"""One run: everything that is measured, in rounds, and in the same order in each round."""

from __future__ import annotations

__all__ = ["Plan", "run"]

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.cases import Case, Variant, selected
from bench.checkout import OURS, Checkout
from bench.footprint import measure_footprint
from bench.generator import Generators
from bench.reading import EVENTS, preload, puts_beside_a_reader, read_pages
from bench.results import Results
from bench.rounds import measure_case
from bench.servers import Servers

# Enough for a page of 100 events by time.
_SHORT_LOG_BATCHES = 20
_WARM_UP = 0.2
"""The share of a round's requests that is sent before the first round."""
_PEAK_REQUESTS = 1280
_IDLE_S = 5.0
_LOGS = {"short log": "apart", "preloaded log": "preloaded"}


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    short: bool
    only: str
    variants: str
    rounds: int
    scale: float
    preloaded_events: int
    footprint: bool
    folder: Path
    against: Checkout | None

    @property
    def reads(self) -> bool:
        """Whether reading is measured."""
        return self.preloaded_events > 0


def run(
    plan: Plan,
    servers: Servers,
    generators: Generators,
    results: Results,
    *,
    tell: Callable[[str], None],
) -> None:
    """Measure everything in the plan and add it to the results. `tell` shows progress."""
    cases = selected(servers, short=plan.short, only=plan.only, variants=plan.variants)
    if not plan.reads:
        cases = [case.without_server("preloaded") for case in cases]
    else:
        tell(f"storing {plan.preloaded_events:,} events")
        _fill_logs(plan, servers, generators)
    tell("warming up")
    for case, variant in _variants(cases):
        measure_case(servers, generators, case, variant, plan.scale * _WARM_UP)
    for number in range(1, plan.rounds + 1):
        tell(f"round {number} of {plan.rounds}")
        for case, variant in _variants(cases):
            measured = measure_case(servers, generators, case, variant, plan.scale)
            results.add(case.name, variant.name, measured)
        if plan.reads:
            _measure_reading(plan, servers, generators, results)
        if plan.footprint:
            _measure_footprints(plan, generators, results)


def _variants(cases: list[Case]) -> list[tuple[Case, Variant]]:
    return [(case, variant) for case in cases for variant in case.variants]


def _prefixes(plan: Plan) -> list[str]:
    """Return the prefixes of the names of servers and results: one for each checkout."""
    return ["", "against "] if plan.against else [""]


def _fill_logs(plan: Plan, servers: Servers, generators: Generators) -> None:
    for prefix in _prefixes(plan):
        preload(servers[f"{prefix}apart"], generators, _SHORT_LOG_BATCHES)
        batches = max(_SHORT_LOG_BATCHES, plan.preloaded_events // EVENTS)
        preload(servers[f"{prefix}preloaded"], generators, batches)


def _measure_reading(
    plan: Plan, servers: Servers, generators: Generators, results: Results
) -> None:
    for prefix in _prefixes(plan):
        for log, server in _LOGS.items():
            for kind, cpu_ms in read_pages(servers[prefix + server]).items():
                results.add_other(f"{prefix}{kind}, {log}", cpu_ms)
        variant = Variant("beside a reader", f"{prefix}preloaded")
        ratio = puts_beside_a_reader(servers, generators, variant, plan.scale)
        results.add_other(f"{prefix}puts beside a reader", ratio)


def _measure_footprints(plan: Plan, generators: Generators, results: Results) -> None:
    for prefix, checkout in zip(_prefixes(plan), [OURS, plan.against], strict=False):
        if checkout is None:
            continue
        footprint = measure_footprint(
            checkout,
            generators,
            plan.folder,
            requests=round(_PEAK_REQUESTS * plan.scale),
            idle_s=min(_IDLE_S, _IDLE_S * plan.scale * 2),
        )
        for name, value in asdict(footprint).items():
            results.add_other(prefix + name, value)
