"""Reads the metrics of running processes."""

from __future__ import annotations

import json
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.support.running import Process

__all__ = ["page_addresses", "read_page", "read_values"]


def page_addresses(process: Process) -> list[str]:
    """Return the addresses of the metrics of a process and its workers, in the order of start."""
    lines = [line for line in process.output if '"metrics served"' in line]
    return [json.loads(line)["metrics"] for line in lines]


def read_page(address: str) -> str:
    """Return the page that Prometheus reads."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as response:
        text: str = response.read().decode()
    return text


def read_values(address: str) -> dict[tuple[str, ...], float]:
    """Return the value of each sample by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(read_page(address))
        for sample in family.samples
    }
