"""The code that `openrum help clients` prints runs unchanged, with and without authorization."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.sdk_js import PACKAGES
from tests.e2e.snippet_site import npm_page, script_tag_page, site
from tests.support.running import OpenRum, environment, run_openrum, wait_until
from tests.tools import awscli
from tests.tools.chromium import Page
from tests.tools.node import node_program, npm_install
from tests.tools.toolbox import TOOLS, tools_needed

_MODES = {"unauthorized": {}, "authorized": {"OPENRUM_AUTH": "required"}}


class Printed:
    """The output of the command in the last line that a server prints at its start."""

    def __init__(self, server: OpenRum) -> None:
        self.server = server
        line = next(line for line in server.output if line.startswith("Connect your clients: "))
        self.text = self.shell(line.removeprefix("Connect your clients: "))
        parts = re.split(r"^--- (.*)\n\n", self.text, flags=re.MULTILINE)[1:]
        self._sections = dict(zip(parts[::2], parts[1::2], strict=True))

    def __getitem__(self, start: str) -> str:
        """Return the section whose title starts with `start`."""
        (found,) = [text for title, text in self._sections.items() if title.startswith(start)]
        return found

    def shell(self, script: str, **variables: str) -> str:
        """Run shell lines in the folder of the server and return their output."""
        ran = subprocess.run(
            ["bash", "-ec", script],
            cwd=self.server.folder,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def with_credentials(self, command: str, **variables: str) -> str:
        """Run a command after the lines of the section on credentials."""
        exports = [line for line in self["Credentials"].splitlines() if line.startswith("export ")]
        assert len(exports) == 1
        return self.shell(f"{exports[0]}\n{command}", **variables)


@pytest.fixture(scope="module", params=_MODES)
def printed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Printed]:
    folder = tmp_path_factory.mktemp(request.param)
    with OpenRum(folder, **_MODES[request.param]) as server:
        yield Printed(server)


@pytest.fixture
def new_event(printed: Printed) -> Iterator[None]:
    """Check that the test stores one event, of the type my.event."""
    before = _types(printed.server)
    yield
    assert [*before, "my.event"] == _types(printed.server)


def _types(server: OpenRum) -> list[str]:
    """Return the types of the stored events, oldest first."""
    ran = run_openrum("events", "my-app", "--json", cwd=server.folder, OPENRUM_SERVICE=server.grpc)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line)["event_type"] for line in reversed(ran.stdout.splitlines())]


@pytest.mark.usefixtures("new_event")
def test_the_boto3_code_stores_an_event(printed: Printed, tmp_path: Path) -> None:
    script = tmp_path / "snippet.py"
    script.write_text(printed["boto3"])

    assert printed.with_credentials(f"{sys.executable} {script}") == ""


@pytest.mark.usefixtures("new_event")
def test_the_aws_cli_command_stores_an_event_once(printed: Printed) -> None:
    with tools_needed():
        packages = awscli.install()
    aws = f'aws() {{ {sys.executable} -S -m awscli "$@"; }}\n'
    isolated = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}

    for _ in range(2):
        printed.with_credentials(aws + printed["AWS CLI"], PYTHONPATH=str(packages), **isolated)


@pytest.mark.usefixtures("new_event")
def test_the_javascript_code_stores_an_event(printed: Printed) -> None:
    with tools_needed():
        modules = npm_install(PACKAGES, TOOLS / "aws-sdk-js")
    script = printed.server.folder / "snippet.mjs"
    script.write_text(printed["AWS SDK for JavaScript v3"])
    (script.parent / "node_modules").symlink_to(modules)

    assert printed.with_credentials(f"{node_program()} {script}") == ""


@pytest.mark.usefixtures("new_event")
def test_the_stubs_code_stores_an_event(printed: Printed, tmp_path: Path) -> None:
    exports, imports, code = printed["Internal"].partition("import ")
    script = tmp_path / "snippet.py"
    script.write_text(imports + code)

    assert printed.shell(f"{exports}\n{sys.executable} {script}") == ""


@pytest.mark.parametrize("way", ["npm", "script tag"])
def test_the_code_for_pages_stores_the_events_of_a_page(
    printed: Printed, way: str, page: Page, tmp_path: Path
) -> None:
    if "Pages: permission" in printed.text:
        printed.shell(printed["Pages: permission"])
    if way == "npm":
        npm_page(tmp_path, printed["Pages: aws-rum-web from npm"])
    else:
        text = printed["Pages: aws-rum-web with a script tag"]
        script_tag_page(tmp_path, *text.split("\n\n", maxsplit=1))
    before = len(_sessions(printed.server))
    with site(tmp_path) as url:
        page.open(url)
        wait_until(lambda: len(_sessions(printed.server)) == before + 1, every_s=0.5)


def _sessions(server: OpenRum) -> list[str]:
    return [name for name in _types(server) if name == "com.amazon.rum.session_start_event"]


def test_the_addresses_are_those_that_clients_can_reach(openrum: OpenRum) -> None:
    def clients(*options: str, **settings: str) -> str:
        ran = run_openrum("help", "clients", *options, OPENRUM_SERVICE=openrum.grpc, **settings)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    everywhere = clients(OPENRUM_HTTP="0.0.0.0:8080", OPENRUM_AUTH="required")
    public = clients(OPENRUM_PUBLIC_URL="https://rum.example", OPENRUM_HTTP="0.0.0.0:8080")
    given = clients("--url", "http://a.example", "--grpc", "b.example:50051")

    assert "0.0.0.0" not in everywhere
    assert 'endpoint_url="https://rum.example"' in public
    assert 'endpoint_url="http://a.example"' in given
    assert 'grpc.secure_channel(\n    "b.example:50051", grpc.ssl_channel_credentials(' in given
    assert openrum.monitor_id() in given


def test_without_a_service_the_app_monitor_id_is_a_placeholder() -> None:
    ran = run_openrum("help", "clients", OPENRUM_SERVICE="127.0.0.1:1")

    assert ran.returncode == 0
    assert 'Id="YOUR-APP-MONITOR-ID"' in ran.stdout
    assert ran.stderr.startswith("Note: no service answers at 127.0.0.1:1; ")


def test_an_unknown_app_monitor_is_rejected(openrum: OpenRum) -> None:
    ran = run_openrum("help", "clients", "--name", "nobody", OPENRUM_SERVICE=openrum.grpc)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("Error: ResourceNotFoundException: ")
