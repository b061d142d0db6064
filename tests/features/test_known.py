"""A value is not seen before the company could know it, checked by hand."""

from datetime import date
from typing import Any

import pytest
from companies import cells, company

_CLOSED = {"opened_at": "2024-03-01 12:00:00", "closed_at": "2024-03-04 12:00:00"}


def _case(**given: Any) -> Any:
    return company(cases=[_CLOSED | {"resolved": True} | given])


@pytest.mark.parametrize(
    ("as_of", "delay", "seen"),
    [
        ("2024-03-05", 0, (0, 1.0)),
        ("2024-03-05", 3, (1, None)),
        ("2024-03-07", 3, (1, None)),
        ("2024-03-08", 3, (0, 1.0)),
    ],
)
def test_a_tables_delay_reaches_the_values_that_its_rows_reveal(
    as_of: str, delay: int, seen: tuple[int, float | None]
) -> None:
    names = ("open_cases", "resolved_share_365d")
    assert cells(_case(), as_of, *names, delays={"cases": delay}) == seen


def test_a_row_shows_nothing_before_it_is_known_whatever_it_reveals() -> None:
    """A mapped ``known_at`` after the closing hides the closing with its row."""
    rows = _case(known_at="2024-03-10 12:00:00")
    names = ("open_cases", "resolved_share_365d")
    assert cells(rows, "2024-03-10", *names) == (0, None)
    assert cells(rows, "2024-03-11", *names) == (0, 1.0)


def test_what_did_not_happen_is_known_as_late_as_what_did() -> None:
    """A delivery on the promised day is not taken for a missing one while it is not yet known."""
    order = {"ordered_on": "2024-03-01", "promised_on": "2024-03-04", "delivered_on": None}
    late = company(orders=[order | {"delivered_on": "2024-03-06"}])
    missing, delays = company(orders=[order]), {"orders": 3}
    names = ("late_orders_30d", "order_overrun_days_max_30d")
    assert cells(missing, "2024-03-08", *names, delays=delays) == (0, 0)
    assert cells(missing, "2024-03-09", *names, delays=delays) == (1, 5)
    assert cells(late, "2024-03-09", *names, delays=delays) == (1, 5)
    assert cells(late, "2024-03-10", *names, delays=delays) == (1, 2)


def test_the_end_of_a_fault_is_not_held_against_a_message_before_it_is_known() -> None:
    fault = {"incident_id": "i", "started_at": "2024-03-01 08:00:00"}
    told = {"incident_id": "i", "sent_at": "2024-03-01 12:00:00", "kind": "outage"}
    rows = company(incidents=[fault | {"ended_at": "2024-03-01 10:00:00"}], notifications=[told])
    names, delays = ("uninformed_incidents_30d", "latest_uninformed_on"), {"incidents": 2}
    assert cells(rows, "2024-03-02", *names) == (1, date(2024, 3, 1))
    late = company(incidents=[fault], notifications=[told])
    for as_of in ("2024-03-03", "2024-03-04"):
        assert cells(late, as_of, *names, delays=delays) == (0, None)
    rows["incidents"][0]["known_at"] = rows["notifications"][0]["known_at"]
    assert cells(rows, "2024-03-03", *names, delays=delays) == (0, None)
    assert cells(rows, "2024-03-04", *names, delays=delays) == (1, date(2024, 3, 1))
