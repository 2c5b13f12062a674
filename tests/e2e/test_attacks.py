"""What hostile requests cost the server, and how long a healthy client beside them waits.

`python -m tests.e2e.test_attacks` measures all attacks, or those whose names contain an argument,
and writes their rows in docs/reference/attacks.md.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.attacks import ATTACKS, Attack, Attacker
from tests.support.batches import batch
from tests.support.certificates import Authority
from tests.support.grpc_attacks import GRPC_ATTACKS
from tests.support.page_tables import with_rows
from tests.support.running import OpenRum

_ALL = (*ATTACKS, *GRPC_ATTACKS)
_TABLES = {"HTTP": ATTACKS, "gRPC": GRPC_ATTACKS}
_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "attacks.md"
_ATTEMPTS = 3
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What one attack cost."""

    sent_bytes: int
    cpu_ms: float
    """CPU time of the server."""
    memory_mib: float
    """How much the memory of the server grew at most."""
    wait_ms: float
    """The longest time that a healthy client waited for a response meanwhile."""


def measure(attack: Attack, folder: Path) -> Cost:
    """Run an attack against a new server: alone, and beside a healthy client."""
    with _server(attack, folder) as server:
        monitor_id = _monitor_id(server)
        url = server.url if attack.face == "http" else f"http://{server.grpc}"
        alone, beside = (Attacker(attack, url, monitor_id) for _ in range(2))
        _put(server.url, monitor_id)
        _settled_cpu_s(server.pid)
        Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # resets VmHWM
        memory, cpu = _memory_kib(server.pid, "VmRSS"), _cpu_s(server.pid)
        sent = alone.run()
        cpu = _settled_cpu_s(server.pid) - cpu
        memory = _memory_kib(server.pid, "VmHWM") - memory
        with _HealthyClient(server.url, monitor_id) as client:
            beside.run()
    return Cost(sent, cpu * 1000, memory / 1024, client.longest_s * 1000)


def _server(attack: Attack, folder: Path) -> OpenRum:
    if attack.face != "grpc-tls":
        return OpenRum(folder)
    pair = Authority(folder).sign("server")
    return OpenRum(
        folder,
        OPENRUM_GRPC_CERTIFICATE_FILE=str(pair.certificate),
        OPENRUM_GRPC_KEY_FILE=str(pair.key),
    )


def _monitor_id(server: OpenRum) -> str:
    """Return the ID of the app monitor, over HTTP: gRPC may need a certificate."""
    status, text = server.post("/appmonitors", {})
    assert status == 200
    (monitor,) = json.loads(text)["AppMonitorSummaries"]
    assert isinstance(monitor["Id"], str)
    return monitor["Id"]


class _HealthyClient(threading.Thread):
    """Sends batches while the context is open, one at a time, with a short pause."""

    def __init__(self, url: str, monitor_id: str) -> None:
        super().__init__(daemon=True)
        self._url, self._monitor_id = url, monitor_id
        self._end = threading.Event()
        self.longest_s = 0.0

    def __enter__(self) -> _HealthyClient:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()

    def run(self) -> None:
        ends = False
        while not ends:
            ends = self._end.wait(0.002)  # the last batch comes after the attack
            began = time.monotonic()
            status = _put(self._url, self._monitor_id)
            waited = time.monotonic() - began
            self.longest_s = max(self.longest_s, waited if status == 200 else 60.0)


def _put(url: str, monitor_id: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST", f"/appmonitors/{monitor_id}", json.dumps(batch()))
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _settled_cpu_s(pid: int) -> float:
    """Return the CPU time of a process when it has been idle for a moment."""
    before = _cpu_s(pid)
    for _ in range(300):
        time.sleep(0.2)
        after = _cpu_s(pid)
        if after - before < 0.02:
            return after
        before = after
    raise AssertionError("the server is still busy")


def _memory_kib(pid: int, name: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split(name + ":")[1].split()[0])


def _is_bounded(attack: Attack, cost: Cost) -> bool:
    return (
        cost.cpu_ms <= attack.max_cpu_ms * attack.connections
        and cost.memory_mib <= attack.max_mib * attack.connections
        and cost.wait_ms <= attack.max_wait_ms
    )


@pytest.mark.slow
@pytest.mark.parametrize("attack", _ALL, ids=lambda attack: attack.name)
def test_an_attack_is_cheap_for_the_server(attack: Attack, tmp_path: Path) -> None:
    """Other processes on the machine can delay a response, so the best of three attempts counts."""
    costs = []
    for attempt in range(_ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        costs.append(measure(attack, folder))
        if _is_bounded(attack, costs[-1]):
            return
    raise AssertionError(costs)


def _main(*parts: str) -> None:
    for attack in _ALL:
        if parts and not any(part in attack.name for part in parts):
            continue
        with tempfile.TemporaryDirectory() as folder:
            cost = measure(attack, Path(folder))
        row = (
            f"| {attack.name} | {cost.sent_bytes:,} | {cost.cpu_ms:.0f} | {cost.memory_mib:.0f}"
            f" | {cost.wait_ms:.0f} | {attack.first_version} |"
        )
        print(row, flush=True)
        table = "HTTP" if attack in ATTACKS else "gRPC"
        names = [each.name for each in _TABLES[table]]
        _PAGE.write_text(with_rows(_PAGE.read_text(), table, {attack.name: row}, names))


if __name__ == "__main__":
    _main(*sys.argv[1:])
