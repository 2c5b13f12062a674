"""Resource policies in a SQL database: columns of the app monitors."""

from __future__ import annotations

__all__ = ["SqlPolicies"]

from sqlalchemy import update

from rum_service.storage.database import Database
from rum_service.storage.schema import app_monitors


class SqlPolicies:
    """Implements `PolicyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(
        self, app_monitor: int, *, expected: str | None, policy: str | None, revision: str | None
    ) -> bool:
        # IS NOT DISTINCT FROM: NULL, which means "no policy", equals NULL here.
        unchanged = app_monitors.c.policy_revision.is_not_distinct_from(expected)
        change = (
            update(app_monitors)
            .where(app_monitors.c.key == app_monitor, unchanged)
            .values(policy=policy, policy_revision=revision)
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1
