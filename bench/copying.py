"""Measures `openrum copy` while the source takes puts: `python -m bench.copying`.

A server on SQLite takes puts at a fixed rate: alone, while its database is copied to PostgreSQL,
and while a second copy catches up. Then the server stops, and the last copy is checked.
"""

from __future__ import annotations

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.load import Load, percentile_ms
from bench.log_options import large_log, options_of
from bench.projection import put_at_rate
from tests.support.running import OPENRUM, OpenRum, environment
from tests.tools.postgres import postgres

_TURN_S = 1.0


class _Puts:
    """Puts at a fixed rate while the context is open."""

    def __init__(self, name: str, address: str, rate: float) -> None:
        self._name, self._address, self._rate = name, address, rate
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> None:
        self._loads = self._pool.submit(self._run)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        loads = self._loads.result()
        latencies_s = [latency for load in loads for latency in load.latencies_s]
        p50, p99 = (percentile_ms(latencies_s, percent) for percent in (50, 99))
        print(f"{self._name}: {len(latencies_s):,} puts, p50 {p50:.1f} ms, p99 {p99:.1f} ms")

    def _run(self) -> list[Load]:
        loads = []
        while not self._stop.is_set():
            loads.append(put_at_rate(self._address, self._rate, _TURN_S))
        return loads


def _copy(source: str, target: str, folder: Path) -> None:
    """Copy, and print the time and the lines that count and compare."""
    began_s = time.perf_counter()
    command = [*OPENRUM, "copy", "--from", source, "--to", target]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    took_s = time.perf_counter() - began_s
    lines = [line for line in ran.stdout.splitlines() if line.startswith(("Copied", "Numbers"))]
    print(f"  {took_s:.1f} s:", *lines)


def main() -> None:
    """Measure, and print."""
    options = options_of(__doc__)
    with large_log(options) as (folder, source), postgres() as server_of_target:
        target = server_of_target.create_database("copied")
        with OpenRum(folder, OPENRUM_DATABASE_URL=source) as server:
            address = server.url.removeprefix("http://")
            put_at_rate(address, options.rate, _TURN_S)  # warm
            with _Puts("alone", address, options.rate):
                time.sleep(options.seconds)
            for name in ("first copy", "second copy"):
                with _Puts(name, address, options.rate):
                    _copy(source, target, folder)
            server.stop()
        print("last copy, without puts")
        _copy(source, target, folder)
        settings = environment(OPENRUM_DATABASE_URL=target)
        check = [*OPENRUM, "db", "check"]
        checked = subprocess.run(check, env=settings, capture_output=True, text=True, check=True)
        print(checked.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
