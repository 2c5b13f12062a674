"""A server and load generators that take no CPU from each other."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.cores import generator_cores, on_cores, server_cores

_PRINT_CORES = "import os; print(*sorted(os.sched_getaffinity(0)))"


def test_a_process_starts_on_the_cores_of_the_context() -> None:
    before = os.sched_getaffinity(0)
    with on_cores(server_cores()):
        started = subprocess.run(
            [sys.executable, "-c", _PRINT_CORES], capture_output=True, text=True, check=True
        )

    assert started.stdout.split() == [str(core) for core in server_cores()]
    assert os.sched_getaffinity(0) == before


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_the_server_and_the_generators_share_no_core() -> None:
    assert server_cores() | generator_cores() == os.sched_getaffinity(0)
    assert not server_cores() & generator_cores()


def test_generators_share_the_only_core() -> None:
    with on_cores(server_cores()):
        assert generator_cores() == server_cores()
