"""The ledger adds up what was received and how it ended."""

from __future__ import annotations

from rum_endpoint.ledger import DROPPED, REJECTED, STORED, Amount, Ledger


def test_what_has_not_ended_is_in_progress() -> None:
    ledger = Ledger()
    ledger.receive(5, 500)
    ledger.receive(2, 200)
    ledger.end(("shop", STORED, ""), 5, 500)

    assert ledger.received == Amount(2, 7, 700)
    assert ledger.in_progress() == Amount(1, 2, 200)


def test_the_events_of_one_batch_can_end_differently() -> None:
    ledger = Ledger()
    ledger.receive(5, 500)
    ledger.end(("shop", STORED, ""), 3, 500)
    ledger.end(("shop", DROPPED, ""), 2, 0, batches=0)

    assert ledger.in_progress() == Amount()
    assert ledger.total(STORED) == Amount(1, 3, 500)
    assert ledger.total(DROPPED) == Amount(0, 2, 0)


def test_a_total_includes_all_app_monitors_and_reasons() -> None:
    ledger = Ledger()
    ledger.end(("shop", REJECTED, "ValidationException"), 1, 10)
    ledger.end(("", REJECTED, "ResourceNotFoundException"), 2, 20)

    assert ledger.total(REJECTED) == Amount(2, 3, 30)
    assert ledger.events() == {"received": 0, "rejected": 3}
