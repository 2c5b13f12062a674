"""How the projector names its log, so that a projection is not continued with another one."""

from __future__ import annotations

import pytest

from rum_projector.settings import ProjectorSettings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///var/openrum.sqlite3", ":/var/openrum.sqlite3"),
        ("postgresql://u:p@one/db", "one:/db"),
        ("postgresql://u:p@one:5433/db", "one:5433/db"),
        ("postgresql://u:p@two:5433,one/db", "one:5432,two:5433/db"),
        ("postgresql://u:p@one:5432,two:5433/db?connect_timeout=5", "one:5432,two:5433/db"),
        ("postgresql://u@/db?host=two,one&port=7", "one:7,two:7/db"),
        ("postgresql://u@/db?host=/run/postgresql", "/run/postgresql:/db"),
        ("nonsense", ""),
    ],
)
def test_the_name_of_a_log_contains_its_servers_and_no_password(url: str, expected: str) -> None:
    assert ProjectorSettings(database_url=url).log_name == expected
