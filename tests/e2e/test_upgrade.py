"""Databases of all earlier schemas are upgraded, and newer ones are left alone."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import grpc.aio
import psycopg
import pytest
from google.protobuf.json_format import ParseDict

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from rum_cli.db_check import DatabaseCheck
from rum_service.auth.secret_files import SecretBox
from rum_service.storage import inspect_database, open_store, upgrade_database
from rum_service.storage.migrate import NEWEST
from tests.e2e.stored import stored_events
from tests.golden import schemas
from tests.golden.schemas.sent import sent_batches
from tests.support.running import run_openrum
from tests.support.services import settings_in, started

_FOLDER = Path(schemas.__file__).parent
_MEMBERS = ("timestamp", "type", "details")
_FILES = sorted(file.name for file in _FOLDER.glob("*.gz"))


class _Old(NamedTuple):
    """A database of an earlier schema."""

    revision: str
    url: str


@pytest.fixture(params=_FILES, ids=lambda name: name.removesuffix(".gz"))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> _Old:
    name = str(request.param)
    content = gzip.decompress((_FOLDER / name).read_bytes())
    key = _FOLDER / name.replace(".gz", ".key")
    if key.exists():
        (tmp_path / "var").mkdir()
        (tmp_path / "var" / "secrets.key").write_bytes(key.read_bytes())
    if ".sqlite3." in name:
        file = tmp_path / "openrum.sqlite3"
        file.write_bytes(content)
        return _Old(name[:4], f"sqlite:///{file}")
    url: str = request.getfixturevalue("empty_postgres")
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(content)
    return _Old(name[:4], url)


def test_there_is_a_database_of_each_earlier_schema() -> None:
    revisions = [f"{number:04}" for number in range(1, int(NEWEST))]

    assert {f"{r}.{kind}.gz" for r in revisions for kind in ("sqlite3", "sql")} <= set(_FILES)


async def test_an_upgraded_database_keeps_everything_and_recognizes_retries(
    old: _Old, tmp_path: Path
) -> None:
    sent = sent_batches(old.revision)
    found = upgrade_database(old.url)
    checked = _checked(old.url, tmp_path)
    store = open_store(old.url)
    ids = {name: store.monitors.by_name(name) for name in ("my-app", "other")}
    proofs = store.erasures.list(below=None, limit=10)
    key = tmp_path / "var" / "secrets.key"
    settings = settings_in(tmp_path, database_url=old.url, secrets_key_file=key)
    async with (
        started(store, settings, listening=True) as service,
        grpc.aio.insecure_channel(service.server.address) as channel,
    ):
        for batch in sent:
            monitor = ids[batch.monitor]
            assert monitor
            request = ParseDict({**batch.body, "Id": monitor.id}, PutRumEventsRequest())
            await DataPlaneServiceStub(channel).PutRumEvents(request)
        events = {
            name: await asyncio.to_thread(stored_events, service.server.address, name)
            for name in ids
        }
    store.close()

    assert found == old.revision
    assert [(1, "my-app", 0, 0)] * (old.revision >= "0010") == [
        (proof.key, proof.app_monitor_name, proof.events, proof.damaged_batches) for proof in proofs
    ]
    assert checked == (len(sent), [])
    assert _checked(old.url, tmp_path) == (len(sent), [])
    for name, documents in events.items():
        expected = {
            event["id"]: (event["timestamp"] * 1000, event["type"], json.loads(event["details"]))
            for batch in sent
            if batch.monitor == name
            for event in batch.stored
        }
        assert len(documents) == len(expected)
        found_events = {
            event["event_id"]: tuple(event[f"event_{member}"] for member in _MEMBERS)
            for event in documents
        }
        assert found_events == expected


def _checked(url: str, folder: Path) -> tuple[int, list[str]]:
    """Return the number of batches, and what `openrum db check` finds."""
    store, inspection = inspect_database(url)
    with closing(inspection):
        box = SecretBox(folder / "var" / "secrets.key")
        check = DatabaseCheck(store, inspection, box)
        problems = list(check.problems(lambda _done, _total: None))
        return check.log.batches, problems


def test_the_command_says_from_which_schema_to_which(tmp_path: Path) -> None:
    file = tmp_path / "openrum.sqlite3"
    file.write_bytes(gzip.decompress((_FOLDER / "0001.sqlite3.gz").read_bytes()))
    settings = {"OPENRUM_DATABASE_URL": f"sqlite:///{file}"}
    upgraded = run_openrum("db", "upgrade", cwd=tmp_path, **settings)
    again = run_openrum("db", "upgrade", cwd=tmp_path, **settings)

    assert upgraded.stdout == f"The database is upgraded from schema 0001 to {NEWEST}\n"
    assert again.stdout == f"The database has schema {NEWEST} already\n"


@pytest.mark.parametrize(
    "command",
    [
        ("db", "check"),
        ("db", "upgrade"),
        ("db", "backup", "copy"),
        ("db", "restore", "newer.sqlite3"),
        ("db", "repair", "aside"),
        ("db", "compact"),
        ("export", "shop"),
        ("copy", "--to", "sqlite:///target.sqlite3"),
        ("service",),
        ("up",),
        ("projector",),
    ],
    ids=" ".join,
)
def test_a_newer_database_is_refused_by_every_command(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "newer.sqlite3"
    open_store(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = file.read_bytes()
    ran = run_openrum(
        *command,
        cwd=tmp_path,
        OPENRUM_DATABASE_URL="sqlite:///newer.sqlite3",
        OPENRUM_HTTP="127.0.0.1:0",
        OPENRUM_GRPC="127.0.0.1:0",
    )

    assert ran.returncode in (1, 2)
    assert (
        f"the database has schema 9999, and this version of OpenRUM knows schemas up to {NEWEST};"
        " use the version that upgraded it, or a later one"
    ) in ran.stderr
    assert "Traceback" not in ran.stderr
    assert file.read_bytes() == before


def test_a_missing_database_is_not_created_by_an_upgrade(tmp_path: Path) -> None:
    ran = run_openrum("db", "upgrade", cwd=tmp_path, OPENRUM_DATABASE_URL="sqlite:///none.sqlite3")

    assert ran.returncode == 2
    assert "none.sqlite3 does not exist" in ran.stderr
    assert list(tmp_path.iterdir()) == []
