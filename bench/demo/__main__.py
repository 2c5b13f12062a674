"""Shows OpenRUM with a month of data: `make demo`, or `python -m bench.demo --events 10000000`.

Fills var/demo, starts `openrum up` there, lets visitors look around in a small shop, and serves
the page until Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.demo.browse import shop_site, visit_for
from bench.demo.fill import fill
from bench.demo.shop import SHOP
from tests.support.running import environment
from tests.tools.chromium import chromium, chromium_program
from tests.tools.rum_page import bundle
from tests.tools.toolbox import ToolMissingError

_FOLDER = Path("var/demo")
_START_S = 60.0
console = Console()


def main() -> None:
    """Run the demo until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="up to 10,000,000")
    parser.add_argument("--seconds", type=float, default=60, help="how long visitors look around")
    parser.add_argument("--port", type=int, default=8090, help="of the page")
    parser.add_argument("--grpc-port", type=int, default=50061)
    options = parser.parse_args()
    if not 1_000 <= options.events <= 10_000_000:
        parser.error("--events: from 1,000 to 10,000,000")
    # A closed terminal or a `kill` must not leave the server running.
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    missing = _missing_tool()
    shutil.rmtree(_FOLDER, ignore_errors=True)
    (_FOLDER / "var").mkdir(parents=True, mode=0o700)
    fill(f"sqlite:///{_FOLDER.resolve()}/var/openrum.sqlite3", options.events)
    url = f"http://127.0.0.1:{options.port}"
    server = _start(url, options.grpc_port)
    try:
        _wait_for_projection(url)
        console.print(f"\n[bold]{url}/ui/#/overview?monitor={SHOP.name}[/bold]\n")
        if missing:
            console.print(f"No visitors: {missing}")
        else:
            _visit(url, options.seconds)
        console.print("The page stays until you press Ctrl-C.")
        server.wait()
    except KeyboardInterrupt:
        console.print("Stopping ...")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def _missing_tool() -> str:
    """Install the browser and aws-rum-web, once. Return why one is missing, or an empty string."""
    try:
        chromium_program()
        bundle()
    except ToolMissingError as error:
        return str(error)
    return ""


def _start(url: str, grpc_port: int) -> subprocess.Popen[bytes]:
    """Start `openrum up` and return when it answers."""
    settings = {
        "OPENRUM_HTTP": url.removeprefix("http://"),
        "OPENRUM_GRPC": f"127.0.0.1:{grpc_port}",
        # The month stays complete however long somebody looks.
        "OPENRUM_RETENTION_DAYS": "0",
    }
    with (_FOLDER / "openrum.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "rum_cli", "up"],
            cwd=_FOLDER,
            env=environment(**settings),
            stdout=log,
            stderr=log,
            process_group=0,  # Ctrl-C reaches only this process, which then stops the server
        )
    ends = time.monotonic() + _START_S
    try:
        while server.poll() is None and time.monotonic() < ends:
            try:
                urllib.request.urlopen(f"{url}/readyz", timeout=5).close()
                return server
            except OSError:
                time.sleep(0.1)
    except KeyboardInterrupt:
        server.kill()
        raise
    server.kill()
    raise SystemExit(f"openrum up did not start:\n{(_FOLDER / 'openrum.log').read_text()}")


def _wait_for_projection(url: str) -> None:
    """Show how far the projection is until it has every event."""
    with Progress(console=console) as progress:
        task = progress.add_task("Preparing the page", total=None)
        while True:
            state = _state(url)
            log = float(state.get("logSequence", 0))
            done = float(state.get("projectedSequence", 0))
            progress.update(task, total=log or None, completed=done)
            if log and done >= log:
                return
            time.sleep(0.3)


def _state(url: str) -> dict[str, float]:
    try:
        with urllib.request.urlopen(f"{url}/insight-state", timeout=10) as response:
            freshness = json.load(response)["freshness"]
    except OSError:  # the projector has not started yet
        return {}
    assert isinstance(freshness, dict)
    return freshness


def _visit(url: str, seconds: float) -> None:
    console.print(f"Visitors look around in a small shop for {seconds:g} seconds: see Live.")
    with chromium() as browser, shop_site(url, SHOP.id) as site:
        visitors = visit_for(browser, site, seconds)
    console.print(f"{visitors} visitors have left.")


main()
