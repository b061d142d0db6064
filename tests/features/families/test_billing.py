"""Billing friction, checked by hand."""

from datetime import date

import pytest
from companies import cells, company

_BILLS = [
    {"issued_on": "2024-01-10", "amount": 100},
    {"issued_on": "2024-02-10", "amount": 200},
    {"issued_on": "2024-03-10", "amount": 300},
    {"issued_on": "2024-04-10", "amount": 500},
]


def test_bill_shock_is_the_latest_bill_against_the_median_of_those_before() -> None:
    rows = company(invoices=_BILLS)
    names = ("bill_shock_latest", "latest_bill_amount", "latest_bill_on")
    assert cells(rows, "2024-04-11", *names) == (2.5, 500, date(2024, 4, 10))


def test_a_bill_on_the_as_of_day_and_two_bills_before_give_no_shock() -> None:
    assert cells(company(invoices=_BILLS), "2024-04-10", "bill_shock_latest") is None


def test_a_late_known_bill_counts_from_the_day_after_it_was_known() -> None:
    late = company(invoices=[*_BILLS[:3], _BILLS[3] | {"known_at": "2024-05-01 12:00:00"}])
    assert cells(late, "2024-05-01", "bill_shock_latest", "days_since_invoice") == (None, 52)
    assert cells(late, "2024-05-02", "bill_shock_latest", "days_since_invoice") == (2.5, 22)


def test_a_late_known_bill_never_changes_an_earlier_shock() -> None:
    extra = {"issued_on": "2024-03-20", "amount": 9000, "known_at": "2024-04-20"}
    rows = company(invoices=[*_BILLS, extra])
    assert cells(rows, "2024-04-11", "bill_shock_latest") == 2.5
    assert cells(rows, "2024-04-21", "bill_shock_latest", "bill_shock_max_90d") == (36, 36)


def test_twelve_bills_are_compared_with_and_corrections_are_not_bills() -> None:
    old = [{"issued_on": f"2022-{month:02}-10", "amount": 900} for month in range(1, 4)]
    year = [{"issued_on": f"2023-{month:02}-10", "amount": 100} for month in range(1, 13)]
    correction = {"issued_on": "2023-12-20", "amount": -50, "corrects_invoice_id": "x"}
    rows = company(invoices=[*old, *year, correction, {"issued_on": "2024-01-10", "amount": 300}])
    names = ("bill_shock_latest", "bill_shock_year_latest", "corrections_90d")
    assert cells(rows, "2024-02-01", *names) == (3, 3, 1)


@pytest.mark.parametrize(("a_year_ago", "ratio"), [("2023-04-25", 2), ("2023-03-31", None)])
def test_a_year_ago_is_the_same_month(a_year_ago: str, ratio: float | None) -> None:
    bills = [{"issued_on": a_year_ago, "amount": 50}, {"issued_on": "2024-04-10", "amount": 100}]
    assert cells(company(invoices=bills), "2024-05-01", "bill_shock_year_latest") == ratio


def test_windows_are_half_open() -> None:
    def estimated(day: str) -> object:
        rows = company(invoices=[{"issued_on": day, "amount": 1, "estimated": True}])
        return cells(rows, "2024-04-30", "estimated_bills_90d")

    assert [estimated(day) for day in ("2024-01-31", "2024-01-30", "2024-04-30")] == [1, 0, 0]


def test_overdue_until_a_payment_is_known() -> None:
    bill = {"issued_on": "2024-01-01", "due_on": "2024-01-20", "amount": 100, "invoice_id": "i"}
    payment = {"invoice_id": "i", "paid_on": "2024-02-01", "known_at": "2024-02-05 09:00:00"}
    rows = company(invoices=[bill], payments=[payment])
    names = ("overdue_invoices", "overdue_days_max", "days_to_due")
    assert cells(rows, "2024-01-20", *names) == (0, 0, 0)
    assert cells(rows, "2024-01-21", *names) == (1, 1, -1)
    assert cells(rows, "2024-02-05", *names) == (1, 16, -16)
    assert cells(rows, "2024-02-06", *names) == (0, 0, -17)


def test_a_bill_is_overdue_from_the_first_moment_after_its_due_day() -> None:
    """The day ends at 23:00 UTC; a payment known then was not known on the day."""
    bill = {"issued_on": "2024-01-01", "due_on": "2024-01-20", "amount": 100, "invoice_id": "i"}
    for known_at, overdue in (("2024-01-20 22:59:59", 0), ("2024-01-20 23:00:00", 1)):
        payment = {"invoice_id": "i", "paid_on": "2024-01-20", "known_at": known_at}
        rows = company(invoices=[bill], payments=[payment])
        assert cells(rows, "2024-01-21", "overdue_invoices", "overdue_days_max") == (overdue,) * 2
        assert cells(rows, "2024-01-22", "overdue_invoices") == 0


def test_a_failed_payment_pays_nothing() -> None:
    bill = {"issued_on": "2024-01-01", "due_on": "2024-01-20", "amount": 100, "invoice_id": "i"}
    payment = {"invoice_id": "i", "paid_on": "2024-01-25", "failed": True}
    rows = company(invoices=[bill], payments=[payment])
    names = ("overdue_invoices", "failed_payments_30d", "late_payments_90d")
    assert cells(rows, "2024-02-01", *names) == (1, 1, 0)


def test_late_payments_and_the_most_days_late() -> None:
    bills = [
        {"invoice_id": name, "issued_on": "2024-01-01", "due_on": "2024-01-20", "amount": 100}
        for name in ("on_time", "late", "later")
    ]
    payments = [
        {"invoice_id": name, "paid_on": day}
        for name, day in (
            ("on_time", "2024-01-20"),
            ("late", "2024-01-21"),
            ("later", "2024-02-01"),
        )
    ]
    rows = company(invoices=bills, payments=payments)
    assert cells(rows, "2024-03-01", "late_payments_90d", "days_late_max_90d") == (2, 12)
    assert cells(rows, "2024-02-01", "late_payments_90d", "days_late_max_90d") == (1, 1)


def test_the_way_of_paying_is_that_of_the_latest_payment() -> None:
    payments = [
        {"paid_on": "2024-01-01", "method": "autopay"},
        {"paid_on": "2024-02-01", "method": "manual"},
        {"paid_on": "2024-02-05", "method": "autopay", "failed": True},
    ]
    rows = company(payments=payments)
    names = ("latest_payment_method", "manual_payer", "autopay")
    assert cells(rows, "2024-02-01", *names) == ("autopay", 0, 1)
    assert cells(rows, "2024-02-05", *names) == ("manual", 1, 0)
    assert cells(rows, "2024-02-06", *names) == ("manual", 1, 1)


def test_without_a_payment_the_way_of_paying_is_the_one_on_file() -> None:
    on_file = {"attribute": "payment_method", "value": "autopay"}
    history = [
        on_file | {"valid_from": "2024-01-01 10:00:00"},
        on_file | {"valid_from": "2024-01-10 10:00:00", "value": "manual"},
    ]
    paid = [{"paid_on": "2024-01-15", "method": "autopay"}]
    rows, names = company(payments=paid, master_data=history), ("autopay", "manual_payer")
    assert cells(rows, "2024-01-01", *names) == (None, None)
    assert cells(rows, "2024-01-02", *names) == (1, 0)
    assert cells(rows, "2024-01-11", *names) == (0, 1)
    assert cells(rows, "2024-01-16", *names) == (1, 0)


def test_paying_by_another_way_than_asked_for() -> None:
    asked = {"occurred_at": "2024-01-15 10:00:00", "method": "autopay", "step": "started"}
    payments = [
        {"paid_on": "2024-01-10", "method": "manual"},
        {"paid_on": "2024-02-10", "method": "manual"},
    ]
    rows = company(payments=payments, payment_method_events=[asked])
    assert cells(rows, "2024-02-01", "method_mismatch") == 0
    assert cells(rows, "2024-02-11", "method_mismatch") == 1


def test_paper() -> None:
    bills = [
        {"issued_on": "2024-01-10", "amount": 1, "format": "paper", "paper_fee": 4900},
        {"issued_on": "2024-02-10", "amount": 1, "format": "app", "n_lines": 7},
    ]
    names = ("paper_invoice", "paper_fees_90d", "bill_lines_latest")
    assert cells(company(invoices=bills), "2024-02-10", *names) == (1, 4900, None)
    assert cells(company(invoices=bills), "2024-03-01", *names) == (0, 4900, 7)


@pytest.mark.parametrize(
    ("contact_at", "counted"),
    [
        ("2024-03-09 23:30:00", 1),
        ("2024-03-19 22:59:00", 1),
        ("2024-03-19 23:01:00", 0),
        ("2024-03-09 22:30:00", 0),
    ],
)
def test_a_billing_contact_within_ten_days_after_an_invoice(contact_at: str, counted: int) -> None:
    rows = company(
        invoices=[{"issued_on": "2024-03-10", "amount": 1}],
        contacts=[{"started_at": contact_at, "topic": "billing"}],
    )
    assert cells(rows, "2024-04-01", "billing_contacts_after_invoice_30d") == counted


def test_a_contact_known_after_a_newer_invoice_is_not_about_that_invoice() -> None:
    contact = {"started_at": "2024-01-05 10:00:00", "topic": "billing", "known_at": "2024-03-12"}
    rows = company(invoices=[{"issued_on": "2024-03-10", "amount": 1}], contacts=[contact])
    assert cells(rows, "2024-04-01", "billing_contacts_after_invoice_365d") == 0


def test_an_unfriendly_fee_comes_without_a_free_reminder_of_the_same_invoice() -> None:
    reminders = [
        {"invoice_id": "a", "sent_on": "2024-01-10", "fee": 0},
        {"invoice_id": "a", "sent_on": "2024-01-20", "fee": 3500},
        {"invoice_id": "b", "sent_on": "2024-02-10", "fee": 3500},
        {"invoice_id": "b", "sent_on": "2024-02-20", "fee": None},
    ]
    rows = company(reminders=reminders)
    names = ("fees_without_friendly_reminder_90d", "reminder_fees_90d", "reminders_90d")
    assert cells(rows, "2024-02-10", *names) == (0, 3500, 2)
    assert cells(rows, "2024-03-01", *names) == (1, 7000, 4)
    assert cells(rows, "2024-03-01", "latest_reminder_on", "reminders_30d") == (
        date(2024, 2, 20),
        2,
    )


def test_setting_up_and_ending_autopay() -> None:
    events = [
        {"occurred_at": f"2024-03-{day} 10:00:00", "method": method, "step": step}
        for day, method, step in (
            ("01", "autopay", "error"),
            ("02", "card", "error"),
            ("03", "autopay", "cancelled"),
            ("04", "card", "cancelled"),
        )
    ]
    rows = company(payment_method_events=events)
    names = ("autopay_setup_errors_90d", "autopay_cancelled_90d")
    assert cells(rows, "2024-03-10", *names) == (1, 1)
    assert cells(rows, "2024-03-10", "latest_setup_error_on") == date(2024, 3, 2)


@pytest.mark.parametrize(
    ("completed", "abandoned"),
    [("2024-03-08 09:59:00", 0), ("2024-03-08 10:00:00", 1), (None, 1)],
)
def test_a_switch_is_abandoned_after_seven_days(completed: str | None, abandoned: int) -> None:
    steps = [("2024-03-01 10:00:00", "started"), (completed, "completed")]
    events = [{"occurred_at": at, "method": "autopay", "step": step} for at, step in steps if at]
    rows = company(payment_method_events=events)
    assert cells(rows, "2024-03-08", "digital_switch_abandoned_90d") == 0
    assert cells(rows, "2024-03-09", "digital_switch_abandoned_90d") == abandoned


def test_beginning_to_pay_by_hand_is_no_digital_switch() -> None:
    event = {"occurred_at": "2024-03-01 10:00:00", "method": "manual", "step": "started"}
    rows = company(payment_method_events=[event])
    assert cells(rows, "2024-04-01", "digital_switch_abandoned_90d") == 0


def test_missing_and_estimated_readings() -> None:
    readings = [
        {"due_on": f"2024-0{month}-01", "status": status}
        for month, status in ((1, "missing"), (2, "missing"), (3, "estimated"), (4, "read"))
    ]
    rows = company(meter_readings=readings)
    names = ("missing_readings_30d", "missing_readings_90d", "estimated_readings_90d")
    assert cells(rows, "2024-03-01", *names) == (1, 2, 0)
    assert cells(rows, "2024-04-15", *names) == (0, 1, 1)
    assert cells(rows, "2024-04-15", "latest_missing_reading_on") == date(2024, 2, 1)


def test_the_invoice_format_on_file_is_the_latest_one() -> None:
    history = [
        {"attribute": "invoice_format", "value": value, "valid_from": f"2024-0{month}-01 10:00:00"}
        for month, value in ((1, "paper"), (2, "einvoice"), (3, None))
    ]
    rows = company(master_data=[*history, history[0] | {"attribute": "plan"}])
    days = ("2024-01-01", "2024-01-15", "2024-02-15", "2024-03-15")
    assert [cells(rows, day, "paper_format") for day in days] == [None, 1, 0, None]
