"""An invalid setting is reported in one line that names it and contains no secret."""

from __future__ import annotations

import socket
from pathlib import Path

import grpc.aio
import pytest
from pydantic import ValidationError

from rum_endpoint.start_error import StartError
from rum_service.server import running_service
from rum_service.settings import ServiceSettings
from rum_service.storage import open_store
from tests.support.services import settings_in


def rejection(**settings: object) -> str:
    """Return the setting and the message that these settings are rejected with."""
    with pytest.raises(ValidationError) as rejected:
        ServiceSettings(**settings)  # type: ignore[arg-type]
    problem = rejected.value.errors(include_url=False, include_input=False)[0]
    return ": ".join([*(str(part) for part in problem["loc"]), problem["msg"]])


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0:50051", "[::]:50051", "192.168.1.7:0", "rum.example.com:50051", "10.0.0.1:1"],
)
def test_an_address_reachable_from_other_machines_requires_tls(address: str) -> None:
    assert "OPENRUM_GRPC: " + address in rejection(grpc=address)
    assert "OPENRUM_GRPC_CERTIFICATE_FILE" in rejection(grpc=address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:0", "127.9.9.9:1", "[::1]:50051", "localhost:65535"]
)
def test_a_loopback_address_requires_no_tls(address: str) -> None:
    assert not ServiceSettings(grpc=address).exposed


@pytest.mark.parametrize(
    "address", ["50051", ":50051", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                "127.0.0.1:-1", "127.0.0.1:²", "127.0.0.1:٣", ""],
)  # fmt: skip
def test_an_invalid_address_is_rejected(address: str) -> None:
    assert rejection(grpc=address).startswith("grpc: Value error, must be host:port, such as ")


@pytest.mark.parametrize(
    ("text", "access"),
    [("read", ["read"]), ("read,write", ["read", "write"]), ("admin , read", ["admin", "read"]),
     ("", [])],
)  # fmt: skip
def test_certificate_access_is_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, access: list[str]
) -> None:
    monkeypatch.setenv("OPENRUM_CERTIFICATE_ACCESS", text)

    assert ServiceSettings().certificate_access == access


def test_a_json_array_is_rejected_with_the_same_list_in_the_new_form() -> None:
    assert rejection(certificate_access='["read", "admin"]') == (
        "certificate_access: Value error, must be separated by commas, without brackets or quotes:"
        " read,admin"
    )


@pytest.mark.parametrize(
    "account",
    ["", "1", "0" * 13, "0" * 11 + "x", " " + "0" * 12, "0" * 12 + "\n", "٣" * 12],
)
def test_an_account_id_must_be_twelve_digits(account: str) -> None:
    assert rejection(account_id=account).startswith("account_id: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_events", 0), ("max_waiting_bytes", 1), ("drain_s", -1), ("drain_s", "nan")],
)
def test_a_limit_out_of_range_is_rejected(name: str, value: object) -> None:
    assert rejection(**{name: value}).startswith(f"{name}: ")


SECRET = "hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://user:{SECRET}@127.0.0.1:1/db",
        f"postgresql+psycopg://user:p@{SECRET}:5432@127.0.0.1/db",
        f"postgresql+psycopg://user:p@{SECRET}@127.0.0.1:1/db",
        f"postgresql+psycopg://user:p@{SECRET}/p@127.0.0.1:1/db",
        f"postgresql+psycopg://user:{SECRET}@127.0.0.1:port/db",
        f"postgresql+psycopg://user:{SECRET}@[::1/db",
        f"postgresql+psycopg//user:{SECRET}@127.0.0.1/db",
        f"postgresql://user:{SECRET}@127.0.0.1:1/db",
        f"mysql://user:{SECRET}@127.0.0.1/db",
        f"user:{SECRET}@127.0.0.1",
    ],
)
def test_a_database_error_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as rejected:
        open_store(url)

    assert SECRET not in str(rejected.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_an_in_memory_database_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match="must name a file"):
        open_store(url)


def test_a_file_that_is_not_a_database_is_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes, not a database\n" * 100)
    with pytest.raises(ValueError, match="the database cannot be opened: file is not a database"):
        open_store(f"sqlite:///{file}")

    assert file.read_text() == "my notes, not a database\n" * 100


async def start_error(settings: ServiceSettings) -> str:
    with pytest.raises(StartError, match=r"^[^\n]+$") as rejected:
        async with running_service(settings):
            pass
    return str(rejected.value)


async def test_a_busy_port_is_reported_in_one_line_with_the_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        text = await start_error(settings_in(tmp_path, grpc=address))

    assert text == f"OPENRUM_GRPC: cannot listen on {address}: address already in use"


@pytest.mark.parametrize("path", ["missing/service.sock", "x" * 120])
async def test_a_unix_socket_that_cannot_be_created_is_reported_with_the_setting(
    tmp_path: Path, path: str
) -> None:
    text = await start_error(settings_in(tmp_path, socket=str(tmp_path / path)))

    assert text.startswith(f"OPENRUM_SOCKET: cannot listen on {tmp_path / path}")


async def test_a_unix_socket_of_a_running_process_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(0)  # room for one connection: the second start finds a full queue
        texts = [await start_error(settings_in(tmp_path, socket=str(path))) for _ in range(2)]
        other.accept()[0].close()
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()

    message = f"OPENRUM_SOCKET: cannot listen on {path}: another process listens on it"
    assert texts == [message, message]


async def test_a_unix_socket_that_a_killed_process_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()

    async with (
        running_service(settings_in(tmp_path, socket=str(path))),
        grpc.aio.insecure_channel(f"unix:{path}") as channel,
    ):
        await channel.channel_ready()


async def test_a_database_that_cannot_be_opened_is_reported_with_the_setting(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    for url in ("sqlite:///:memory:", f"sqlite:///{tmp_path}/file/openrum.sqlite3"):
        text = await start_error(settings_in(tmp_path, database_url=url))
        assert text.startswith("OPENRUM_DATABASE_URL: ")


async def test_a_failed_start_releases_the_database(tmp_path: Path) -> None:
    await start_error(settings_in(tmp_path, socket=str(tmp_path / "missing" / "s")))

    async with running_service(settings_in(tmp_path)) as service:
        assert service.address.startswith("127.0.0.1:")
