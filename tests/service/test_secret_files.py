"""Secret files: created once with the right mode; and what happens when the key is lost."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from rum.v1.control_plane_service_pb2 import ListAppMonitorsRequest
from rum_endpoint.start_error import StartError
from rum_service.auth.secret_files import SecretBox, create_or_read
from rum_service.auth.tokens import new_token
from rum_service.server import running_service
from tests.service.authorized import Authorized, authorized, bearer, signed
from tests.service.served import LoopThread
from tests.support.running import Service
from tests.support.services import settings_in


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_its_folder_are_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "var" / "operator.token"
    first = create_or_read(file, new_token, 0o600)

    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert create_or_read(file, new_token, 0o600) == first == file.read_text().strip()
    assert [path.name for path in file.parent.iterdir()] == ["operator.token"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
@pytest.mark.parametrize("wanted", [0o600, 0o640], ids=oct)
def test_the_mode_of_a_file_does_not_depend_on_the_umask(
    tmp_path: Path, umask: int, wanted: int
) -> None:
    before = os.umask(umask)
    try:
        create_or_read(tmp_path / "bridge.token", new_token, wanted)
    finally:
        os.umask(before)

    assert mode(tmp_path / "bridge.token") == wanted


def test_a_service_creates_secret_files_closed_to_others(loop: LoopThread, tmp_path: Path) -> None:
    folder = tmp_path / "var"
    with authorized(loop, folder) as service:
        service.import_key("write")
        modes = {path.name: mode(path) for path in folder.iterdir()}

    expected = {"operator.token": 0o600, "bridge.token": 0o640, "secrets.key": 0o600}
    assert expected == {name: modes[name] for name in expected}
    assert mode(folder) == 0o700


def test_processes_that_create_a_file_at_once_read_the_same_content(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from rum_service.auth.secret_files import create_or_read\n"
        "from rum_service.auth.tokens import new_token\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(create_or_read(pathlib.Path(sys.argv[1]), new_token, 0o600))\n"
    )
    file = tmp_path / "token"
    command = [sys.executable, "-c", script, str(file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    made = {process.communicate(timeout=30)[0].strip() for process in processes}

    assert made == {file.read_text().strip()}
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_threads_that_create_a_file_at_once_read_the_same_content(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        for number in range(20):
            file = tmp_path / f"token{number}"
            made = set(
                threads.map(lambda _, f=file: create_or_read(f, new_token, 0o600), range(16))
            )
            assert len(made) == 1


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:

    def unwritable() -> str:
        return "\ud800"  # cannot be encoded

    with pytest.raises(UnicodeEncodeError):
        create_or_read(tmp_path / "token", unwritable, 0o600)

    assert list(tmp_path.iterdir()) == []
    assert create_or_read(tmp_path / "token", new_token, 0o600)


@pytest.mark.parametrize("name", ["operator.token", "bridge.token"])
@pytest.mark.parametrize("content", ["", " \n"])
async def test_the_service_does_not_start_with_an_empty_token_file(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)

    with pytest.raises(StartError, match=f"{name}: is empty"):
        async with running_service(settings_in(tmp_path)):
            pass


def test_a_secret_sealed_with_another_key_cannot_be_opened(tmp_path: Path) -> None:
    sealed = SecretBox(tmp_path / "a").seal("secret")
    SecretBox(tmp_path / "b").seal("secret")

    assert SecretBox(tmp_path / "a").open(sealed) == "secret"
    with pytest.raises(ValueError, match="b is not the key of this database"):
        SecretBox(tmp_path / "b").open(sealed)


def test_opening_does_not_create_a_missing_key(tmp_path: Path) -> None:
    sealed = SecretBox(tmp_path / "a").seal("secret")

    with pytest.raises(FileNotFoundError):
        SecretBox(tmp_path / "lost").open(sealed)
    assert not (tmp_path / "lost").exists()


def test_a_file_without_a_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("text\n")

    with pytest.raises(ValueError, match="key does not contain a key"):
        SecretBox(tmp_path / "key").seal("secret")


def test_a_lost_key_is_a_logged_internal_error(tmp_path: Path) -> None:
    """With 403, browsers would stop sending although the file may come back."""
    files = {
        f"OPENRUM_{name}_FILE": str(tmp_path / name)
        for name in ("OPERATOR_TOKEN", "BRIDGE_TOKEN", "SECRETS_KEY")
    }
    with Service(tmp_path, OPENRUM_AUTH="required", **files) as process:
        (tmp_path / "operator.token").symlink_to("OPERATOR_TOKEN")
        (tmp_path / "bridge.token").symlink_to("BRIDGE_TOKEN")
        with grpc.insecure_channel(process.grpc) as channel:
            service = Authorized(tmp_path, channel)
            service.import_key("read", "write")
            shop = service.monitor("shop")
            (tmp_path / "SECRETS_KEY").unlink()
            put = service.relay_put(shop, signed("POST", f"/appmonitors/{shop}"))
            listed = service.outcome(
                "ListAppMonitors",
                ListAppMonitorsRequest(),
                service.relayed(signed("POST", "/appmonitors")),
            )
            with_token = service.put(shop, bearer(service.operator))
        process.stop()
    failures = [json.loads(line) for line in process.output if '"level": "error"' in line]

    assert (put, listed, with_token) == ("InternalServerException",) * 2 + ("ok",)
    assert ["SECRETS_KEY" in line["exception"] for line in failures] == [True, True]
    assert {line["event"] for line in failures} == {"put failed", "call failed"}
