"""`make demo`: a month of data, a server, and visitors in Chromium."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import environment, wait_until

_ROOT = Path(__file__).parents[2]


def test_the_demo_shows_a_month_and_live_visitors(tmp_path: Path) -> None:
    port, grpc_port = _free_ports()
    arguments = ["--events", "5000", "--seconds", "4", "--port", str(port)]
    demo = subprocess.Popen(
        [sys.executable, "-m", "bench.demo", *arguments, "--grpc-port", str(grpc_port)],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(_ROOT), COLUMNS="200"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout
    lines = []
    try:
        for line in demo.stdout:
            lines.append(line)
            if "until you press Ctrl-C" in line:
                break
        month = _overview(port, days=30)
        wait_until(lambda: _overview(port, days=0.01)["total"]["counts"]["pageViews"] > 0)
        sessions = _get(port, "sessions", days=0.01)["sessions"]
        requests = _get(port, "http", days=0.01)["targets"]
    finally:
        demo.send_signal(signal.SIGTERM)  # ends like Ctrl-C, with the server
        rest, _ = demo.communicate(timeout=60)

    assert f"http://127.0.0.1:{port}/ui/#/overview?monitor=shop" in "".join(lines)
    assert "visitors have left" in "".join(lines), rest
    assert month["total"]["counts"]["events"] > 3_000
    assert len([views for views in month["series"]["pageViews"] if views]) > 20
    assert "Chrome Headless" in sessions[0]["browser"]
    assert max(request["latency"]["samples"] for request in requests) > 0
    assert demo.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def _free_ports() -> list[int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return [listener.getsockname()[1] for listener in (one, two)]


def _overview(port: int, *, days: float) -> dict[str, Any]:
    return _get(port, "overview", days=days)


def _get(port: int, path: str, *, days: float) -> dict[str, Any]:
    now = time.time() * 1000
    query = urllib.parse.urlencode({"after": round(now - days * 86_400_000), "before": round(now)})
    url = f"http://127.0.0.1:{port}/insight/shop/{path}?{query}"
    with urllib.request.urlopen(url, timeout=30) as response:
        found = json.load(response)
    assert isinstance(found, dict)
    return found
