"""URLs of databases that are not supported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rum_service.storage import open_lock, open_store

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/db",
        "mysql+pymysql://me:secret@host/db",
        "mariadb+mariadbconnector://me:secret@host/db",
        "mysql+pymysql://me:secret@one:3306,two:3306/db",
    ],
)
def test_a_url_of_mariadb_is_rejected_with_the_supported_databases_and_the_reasons(
    url: str,
) -> None:
    for opening in (open_store, lambda url: open_lock(url, key=1, name="test")):
        with pytest.raises(ValueError, match="use sqlite:// or postgresql://") as caught:
            opening(url)

        page = re.search(r"docs/\S+\.md", str(caught.value))
        assert page
        assert (_ROOT / page[0]).is_file()
        assert "secret" not in str(caught.value)


def test_the_url_of_another_database_is_rejected_with_the_supported_ones() -> None:
    with pytest.raises(ValueError, match=r"^oracle:// is not supported; use sqlite:// or postgres"):
        open_store("oracle://me:secret@host/db")
