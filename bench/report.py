"""Results as Markdown: medians with their range, and ratios within each round.

Noise that lasts longer than a round cancels in a ratio.
"""

from __future__ import annotations

__all__ = ["against_table", "case_tables", "comparison", "heading", "ratio_table", "report"]

from statistics import median

from bench.ratios import AGAINST, OURS, ROWS, spread
from bench.results import About, Results
from bench.rounds import Measured

_NOT_MEASURED = "not measured"


def report(results: Results) -> str:
    """Return the page of one run."""
    parts = [f"# {results.about.title}", heading(results.about), "## Ratios", ratio_table(results)]
    if table := against_table(results):
        parts += [f"## Against {results.about.against}", table]
    return "\n\n".join([*parts, case_tables(results)]) + "\n"


def heading(about: About) -> str:
    """Return how, when and where the run was measured."""
    load = ", ".join(f"{value:.1f}" for value in about.load_average)
    return (
        f"`{about.command}`, {about.date}, commit {about.commit}: {about.rounds}"
        f" {'round' if about.rounds == 1 else 'rounds'},"
        f" databases under {about.folder}, {_events(about.preloaded_events)} events in the"
        f" preloaded log. {about.machine}; load average at the end {load}.\n\n"
        "CPU is user and system time of all processes of a server; for gRPC, of the service."
        " Values are medians, with the smallest and largest of the rounds. A ratio is computed in"
        " each round."
    )


def ratio_table(results: Results) -> str:
    """Return the ratios to reach, beside what was measured."""
    compared = bool(results.about.against)
    lines = [
        f"| ratio | wanted | measured |{' against |' if compared else ''}",
        f"|---|---|---|{'---|' if compared else ''}",
    ]
    for row in ROWS:
        values = row.values(results, OURS)
        shown = spread(values) + row.unit if values else _NOT_MEASURED
        met = {True: "", False: ", **not reached**", None: ""}[row.is_met(values)]
        cells = [row.name, row.limit_text(), shown + met]
        if compared:
            other = row.values(results, AGAINST)
            cells.append(spread(other) + row.unit if other else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def against_table(results: Results) -> str:
    """Return the CPU of each case, here over the other checkout. Empty without one."""
    lines = []
    for case, variants in results.cases.items():
        if OURS not in variants or AGAINST not in variants:
            continue
        ours, other = results.cpu_ms(case, OURS), results.cpu_ms(case, AGAINST)
        ratio = spread([a / b for a, b in zip(ours, other, strict=False)])
        lines.append(f"| {case} | {_ms(other)} | {_ms(ours)} | {ratio} |")
    if not lines:
        return ""
    head = ["| CPU ms for each put | against | OpenRUM | OpenRUM / against |", "|---|---|---|---|"]
    return "\n".join(head + lines)


def case_tables(results: Results) -> str:
    """Return a table for each case."""
    return "\n\n".join(
        f"## {case}\n\n"
        "| | CPU ms/put | over no-op | naive over this | puts/s | p50 ms | p99 ms | generator |\n"
        "|---|---|---|---|---|---|---|---|\n"
        + "\n".join(_row(results, case, name, measured) for name, measured in variants.items())
        for case, variants in results.cases.items()
    )


def _row(results: Results, case: str, variant: str, measured: list[Measured]) -> str:
    cpu = results.cpu_ms(case, variant)
    cells = [
        variant,
        _ms(cpu),
        _ratio(cpu, results.cpu_ms(case, "no-op")),
        _ratio(results.cpu_ms(case, "naive"), cpu),
        spread([each.per_second for each in measured], "{:.0f}".format),
        spread([each.p50_ms for each in measured], "{:.1f}".format),
        spread([each.p99_ms for each in measured], "{:.1f}".format),
        f"{median(each.generator for each in measured):.0%}",
    ]
    return "| " + " | ".join(cells) + " |"


def comparison(results: Results, kept: Results | None) -> str:
    """Return the CPU for each put beside the last kept result.

    Runs at different times differ by the machine's load, so the no-ops and the naive build are
    shown too: if they have changed as much, the machine has changed.
    """
    title = kept.about.title if kept else "nothing kept"
    lines = [f"| CPU ms for each put | kept: {title} | now | now / kept |", "|---|---|---|---|"]
    for case, variant, measured in results.measurements():
        now = median(each.cpu_ms for each in measured)
        before = kept.cpu_ms(case, variant) if kept else []
        cells = [f"{case}: {variant}", "", f"{now:.3f}", ""]
        if before:
            cells[1], cells[3] = f"{median(before):.3f}", f"{now / median(before):.2f}"
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ms(values: list[float]) -> str:
    return spread(values, "{:.3f}".format)


def _ratio(values: list[float], over: list[float]) -> str:
    ratios = [a / b for a, b in zip(values, over, strict=False)]
    return spread(ratios) if ratios else ""


def _events(number: int) -> str:
    return f"{number / 1e6:g} million" if number >= 1_000_000 else f"{number:,}"
