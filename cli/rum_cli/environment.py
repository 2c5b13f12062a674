"""The settings of the servers, from the environment and for the help, and in errors."""

from __future__ import annotations

__all__ = ["Settings", "opening_database", "read_settings", "setting_rows"]

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from rum_cli.failure import WRONG_USAGE, Failure

Settings = TypeVar("Settings", bound=BaseSettings)

_FIRST_SENTENCE = re.compile(r"(.*?\.)(?: [A-Z`].*)?", re.DOTALL)


def read_settings(kind: type[Settings]) -> Settings:
    """Return the settings of the environment.

    Raises:
        Failure: A setting is invalid; the text names it.
    """
    try:
        return kind()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        message = problem["msg"].removeprefix("Value error, ")
        if problem["loc"]:
            message = f"OPENRUM_{str(problem['loc'][0]).upper()}: {message}"
        raise Failure(message, WRONG_USAGE) from None


@contextmanager
def opening_database() -> Iterator[None]:
    """Name the setting if the block cannot open the database.

    Raises:
        Failure: the block raised ValueError or OSError.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        raise Failure(f"OPENRUM_DATABASE_URL: {error}", WRONG_USAGE) from None


def setting_rows(
    kind: type[BaseSettings], only: Collection[str] | None = None
) -> list[tuple[str, str]]:
    """Return the names of settings, each with the first sentence of its description.

    Args:
        only: names such as `OPENRUM_DATABASE_URL`. None: all settings.
    """
    rows = []
    for field_name, field in kind.model_fields.items():
        name = f"OPENRUM_{field_name.upper()}"
        if only is None or name in only:
            meaning = _FIRST_SENTENCE.fullmatch(field.description or "")
            rows.append((name, meaning[1] if meaning else ""))
    return rows
