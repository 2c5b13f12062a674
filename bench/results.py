"""The numbers of one run, kept as JSON so that a later run can be compared with them."""

from __future__ import annotations

__all__ = ["About", "Results", "machine", "newest_kept"]

import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bench.rounds import Measured


@dataclass(frozen=True)
class About:
    """How, when and where a run was measured."""

    date: str
    commit: str
    command: str
    rounds: int
    folder: str
    """The parent folder of the databases."""
    preloaded_events: int
    against: str = ""
    """The commit of the other checkout."""
    machine: str = ""
    load_average: tuple[float, ...] = ()
    """Over 1, 5 and 15 minutes, at the end."""

    @property
    def title(self) -> str:
        """Date and commit."""
        return f"{self.date}, {self.commit}"


@dataclass
class Results:
    """Measurements in the order of the rounds."""

    about: About
    cases: dict[str, dict[str, list[Measured]]] = field(default_factory=dict)
    """By the names of case and variant."""
    other: dict[str, list[float]] = field(default_factory=dict)

    def add(self, case: str, variant: str, measured: Measured) -> None:
        """Add a measurement of a variant."""
        self.cases.setdefault(case, {}).setdefault(variant, []).append(measured)

    def add_other(self, name: str, value: float) -> None:
        """Add any other measurement."""
        self.other.setdefault(name, []).append(value)

    def cpu_ms(self, case: str, variant: str) -> list[float]:
        """Return the CPU for each put, by round. Empty if it was not measured."""
        return [each.cpu_ms for each in self.cases.get(case, {}).get(variant, [])]

    def measurements(self) -> Iterator[tuple[str, str, list[Measured]]]:
        """Yield case, variant and measurements."""
        for case, variants in self.cases.items():
            for variant, measured in variants.items():
                yield case, variant, measured

    def finish(self, load_average: tuple[float, ...]) -> None:
        """Add the load average at the end of the run."""
        self.about = replace(self.about, load_average=load_average)

    def to_json(self) -> str:
        """Return the results for `from_json`."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        """Return the results that `to_json` wrote."""
        document = json.loads(text)
        cases = {
            case: {
                variant: [Measured(**each) for each in measured]
                for variant, measured in variants.items()
            }
            for case, variants in document["cases"].items()
        }
        return cls(About(**document["about"]), cases, document["other"])


def newest_kept(folder: Path) -> Results | None:
    """Return the newest results in a folder of DATE-COMMIT.json files."""
    files = sorted(folder.glob("2*.json"), key=lambda file: (file.name[:10], file.stat().st_mtime))
    return Results.from_json(files[-1].read_text()) if files else None


def machine() -> str:
    """Return the processor, the number of cores, and the versions of system and Python."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
