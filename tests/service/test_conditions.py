"""Conditions on dimensions, as in `--filter` and in the filters of the page."""

from __future__ import annotations

import pytest

from rum_projector.queries.base import DIMENSIONS
from rum_service.errors import ValidationException
from rum_service.events.conditions import NAMES, parse_conditions
from rum_service.events.dimensions import dimensions

_EVENT = dimensions({"pageId": "/cart/17", "browserName": "Google Chrome", "countryCode": "de"})


@pytest.mark.parametrize(
    ("filters", "is_met"),
    [
        ([], True),
        (["browser=Chrome"], True),
        (["browser=Firefox", "browser=Chrome"], True),
        (["browser=Chrome", "country=FR"], False),
        (["browser!=Firefox", "browser!=Safari"], True),
        (["browser!=Firefox", "browser!=Chrome"], False),
        (["page=/cart/:id"], True),
        (["page=/cart/17"], False),
        (["release="], True),
        (["release!="], False),
    ],
)
def test_an_event_must_meet_all_conditions_and_one_of_the_alternatives(
    filters: list[str], is_met: bool
) -> None:
    assert all(each.is_met(_EVENT) for each in parse_conditions(filters)) is is_met


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (["colour=red"], "filter[0] must be a name, = or !=, and a value."),
        (["browser=a", "browser"], "filter[1] must be a name"),
        (["page=" + 300 * "x"], "filter[0] must have at most 300 characters."),
        (21 * ["os=iOS"], "filter must have at most 20 conditions."),
    ],
)
def test_an_invalid_condition_is_rejected_by_its_place(filters: list[str], message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        parse_conditions(filters)

    assert str(caught.value).startswith(message)


def test_the_projector_has_a_column_for_every_dimension() -> None:
    assert tuple(DIMENSIONS) == NAMES
