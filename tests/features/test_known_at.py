"""A value is not seen before the company could know it, checked by hand."""

from datetime import date, timedelta
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


@pytest.mark.parametrize(
    ("closed_at", "seen_from"),
    [
        ("2024-10-26 22:00:00", "2024-10-29"),  # the midnight of a day of 25 hours
        ("2024-10-27 22:59:59", "2024-10-29"),  # its last second
        ("2024-03-30 22:59:59", "2024-04-01"),  # the last second before a day of 23 hours
        ("2024-03-30 23:00:00", "2024-04-02"),
    ],
)
def test_a_delay_is_of_local_days_across_a_clock_change(closed_at: str, seen_from: str) -> None:
    rows = company(cases=[{"opened_at": "2024-03-01 12:00:00", "closed_at": closed_at}])
    before = date.fromisoformat(seen_from) - timedelta(days=1)
    days = (str(before), seen_from)
    assert [cells(rows, day, "open_cases", delays={"cases": 1}) for day in days] == [1, 0]


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


def test_a_returned_debit_is_a_payment_until_it_comes_back() -> None:
    rows = company(
        invoices=[
            {"invoice_id": "i", "issued_on": "2024-03-01", "due_on": "2024-03-10", "amount": 100}
        ],
        payments=[
            {
                "invoice_id": "i",
                "paid_on": "2024-03-09",
                "failed": True,
                "failed_on": "2024-03-14",
                "method": "autopay",
            }
        ],
    )
    names = ("failed_payments_30d", "overdue_invoices", "latest_payment_method")
    assert cells(rows, "2024-03-14", *names) == (0, 0, "autopay")
    assert cells(rows, "2024-03-15", *names) == (1, 1, None)
    assert cells(rows, "2024-03-15", *names, delays={"payments": 1}) == (0, 0, "autopay")
    rows["payments"][0]["failed_on"] = None
    assert cells(rows, "2024-03-14", *names) == (1, 1, None)


def test_two_returned_debits_leave_the_bill_unpaid_between_them() -> None:
    tries = [("2024-03-09", "2024-03-12"), ("2024-03-20", "2024-03-23")]
    rows = company(
        invoices=[
            {"invoice_id": "i", "issued_on": "2024-03-01", "due_on": "2024-03-05", "amount": 100}
        ],
        payments=[
            {"invoice_id": "i", "paid_on": paid, "failed": True, "failed_on": back}
            for paid, back in tries
        ],
    )
    days = ("2024-03-09", "2024-03-11", "2024-03-15", "2024-03-22", "2024-03-24")
    assert [cells(rows, day, "overdue_invoices") for day in days] == [1, 0, 1, 0, 1]


def test_a_reading_is_missing_until_it_is_settled() -> None:
    reading = {"due_on": "2024-03-01", "status": "read", "settled_on": "2024-03-09"}
    rows, names = company(meter_readings=[reading]), ("missing_readings_30d",)
    assert [cells(rows, day, *names) for day in ("2024-03-09", "2024-03-10")] == [1, 0]
    never = company(meter_readings=[reading | {"settled_on": None}])
    assert cells(never, "2024-03-02", *names) == 0


def test_a_case_linked_later_is_not_what_the_contact_came_in_with() -> None:
    call = {"channel": "phone", "direction": "inbound", "topic": "fault", "wait_seconds": 600}
    calls = [call | {"started_at": f"2024-03-0{day} 12:00:00", "case_id": "k"} for day in (2, 4)]
    calls[1]["linked_at"] = "2024-03-08 12:00:00"
    rows = company(contacts=calls, cases=[{"case_id": "k", "opened_at": "2024-03-03 12:00:00"}])
    rows["contacts"][0]["case_id"] = None
    names = ("case_unlinked_90d", "wait_unresolved_max_90d")
    assert cells(rows, "2024-03-08", *names) == (1, 0)
    assert cells(rows, "2024-03-09", *names) == (1, 600)


def test_the_segment_on_file_goes_before_the_registers() -> None:
    moved = {"attribute": "segment", "value": "gold", "valid_from": "2024-03-04 12:00:00"}
    rows = company(customers=[{"joined_on": "2024-01-01", "segment": "now"}], master_data=[moved])
    assert cells(rows, "2024-03-04", "segment") == "now"
    assert cells(rows, "2024-03-05", "segment") == "gold"
    assert cells({"customers": rows["customers"]}, "2024-03-05", "segment") == "now"
