"""boto3 with default settings sends PutRumEvents to the host `dataplane.<host of the endpoint>`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stored import stored_events
from tests.support.batches import batch
from tests.support.running import OpenRum

_HOST = "openrum.test"
_SCRIPT = f"""
import json, socket, sys, boto3

local_hosts = {{"{_HOST}", "dataplane.{_HOST}"}}
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve(
    "127.0.0.1" if host in local_hosts else host, *rest, **more
)
rum = boto3.client(
    "rum",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="any",
    aws_secret_access_key="any",
)
urls = []
rum.meta.events.register("before-send.rum", lambda request, **_: urls.append(request.url))
rum.put_rum_events(**json.loads(sys.argv[2]))
rum.list_app_monitors()
print(json.dumps(urls))
"""


@pytest.fixture
def openrum(tmp_path: Path) -> Iterator[OpenRum]:
    """A server whose control plane accepts the name."""
    with OpenRum(tmp_path, OPENRUM_ALLOWED_HOSTS=_HOST) as server:
        yield server
        assert server.stop() == 0


def test_a_put_to_the_dataplane_host_is_stored(openrum: OpenRum) -> None:
    port = openrum.url.rpartition(":")[2]
    body = batch(2)
    put = {"Id": openrum.monitor_id(), **body}
    # Ignore this machine's configuration of boto3, which could disable the prefix.
    no_configuration = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, f"http://{_HOST}:{port}", json.dumps(put)],
        env={name: value for name, value in os.environ.items() if "AWS" not in name}
        | no_configuration,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [
        f"http://dataplane.{_HOST}:{port}/appmonitors/{put['Id']}/",
        f"http://{_HOST}:{port}/appmonitors",
    ]
    events = stored_events(openrum.grpc)
    assert [e["event_id"] for e in events] == [e["id"] for e in body["RumEvents"]]
