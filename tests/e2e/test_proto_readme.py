"""The programs in proto/README.md run as they stand and do what the text says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.support.batches import new_id
from tests.support.running import OpenRum, read_back
from tests.tools.node import node_program, npm_install
from tests.tools.toolbox import TOOLS, tools_needed

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "proto" / "README.md").read_text()
_NPM_PACKAGES = {
    "@bufbuild/protobuf": "2.17.0",
    "@bufbuild/protoc-gen-es": "2.13.0",
    "@connectrpc/connect": "2.1.2",
    "@connectrpc/connect-node": "2.1.2",
}
_TIMEOUT_S = 120


def _block(language: str, section: str) -> str:
    """Return the only code block of a language in a section."""
    text = _README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return str(block)


@pytest.fixture
def monitor(openrum: OpenRum) -> tuple[str, str]:
    """Return the name and the ID of an app monitor without events."""
    name = f"app-{new_id()}"
    with grpc.insecure_channel(openrum.grpc) as channel:
        request = CreateAppMonitorRequest(
            name=name, domain="localhost", custom_events=CustomEvents(status="ENABLED")
        )
        return name, ControlPlaneServiceStub(channel).CreateAppMonitor(request).id


def _run(command: list[object], folder: Path, openrum: OpenRum, monitor_id: str) -> str:
    """Run a command in the folder and return what it prints."""
    environment = {
        **os.environ,
        "OPENRUM_SERVICE": openrum.grpc,
        "APP_MONITOR_ID": monitor_id,
        "PATH": f"{node_program().parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def _assert_did_what_the_text_says(printed: str, openrum: OpenRum, name: str) -> None:
    assert re.fullmatch(r"There is no app monitor with this \w+\. [0-9a-f-]{36}\n", printed)
    # Two attempts with one batch ID.
    assert len(read_back(openrum.grpc, name)) == 1


def test_the_python_program_stores_a_batch_once_and_decodes_an_error(
    openrum: OpenRum, monitor: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "put.py").write_text(_block("python", "Python"))
    printed = _run([sys.executable, "-W", "error", "put.py"], tmp_path, openrum, monitor[1])

    _assert_did_what_the_text_says(printed, openrum, monitor[0])


def test_the_python_program_passes_mypy(tmp_path: Path) -> None:
    (tmp_path / "put.py").write_text(_block("python", "Python"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "put.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(_ROOT / "proto"), "MYPY_CACHE_DIR": str(tmp_path / "c")},
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )

    assert done.stdout == "Success: no issues found in 1 source file\n"


def test_the_typescript_program_stores_a_batch_once_and_decodes_an_error(
    openrum: OpenRum, monitor: tuple[str, str], tmp_path: Path
) -> None:
    with tools_needed():
        modules = npm_install(_NPM_PACKAGES, TOOLS / "stubs-typescript")
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "openrum").symlink_to(_ROOT)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "buf.gen.yaml").write_text(_block("yaml", "TypeScript"))
    (tmp_path / "put.ts").write_text(_block("typescript", "TypeScript"))
    _run(["buf", "generate"], tmp_path, openrum, monitor[1])
    printed = _run([node_program(), "put.ts"], tmp_path, openrum, monitor[1])

    _assert_did_what_the_text_says(printed, openrum, monitor[0])
