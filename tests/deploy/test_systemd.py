"""The systemd units are valid and protect the machine from the server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rum_bridge.settings import BridgeSettings
from rum_cli.process import STOP_S
from rum_service.settings import ServiceSettings
from tests.deploy.files import UNITS, unit
from tests.tools.toolbox import ToolMissingError, tools_needed

_MAX_EXPOSURE = 2.0
"""Of 10, as systemd-analyze counts."""


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    with tools_needed():
        program = shutil.which("systemd-analyze")
        if program is None:
            raise ToolMissingError("systemd-analyze is needed; install Debian's systemd.")
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow  # it needs systemd-analyze, which not every machine has
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_valid(tmp_path: Path, path: Path) -> None:
    # systemd-analyze wants to find the program.
    program = shutil.which("true")
    for file in path.parent.iterdir():
        text = file.read_text().replace("/opt/openrum/bin/openrum", str(program))
        (tmp_path / file.name).write_text(text)
    ran = _analyze("verify", "--recursive-errors=no", tmp_path / path.name)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.slow  # it needs systemd-analyze, which not every machine has
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_protects_the_machine(path: Path) -> None:
    ran = _analyze(
        "security", "--offline=yes", f"--threshold={int(_MAX_EXPOSURE * 10)}", "--no-pager", path
    )

    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_stop_waits_until_calls_in_progress_have_ended(path: Path) -> None:
    timeout_s = int(unit(path)["Service"]["TimeoutStopSec"])

    assert timeout_s > ServiceSettings.model_fields["drain_s"].default + STOP_S


def test_the_socket_of_the_bridge_has_the_default_address() -> None:
    [path] = UNITS[0].parent.glob("*.socket")

    assert path.stem == UNITS[0].stem
    assert unit(path)["Socket"]["ListenStream"] == BridgeSettings.model_fields["http"].default


def test_the_bridge_is_another_user_and_reads_its_token_as_a_member_of_a_group() -> None:
    bridge, projector, service = (unit(path)["Service"] for path in UNITS)

    assert bridge["User"] != service["User"] == projector["User"]
    assert bridge["SupplementaryGroups"] == service["Group"]
    assert service["RuntimeDirectory"] == "openrum"
    assert service["RuntimeDirectoryMode"] == "0750"
    assert service["StateDirectoryMode"] == "0700"
