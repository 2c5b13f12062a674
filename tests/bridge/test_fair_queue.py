"""The queue in which app monitors wait for their turn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_bridge.fair_queue import FairQueue

_PUTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 100)), max_size=50)


def _drained(queue: FairQueue[str]) -> list[str]:
    items = []
    while (item := queue.first()) is not None:
        queue.remove_first()
        items.append(item)
    return items


def _queue(*items: str, cost: int = 1) -> FairQueue[str]:
    """Return a queue of items such as `a1`, whose app monitor is `a`."""
    queue: FairQueue[str] = FairQueue()
    for item in items:
        queue.add(item[0], item, cost)
    return queue


def test_items_of_one_app_monitor_keep_their_order() -> None:
    assert _drained(_queue("a1", "a2", "a3")) == ["a1", "a2", "a3"]


def test_app_monitors_are_served_in_turn() -> None:
    queue = _queue("a1", "a2", "a3", "a4", "b1", "c1", "c2")

    assert _drained(queue) == ["a1", "b1", "c1", "a2", "c2", "a3", "a4"]


def test_an_app_monitor_with_large_items_gets_fewer() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "a3"):
        queue.add("a", item, 300)
    for number in range(6):
        queue.add("b", f"b{number}", 100)

    assert _drained(queue) == ["a1", "b0", "b1", "b2", "a2", "b3", "b4", "b5", "a3"]


def test_an_app_monitor_that_was_idle_is_next_but_gets_no_arrears() -> None:
    queue = _queue("a1", "a2", "a3", "a4")
    queue.remove_first()
    queue.remove_first()
    for item in ("b1", "b2"):
        queue.add("b", item, 1)

    assert _drained(queue) == ["b1", "a3", "b2", "a4"]


@given(_PUTS)
def test_every_item_is_removed_once_and_costs_add_up(puts: list[tuple[str, int]]) -> None:
    queue: FairQueue[str] = FairQueue()
    for number, (app_monitor, cost) in enumerate(puts):
        queue.add(app_monitor, f"{app_monitor}{number}", cost)

    assert (len(queue), queue.cost) == (len(puts), sum(cost for _, cost in puts))
    removed = _drained(queue)
    assert sorted(removed) == sorted(f"{name}{number}" for number, (name, _) in enumerate(puts))
    assert (len(queue), queue.cost, queue.cost_of("a")) == (0, 0, 0)


@pytest.mark.parametrize(("app_monitor", "share"), [("a", 1.0), ("b", 0.3)])
def test_an_app_monitor_without_items_waits_for_its_turn_only(
    app_monitor: str, share: float
) -> None:
    queue = _queue(*["a"] * 10)
    queue.add("c", "c", 10)

    assert queue.share_before(app_monitor, 2) == pytest.approx(share)
