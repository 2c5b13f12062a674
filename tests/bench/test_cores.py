"""A server and load generators that take no CPU from each other."""

from __future__ import annotations

import os
import subprocess
import sys

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


def test_the_server_and_the_generators_share_a_core_only_if_there_is_one() -> None:
    cores = os.sched_getaffinity(0)
    shared = server_cores() & generator_cores()

    assert server_cores() | generator_cores() == cores
    assert shared == (cores if len(cores) == 1 else set())


def test_generators_share_the_only_core() -> None:
    with on_cores(server_cores()):
        assert generator_cores() == server_cores()
