"""The options that limit events: `--filter`, as on the page at /ui/, and `--session`."""

from __future__ import annotations

__all__ = ["filter_option", "session_option"]

from collections.abc import Callable
from typing import Any, TypeVar

import click

from rum_service.errors import ValidationException
from rum_service.events.conditions import parse_conditions

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def filter_option(command: Decorated) -> Decorated:
    """Add the option `--filter`, as the argument `filters`."""
    return click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="CONDITION",
        callback=_valid,
        help="Use only events that meet this condition, for example browser=Firefox or page!=/cart."
        " The other properties are os, device, country and release. Repeat it for several:"
        " values of the same property are alternatives.",
    )(command)


def session_option(command: Decorated) -> Decorated:
    """Add the option `--session`, as the argument `session`."""
    return click.option(
        "--session", default="", metavar="ID", help="Print only events of this session."
    )(command)


def _valid(_: click.Context, __: click.Parameter, filters: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_conditions(filters)
    except ValidationException as error:
        raise click.BadParameter(str(error)) from None
    return filters
