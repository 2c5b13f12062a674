"""Errors of a database whose files are damaged come with advice in the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from rum_service.errors import ValidationException
from rum_service.storage import open_store
from rum_service.storage.damage import advice_for
from tests.support.logged import contents, logged

_ADVICE = {"action": "run `openrum db check`"}
_PAGE_BYTES = 4096


def test_damaged_pages_of_sqlite_are_recognized(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    store = open_store(f"sqlite:///{file}")
    store.log.append([logged(number) for number in range(2_000)])
    store.close()
    content = bytearray(file.read_bytes())
    used = range(60 * _PAGE_BYTES, len(content))
    content[used.start :] = b"\xff" * len(used)
    file.write_bytes(content)
    store = open_store(f"sqlite:///{file}")
    with pytest.raises(DBAPIError) as caught:
        contents(store.log, limit=2_000)
    store.close()

    assert advice_for(caught.value) == _ADVICE


@pytest.mark.parametrize(
    ("sqlstate", "advice"), [("XX001", _ADVICE), ("XX002", _ADVICE), ("40001", {})]
)
def test_damage_that_postgresql_reports_is_recognized(
    empty_postgres: str, sqlstate: str, advice: dict[str, str]
) -> None:
    engine = create_engine(empty_postgres)
    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))
    engine.dispose()

    assert advice_for(caught.value) == advice


def test_other_errors_have_no_advice() -> None:
    assert advice_for(ValidationException("x")) == {}
