"""The forms of docs/reference/compatibility.md that older clients need.

test_host_prefix.py tests a host name that works with the prefix.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sent import Traffic
from tests.e2e.stored import stored_events
from tests.support.batches import batch
from tests.support.running import OpenRum, wait_until
from tests.tools import awscli
from tests.tools.chromium import Browser, Page
from tests.tools.python import installed_packages
from tests.tools.rum_page import RumPage, demo_site
from tests.tools.toolbox import tools_needed

_NAME = "rum.test"
"""A host that only a proxy can lead anywhere."""
_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compatibility.md"
_CREDENTIALS = re.findall(r"^rum\.setAwsCredentials\(.*?^\}\);$", _PAGE.read_text(), re.M | re.S)
_PUT = """
import json, sys
import boto3
from botocore.config import Config

options = json.loads(sys.argv[2])
config = Config(retries={"total_max_attempts": 1}, **options.pop("config", {}))
rum = boto3.client("rum", config=config, **options)
urls = []
rum.meta.events.register("before-send.rum", lambda request, **_: urls.append(request.url))
rum.put_rum_events(**json.loads(sys.argv[1]))
print(json.dumps(urls))
"""


def _stored(server: OpenRum, body: dict[str, Any]) -> bool:
    return body["BatchId"] in {event["batch_id"] for event in stored_events(server.grpc)}


def _slow(version: str) -> Any:
    return pytest.param(version, marks=pytest.mark.slow)


# Pages


@contextmanager
def _visited(
    server: OpenRum, browser: Browser, version: str, endpoint: str
) -> Iterator[tuple[Page, Traffic]]:
    """Open a page that sends events to `endpoint`. Other hosts resolve to the bridge."""
    settings = {"dispatchInterval": 200, "allowCookies": True}
    site = demo_site(endpoint, server.monitor_id(), settings, version=version)
    with tools_needed(), site as url, browser.page(proxy=server.url) as page:
        traffic = Traffic(page)
        RumPage(page, url)
        yield page, traffic


def _all_stored(server: OpenRum, traffic: Traffic) -> bool:
    sent = {event["id"] for body in traffic.batches() for event in body["RumEvents"]}
    return bool(sent) and sent <= {event["event_id"] for event in stored_events(server.grpc)}


@pytest.mark.parametrize("version", ["1.19.0", _slow("1.17.2"), _slow("1.12.0")])
def test_a_client_that_drops_the_port_can_send_to_port_80(
    openrum: OpenRum, browser: Browser, version: str
) -> None:
    with _visited(openrum, browser, version, f"http://{_NAME}") as (_, traffic):
        wait_until(lambda: _all_stored(openrum, traffic))
        urls = {post.url for post in traffic.posts}

    assert urls == {f"http://{_NAME}/appmonitors/{openrum.monitor_id()}"}


def test_a_client_before_1_22_drops_the_port(openrum: OpenRum, browser: Browser) -> None:
    with _visited(openrum, browser, "1.19.0", f"http://{_NAME}:8080") as (_, traffic):
        wait_until(lambda: traffic.posts)
        url = traffic.posts[0].url

    assert url == f"http://{_NAME}/appmonitors/{openrum.monitor_id()}"


def test_a_client_that_must_sign_can_send_to_any_port(openrum: OpenRum, browser: Browser) -> None:
    (credentials,) = _CREDENTIALS
    with _visited(openrum, browser, "1.0.3", openrum.url) as (page, traffic):
        page.evaluate(f"() => {{ {credentials} }}")
        wait_until(lambda: _all_stored(openrum, traffic))
        url = traffic.posts[0].url

    assert url == f"{openrum.url}/appmonitors/{openrum.monitor_id()}/"


# HTTP_PROXY


@pytest.mark.parametrize("host", ["dataplane.rum.test", "[::1]:1", "other.test:8443"])
def test_an_absolute_target_of_any_host_is_accepted(openrum: OpenRum, host: str) -> None:
    body = batch()
    connection = http.client.HTTPConnection(openrum.url.partition("://")[2], timeout=30)
    target = f"http://{host}/appmonitors/{openrum.monitor_id()}/"
    headers = {"Content-Type": "application/json", "Host": host}
    connection.request("POST", target, json.dumps(body), headers)
    status = connection.getresponse().status
    connection.close()

    assert status == 200
    assert _stored(openrum, body)


def test_the_bridge_is_not_an_open_proxy(openrum: OpenRum) -> None:
    connection = http.client.HTTPConnection(openrum.url.partition("://")[2], timeout=30)
    statuses = []
    for method, target in (("GET", f"http://{_NAME}/x"), ("CONNECT", f"{_NAME}:443")):
        connection.request(method, target)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        connection.close()

    assert statuses == [404, 400]


def test_boto3_sends_through_the_bridge_as_its_proxy(openrum: OpenRum) -> None:
    body = batch()
    urls = _boto3(openrum, body, HTTP_PROXY=openrum.url, endpoint_url=f"http://{_NAME}")

    assert urls == [f"http://dataplane.{_NAME}/appmonitors/{openrum.monitor_id()}/"]
    assert _stored(openrum, body)


def test_the_aws_cli_sends_through_the_bridge_as_its_proxy(openrum: OpenRum) -> None:
    body = batch()
    put = json.dumps({"Id": openrum.monitor_id(), **body})
    proxied = {"HTTP_PROXY": openrum.url, "AWS_DISABLE_HOST_PREFIX_INJECTION": "false"}
    with tools_needed():
        done = awscli.run(
            ["rum", "put-rum-events", "--cli-input-json", put], f"http://{_NAME}", proxied
        )

    assert (done.returncode, done.stderr) == (0, "")
    assert _stored(openrum, body)


# Versions of boto3


@pytest.mark.slow
def test_boto3_1_28_needs_the_option_and_ignores_the_variable(openrum: OpenRum) -> None:
    with tools_needed():
        packages = installed_packages("boto3", "1.28.0")
    bodies = [batch() for _ in range(3)]
    option = {"config": {"inject_host_prefix": False}}
    variable = {"AWS_DISABLE_HOST_PREFIX_INJECTION": "true"}
    address = {"AWS_ENDPOINT_URL_RUM": openrum.url}
    urls = [
        _boto3(openrum, bodies[0], packages, endpoint_url=openrum.url, **option),
        _boto3(openrum, bodies[1], packages, **address, **option),
    ]
    with pytest.raises(subprocess.CalledProcessError) as failure:
        _boto3(openrum, bodies[2], packages, endpoint_url=openrum.url, **variable)

    assert urls == [[f"{openrum.url}/appmonitors/{openrum.monitor_id()}/"]] * 2
    assert "Could not connect to the endpoint URL" in failure.value.stderr
    assert [_stored(openrum, body) for body in bodies] == [True, True, False]


def test_the_current_boto3_needs_only_the_variables(openrum: OpenRum) -> None:
    body = batch()
    variables = {
        "AWS_ENDPOINT_URL_RUM": openrum.url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }
    urls = _boto3(openrum, body, **variables)

    assert urls == [f"{openrum.url}/appmonitors/{openrum.monitor_id()}/"]
    assert _stored(openrum, body)


def _boto3(
    server: OpenRum, body: dict[str, Any], packages: Path | None = None, **options: Any
) -> list[str]:
    """Put a batch from another process and return the URLs that boto3 used.

    Args:
        packages: A folder with another version of boto3.
        options: Environment variables in upper case, and arguments of `boto3.client`.
    """
    variables = {name: value for name, value in options.items() if name.isupper()}
    arguments = {name: value for name, value in options.items() if not name.isupper()}
    environment = {
        **{name: value for name, value in os.environ.items() if "AWS" not in name.upper()},
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        **variables,
    }
    put = json.dumps({"Id": server.monitor_id(), **body})
    own = [] if packages is None else ["-S"]  # without the packages of the tests
    if packages is not None:
        environment["PYTHONPATH"] = str(packages)
    done = subprocess.run(
        [sys.executable, *own, "-c", _PUT, put, json.dumps(arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    urls: list[str] = json.loads(done.stdout)
    return urls
