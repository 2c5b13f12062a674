"""The queue in which app monitors wait for their turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rum_bridge.limits.fair_queue import FairQueue

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


def test_items_that_have_ended_are_removed_without_using_a_turn() -> None:
    queue = _queue("a1", "a2", "a3", "b1", "b2")
    queue.remove_first_while("a", lambda item: item in ("a1", "a2"))

    assert (len(queue), queue.cost, queue.count_of("a")) == (3, 3, 1)
    assert _drained(queue) == ["a3", "b1", "b2"]


def test_an_app_monitor_whose_items_have_all_ended_gets_no_arrears() -> None:
    queue = _queue("a1", "b1", "a2", "a3")
    queue.remove_first_while("b", lambda _: True)
    for _ in range(2):
        queue.first()
        queue.remove_first()
    queue.add("b", "b2", 1)
    queue.add("b", "b3", 1)

    assert _drained(queue) == ["b2", "a3", "b3"]


@given(_PUTS, st.sampled_from("abc"), st.integers(0, 50))
def test_every_item_ends_once(puts: list[tuple[str, int]], name: str, ended: int) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for number, (app_monitor, cost) in enumerate(puts):
        queue.add(app_monitor, (app_monitor, number), cost)
    queue.add(name, (name, -1), 1)
    queue.remove_first_while(name, lambda item: 0 <= item[1] < ended)
    left = []
    while (item := queue.first()) is not None:
        queue.remove_first()
        left.append(item)

    kept = [(a, n) for n, (a, _) in enumerate(puts) if a != name or n >= ended]
    assert sorted(left) == sorted([*kept, (name, -1)])
    assert (len(queue), queue.cost) == (0, 0)


def test_few_items_come_before_one_of_an_app_monitor_with_few() -> None:
    queue = _queue(*["b1"] * 10, *["q1"] * 2)

    assert [queue.before(app_monitor) for app_monitor in ("b", "q", "n")] == [12, 6, 2]
