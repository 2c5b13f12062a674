"""A process ends in time also if a database does not answer."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.support.batches import batch, new_id
from tests.support.proxy import proxy
from tests.support.running import OpenRum
from tests.tools.postgres import Postgres

_STUCK = """
import threading
from contextlib import asynccontextmanager
from rum_cli.process import configure_logs, run_until_stopped

@asynccontextmanager
async def running():
    print("running", flush=True)
    yield
    threading.Event().wait()

configure_logs()
run_until_stopped(running, stop_within_s=0.2)
"""


def test_a_process_that_cannot_stop_ends_with_a_message_and_exit_code_70() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STUCK],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 70
    assert errors == "Error: the process did not stop within 0.2 seconds\n"


@pytest.mark.slow
def test_sigterm_ends_a_server_whose_database_does_not_answer(
    postgres_server: Postgres, tmp_path: Path
) -> None:
    name = f"stop_{new_id().replace('-', '_')}"
    postgres_server.create_database(name)
    with proxy(postgres_server.socket) as link:
        url = f"postgresql+psycopg://postgres@127.0.0.1:{link.port}/{name}"
        with OpenRum(tmp_path, OPENRUM_DATABASE_URL=url, OPENRUM_DRAIN_S="1") as server:
            path = f"/appmonitors/{server.monitor_id()}"
            assert server.post(path, batch())[0] == 200
            link.silent = True
            putting = threading.Thread(target=_put, args=(server.url + path,))
            putting.start()
            code = server.stop(timeout_s=40)
            putting.join(30)

    assert code in (0, 70)


def _put(url: str) -> None:
    body = json.dumps(batch()).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with contextlib.suppress(OSError):  # the outcome of this put is unknown
        urllib.request.urlopen(request, timeout=30).close()
