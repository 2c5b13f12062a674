"""Examples in the README and the guides run unchanged, against a running server, and pass mypy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.guarded import Guarded
from tests.e2e.stored import stored_events
from tests.support.batches import batch
from tests.support.running import OpenRum, environment, run_openrum, wait_until
from tests.tools import awscli
from tests.tools.chromium import Page
from tests.tools.node import run_node
from tests.tools.rum_page import demo_site, npm_packages
from tests.tools.toolbox import tools_needed

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "README.md").read_text()
_SEND = (_ROOT / "docs" / "how-to" / "send-events.md").read_text()
_EXPORT_GUIDE = (_ROOT / "docs" / "how-to" / "take-data-out-and-in.md").read_text()
_SECURE = (_ROOT / "docs" / "how-to" / "secure.md").read_text()
_TUTORIAL = (_ROOT / "docs" / "tutorial" / "first-hour.md").read_text()
_BACK_UP = (_ROOT / "docs" / "how-to" / "back-up.md").read_text()
_URL, _GRPC = "http://127.0.0.1:8080", "127.0.0.1:50051"
_REPOSITORY = "URL-OF-THIS-REPOSITORY"
_STUB_PACKAGES = {
    "googleapis-common-protos",
    "grpcio",
    "openrum-stubs",
    "protobuf",
    "typing-extensions",  # grpcio needs it
}


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def _the_block(language: str, containing: str) -> str:
    found = [block for block in _blocks(_SEND + _EXPORT_GUIDE, language) if containing in block]
    (block,) = found
    return block


def _commands(text: str) -> list[str]:
    """Return the commands after the prompt in all console blocks."""
    lines = "".join(_blocks(text, "console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def _for(server: OpenRum, block: str) -> str:
    """Return an example with the default addresses replaced by those of this server."""
    return block.replace(_URL, server.url).replace(_GRPC, server.grpc)


def _events(server: OpenRum, event_type: str) -> list[Any]:
    return [
        event["event_details"]
        for event in stored_events(server.grpc)
        if event["event_type"] == event_type
    ]


# Python


_BOTO3 = _the_block("python", "boto3.client")
_STUBS = _the_block("python", "DataPlaneServiceStub")
_DUCKDB = _the_block("python", "duckdb.sql")


def test_all_python_in_the_readme_and_the_guides_is_tested() -> None:
    blocks = _blocks(_README + _SEND + _EXPORT_GUIDE, "python")

    assert sorted(blocks) == sorted([_BOTO3, _STUBS, _DUCKDB])


def test_the_readme_and_the_guide_have_the_same_example_of_a_page() -> None:
    assert _blocks(_README, "js") == _blocks(_SEND, "js")


def test_the_python_examples_pass_mypy_strict(tmp_path: Path) -> None:
    programs = {"boto3": _BOTO3, "stubs": _STUBS, "duckdb": _DUCKDB}
    for name, program in programs.items():
        (tmp_path / f"{name}_example.py").write_text(program)
    (tmp_path / "mypy.ini").write_text("[mypy]\n")  # not the settings of this repository
    mypy = [sys.executable, "-m", "mypy", "--strict", *tmp_path.glob("*.py")]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("Success: no issues found in 3 source files\n", "")


def test_the_boto3_example_stores_an_event(openrum: OpenRum) -> None:
    subprocess.run(
        [sys.executable, "-c", _for(openrum, _BOTO3)],
        env={**os.environ, "AWS_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"},
        check=True,
        timeout=120,
    )

    assert _events(openrum, "cart_filled") == [{"items": 3}]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the same layout and contract as this checkout."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copy(_ROOT / "LICENSE", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(_ROOT / "proto", folder / "proto", symlinks=True, ignore=ignored)
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "contract"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def consumer(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with only the stubs, installed as documented."""
    folder = tmp_path_factory.mktemp("consumer")
    # Not `sys.executable`: an environment that was created in an environment of uv has no pip.
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", folder], check=True)
    (line,) = [command for command in _commands(_SEND) if command.startswith("pip install")]
    line = line.replace(_REPOSITORY, f"file://{repository}")
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        line,
        shell=True,
        env={**os.environ, **quiet, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "bin" / "python"


def test_installing_the_stubs_installs_no_server_code(consumer: Path) -> None:
    listed = subprocess.run(
        [consumer, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True
    )
    names = {found["name"].replace("_", "-") for found in json.loads(listed.stdout)}

    assert names - {"pip", "setuptools", "wheel"} == _STUB_PACKAGES
    assert list(consumer.parent.glob("openrum*")) == []


def test_the_stubs_example_stores_an_event_with_only_the_stubs_installed(
    openrum: OpenRum, consumer: Path
) -> None:
    subprocess.run([consumer, "-c", _for(openrum, _STUBS)], check=True, timeout=120)

    assert _events(openrum, "order_shipped") == [{"parcels": 1}]


# JavaScript


def test_the_page_example_stores_a_page_view(openrum: OpenRum, page: Page, tmp_path: Path) -> None:
    program = _the_block("js", "new AwsRum").replace("YOUR-APP-MONITOR-ID", openrum.monitor_id())
    (tmp_path / "example.js").write_text(_for(openrum, program))
    with tools_needed():
        modules = npm_packages()
        (tmp_path / "node_modules").symlink_to(modules)
        options = ["--bundle", "--format=iife", "--outfile=bundled.js", "--log-level=warning"]
        esbuild = modules / "esbuild" / "bin" / "esbuild"
        run_node(esbuild, "example.js", *options, cwd=tmp_path)
        site = demo_site("http://127.0.0.1:9", openrum.monitor_id())
    script = (tmp_path / "bundled.js").read_text()
    with site as url:
        page.open(f"{url}elsewhere")  # a page without the client of the demo site
        page.do(lambda inner: inner.add_script_tag(content=script))
        page.open(f"{url}elsewhere?next")  # leaving a page sends its events
        wait_until(lambda: _events(openrum, "com.amazon.rum.page_view_event"))

    views = _events(openrum, "com.amazon.rum.page_view_event")
    assert [view["pageId"] for view in views] == ["/elsewhere"]


# The command line


@pytest.fixture
def shell(openrum: OpenRum, tmp_path: Path) -> Iterator[Any]:
    """Runs the lines of a console block in one shell and returns their output."""
    programs = tmp_path / "bin"
    programs.mkdir()
    with tools_needed():
        packages = awscli.install()
    _script(programs / "openrum", f'exec "{sys.executable}" -m rum_cli "$@"')
    _script(
        programs / "aws",
        f'PYTHONPATH="{packages}" exec "{sys.executable}" -S -m awscli "$@"',
    )
    settings = {
        "OPENRUM_SERVICE": openrum.grpc,
        "OPENRUM_OPERATOR_TOKEN_FILE": str(openrum.folder / "var" / "operator.token"),
        "AWS_CONFIG_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }

    def run(lines: list[str]) -> str:
        text = _for(openrum, "\n".join(lines)).replace(".venv/bin/openrum", "openrum")
        done = subprocess.run(
            ["sh", "-e", "-c", text],
            env=environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    yield run


def _script(file: Path, line: str) -> None:
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)


def test_the_first_commands_send_a_sample_and_show_it(shell: Any) -> None:
    lines = [line for line in _commands(_README) if line.startswith(".venv/bin/openrum")]
    printed = shell(lines)

    assert len(lines) == 2
    shown = _blocks(_README, "text")[0].split()
    for word in ("Time", "js_error_event", "/checkout", "LCP", "1.8", "POST", "503"):
        assert word in shown
        assert word in printed


def test_the_duckdb_example_queries_exported_events(openrum: OpenRum, tmp_path: Path) -> None:
    assert run_openrum("send", "--sample", OPENRUM_SERVICE=openrum.grpc).returncode == 0
    database = {"OPENRUM_DATABASE_URL": f"sqlite:///{openrum.database}"}
    exported = run_openrum("export", "my-app", cwd=tmp_path, **database)
    printed = subprocess.run(
        [sys.executable, "-c", _DUCKDB],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert exported.returncode == 0, exported.stderr
    for word in ("/checkout", "Firefox", "1840"):
        assert word in printed.stdout


def test_the_aws_cli_lines_list_the_app_monitor(shell: Any) -> None:
    lines = [line for line in _commands(_SEND) if line.startswith(("export", "aws"))]
    listed = json.loads(shell(lines))

    assert [monitor["Name"] for monitor in listed["AppMonitorSummaries"]] == ["my-app"]


def test_the_commands_of_the_tutorial_run_in_order(openrum: OpenRum, shell: Any) -> None:
    lines = [line for line in _commands(_TUTORIAL) if line.startswith("openrum")]
    lines.remove("openrum tail my-app")  # runs until it is interrupted
    printed = shell(lines)

    assert len(lines) == 6
    assert re.search(r'"event_type": ?"com.amazon.rum.js_error_event"', printed)
    assert {"my-app", "shop"} <= set(_monitor_names(openrum))


def _monitor_names(server: OpenRum) -> list[str]:
    status, text = server.post("/appmonitors", {})
    assert status == 200
    return [monitor["Name"] for monitor in json.loads(text)["AppMonitorSummaries"]]


def test_all_commands_in_the_readme_and_for_sending_are_tested() -> None:
    tested = (".venv/bin/openrum", "export ", "aws ", "pip install ", "make run")
    lines = _commands(_README + _SEND)

    assert [line for line in lines if not line.startswith(tested)] == []


# How-to guides


def test_the_policy_of_the_guide_allows_pages_with_the_alias(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    (policy,) = _blocks(_SECURE, "json")
    with Guarded(tmp_path_factory.mktemp("secured")) as server:
        path = f"/appmonitors/{server.monitor_id()}"
        with server.policy(json.loads(policy)):
            statuses = [server.post(path, batch(**more))[0] for more in ({}, {"Alias": "shop"})]

    assert statuses == [403, 200]


def test_a_backup_of_a_running_server_contains_every_acknowledged_batch(
    openrum: OpenRum, tmp_path: Path
) -> None:
    body = batch(2)
    status = openrum.post(f"/appmonitors/{openrum.monitor_id()}", body)[0]
    (line,) = [line for line in _commands(_BACK_UP) if line.startswith("openrum db backup")]
    copy = tmp_path / "openrum.sqlite3"
    arguments = line.replace("/backup/openrum.sqlite3", str(copy)).split()[1:]
    url = f"sqlite:///{openrum.database}"
    done = run_openrum(*arguments, cwd=openrum.folder, OPENRUM_DATABASE_URL=url)
    with OpenRum(tmp_path, OPENRUM_DATABASE_URL=f"sqlite:///{copy}") as restored:
        stored = {event["batch_id"] for event in stored_events(restored.grpc)}

    assert (status, done.returncode) == (200, 0)
    assert body["BatchId"] in stored
