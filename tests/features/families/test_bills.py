"""Bills as they stand and what is paid of them, checked by hand."""

from datetime import date
from typing import Any

import pytest
from companies import cells, company

_OVERDUE = ("overdue_invoices", "overdue_days_max")
_LATEST = ("latest_bill_amount", "bill_shock_latest", "latest_bill_on")
_BILL = {"invoice_id": "1", "issued_on": "2024-01-01", "due_on": "2024-01-15", "amount": 100000}
_MONTHS = [
    {"invoice_id": f"m{n}", "issued_on": f"2024-0{n}-01", "due_on": f"2024-0{n}-15", "amount": 1000}
    for n in range(1, 5)
]
_PAID = [{"invoice_id": f"m{n}", "paid_on": f"2024-0{n}-10", "amount": 1000} for n in range(1, 5)]


def _pay(paid_on: str, amount: int | None, **given: Any) -> dict[str, Any]:
    return {"invoice_id": "1", "paid_on": paid_on, "amount": amount} | given


def _correct(name: str, issued_on: str, amount: int, corrects: str, **given: Any) -> dict[str, Any]:
    row = {"invoice_id": name, "issued_on": issued_on, "amount": amount}
    return row | {"corrects_invoice_id": corrects} | given


@pytest.mark.parametrize(
    ("amounts", "overdue"),
    [
        ((), 1),
        ((100,), 1),
        ((0,), 1),
        ((99_998,), 1),
        ((99_999,), 0),
        ((100_000,), 0),
        ((150_000,), 0),
        ((33_333, 33_333, 33_333), 0),
        ((50_000, 40_000), 1),
        ((100_000, -100_000), 1),
        ((150_000, -50_000), 0),
        ((100_000, -100_000, 100_000), 0),
        ((None,), 0),
        ((-500,), 1),
    ],
)
def test_a_bill_is_paid_when_the_sum_of_its_payments_covers_it(
    amounts: tuple[int | None, ...], overdue: int
) -> None:
    """A minor unit short is the rounding of parts."""
    payments = [_pay(f"2024-01-{10 + day}", amount) for day, amount in enumerate(amounts)]
    other = {"invoice_id": "elsewhere", "paid_on": "2024-01-02", "amount": 1}
    rows = company(invoices=[_BILL], payments=[other, *payments])
    assert cells(rows, "2024-06-01", *_OVERDUE) == (overdue, 138 * overdue)


def test_each_part_and_each_refund_counts_from_when_it_was_known() -> None:
    parts = [_pay("2024-01-20", 60_000), _pay("2024-02-01", 40_000, known_at="2024-02-05 12:00:00")]
    rows = company(invoices=[_BILL], payments=[*parts, _pay("2024-03-01", -40_000)])
    days = ("2024-01-15", "2024-01-16", "2024-02-05", "2024-02-06", "2024-03-01", "2024-03-02")
    assert [cells(rows, day, "overdue_invoices") for day in days] == [0, 1, 1, 0, 0, 1]


def test_a_returned_part_leaves_the_bill_open_again() -> None:
    back = _pay("2024-01-12", 60_000, failed=True, failed_on="2024-02-01")
    rows = company(invoices=[_BILL], payments=[_pay("2024-01-10", 40_000), back])
    assert [cells(rows, day, "overdue_invoices") for day in ("2024-02-01", "2024-02-02")] == [0, 1]


def test_what_is_paid_back_or_nothing_is_no_late_payment_and_no_way_of_paying() -> None:
    payments = [
        _pay("2024-01-10", 100_000, method="autopay"),
        _pay("2024-02-01", -20_000, method="manual"),
        _pay("2024-02-02", 0, method="autopay"),
    ]
    rows = company(invoices=[_BILL], payments=payments)
    names = ("late_payments_90d", "days_late_max_90d", "latest_payment_method", "manual_payer")
    assert cells(rows, "2024-03-01", *names) == (0, 0, "autopay", 0)


def test_a_payment_that_names_no_bill_may_have_paid_any_bill_before_it() -> None:
    for paid_on, amount, overdue in (
        ("2024-02-01", 100, 0),
        ("2023-12-31", 100, 1),
        ("2024-02-01", -100, 1),
    ):
        payment = {"paid_on": paid_on, "amount": amount}
        rows = company(invoices=[_BILL], payments=[payment])
        assert cells(rows, "2024-06-01", "overdue_invoices") == overdue


def test_a_bill_from_before_the_history_of_payments_is_not_known_to_be_unpaid() -> None:
    new = _BILL | {"invoice_id": "2", "issued_on": "2024-03-01", "due_on": "2024-03-15"}
    rows = company(invoices=[_BILL, new], payments=[])
    assert cells(rows, "2024-06-01", *_OVERDUE) == (2, 138)
    for day, left in ((date(2024, 3, 1), (1, 78)), (date(2024, 3, 2), (0, 0))):
        assert cells(rows, "2024-06-01", *_OVERDUE, histories={"payments": day}) == left


def test_a_credit_note_takes_from_its_bill_from_when_it_is_known() -> None:
    credit = _correct("c", "2024-01-20", -100_000, "1", known_at="2024-01-25 12:00:00")
    rows = company(invoices=[_BILL, credit], payments=[])
    days = ("2024-01-16", "2024-01-25", "2024-01-26")
    assert [cells(rows, day, *_OVERDUE) for day in days] == [(1, 1), (1, 10), (0, 0)]


@pytest.mark.parametrize(
    ("credits", "paid", "overdue"),
    [
        ((-30_000,), 70_000, 0),
        ((-30_000,), 60_000, 1),
        ((-30_000, -20_000), 50_000, 0),
        ((-60_000, -40_000), 0, 0),
        ((-120_000,), 0, 0),
        ((0,), 0, 1),
    ],
)
def test_what_credit_notes_leave_is_what_is_owed(
    credits: tuple[int, ...], paid: int, overdue: int
) -> None:
    notes = [_correct(f"c{n}", "2024-01-05", amount, "1") for n, amount in enumerate(credits)]
    rows = company(invoices=[_BILL, *notes], payments=[_pay("2024-01-10", paid)])
    assert cells(rows, "2024-06-01", "overdue_invoices") == overdue


@pytest.mark.parametrize("named", ["1", None])
def test_a_bill_credited_and_reissued_is_the_reissue(named: str | None) -> None:
    wrong = {"invoice_id": "1", "issued_on": "2024-05-01", "due_on": "2024-05-15", "amount": 10_000}
    again = wrong | {"invoice_id": "2", "issued_on": "2024-05-03", "amount": 1000}
    again["corrects_invoice_id"] = named
    credit = _correct("c", "2024-05-03", -10_000, "1")
    paid = {"invoice_id": "2", "paid_on": "2024-05-12", "amount": 1000}
    rows = company(invoices=[*_MONTHS, wrong, credit, again], payments=[*_PAID, paid])
    names = (*_LATEST, "bill_shock_max_90d", "overdue_invoices", "days_since_invoice")
    assert cells(rows, "2024-05-03", *names) == (10_000, 10, date(2024, 5, 1), 10, 0, 2)
    assert cells(rows, "2024-06-01", *names) == (1000, 1, date(2024, 5, 3), 1, 0, 29)


def test_a_reissue_replaces_its_bill_without_a_credit_note_too() -> None:
    """Also the reissue of a reissue, whichever of them it names; what was paid of one is paid."""
    chain = [
        _correct("2", "2024-01-03", 90_000, "1", due_on="2024-02-15"),
        _correct("3", "2024-01-05", 80_000, "2", due_on="2024-03-15"),
        _correct("4", "2024-01-07", 70_000, "1", due_on="2024-04-15"),
    ]
    for count, due in enumerate((136, 107, 78, 47)):
        bills = [_BILL | {"due_on": "2024-01-17"}, *chain[:count]]
        rows = company(invoices=bills, payments=[])
        assert cells(rows, "2024-06-01", *_OVERDUE) == (1, due)
    for amount, overdue in ((70_000, 0), (60_000, 1)):
        rows = company(invoices=[_BILL, *chain], payments=[_pay("2024-01-02", amount)])
        assert cells(rows, "2024-06-01", "overdue_invoices") == overdue


def test_a_correction_of_an_older_bill_changes_what_is_usual_from_then_on() -> None:
    wrong = [row | {"amount": 5000} for row in _MONTHS[:3]]
    notes = [
        _correct(f"c{n}", f"2024-04-1{n}", -4000, row["invoice_id"]) for n, row in enumerate(wrong)
    ]
    rows = company(invoices=[*wrong, _MONTHS[3], *notes])
    days = ("2024-04-02", "2024-04-11", "2024-04-12", "2024-04-13")
    seen = [cells(rows, day, "bill_shock_latest") for day in days]
    assert seen == pytest.approx([0.2, 0.2, 1, 1])


def test_what_a_credited_bill_was_like_is_not_counted() -> None:
    wrong = _MONTHS[3] | {"estimated": True, "format": "paper", "paper_fee": 4900, "n_lines": 9}
    bills = [_MONTHS[2] | {"format": "app", "n_lines": 3}, wrong]
    credit = _correct("c", "2024-04-20", -1000, "m4")
    rows = company(invoices=[*bills, credit])
    names = ("estimated_bills_90d", "paper_fees_90d", "paper_invoice", "bill_lines_latest")
    corrected = (*names, "days_to_due", "days_since_invoice", "corrections_90d")
    assert cells(rows, "2024-04-20", *corrected) == (1, 4900, 1, 9, -5, 19, 0)
    assert cells(rows, "2024-04-21", *corrected) == (0, 0, 0, 3, -37, 51, 1)


_TWO = [
    {"issued_on": f"{year}-{month:02}-{day}", "amount": amount, "contract_id": contract}
    for year in (2023, 2024)
    for month in range(1, 13)
    for day, amount, contract in (("01", 39_900, "x"), ("15", 160_000, "y"))
]
_SHOCK = (*_LATEST, "latest_bill_above_usual", "bill_shock_max_365d", "bill_shock_year_latest")


@pytest.mark.parametrize("known", [True, False])
def test_two_steady_bills_a_month_are_no_shock(known: bool) -> None:
    rows = company(invoices=[row if known else row | {"contract_id": None} for row in _TWO])
    assert cells(rows, "2024-06-20", *_SHOCK) == (160_000, 1, date(2024, 6, 15), 0, 1, 1)
    assert cells(rows, "2024-06-14", *_SHOCK) == (39_900, 1, date(2024, 6, 1), 0, 1, 1)


@pytest.mark.parametrize("known", [True, False])
def test_a_shock_in_one_of_two_bills_is_one(known: bool) -> None:
    rows = company(invoices=[row if known else row | {"contract_id": None} for row in _TWO])
    for row in rows["invoices"]:
        if row["issued_on"] == date(2024, 5, 1):
            row["amount"] = 79_800
    assert cells(rows, "2024-05-14", *_SHOCK) == (79_800, 2, date(2024, 5, 1), 39_900, 2, 2)
    assert cells(rows, "2024-06-14", *_SHOCK) == (39_900, 1, date(2024, 6, 1), 0, 2, 1)


@pytest.mark.parametrize(("first", "second"), [("01", "01"), ("01", "03"), ("03", "28")])
def test_the_bills_of_two_products_are_told_apart_on_near_days_and_across_months(
    first: str, second: str
) -> None:
    days = {"01": first, "15": second}
    bills = [
        row | {"issued_on": row["issued_on"][:8] + days[row["issued_on"][8:]], "contract_id": None}
        for row in _TWO
    ]
    one_off = {"issued_on": "2024-02-20", "amount": 5000}
    early = bills.index(next(row for row in bills if row["issued_on"] == f"2024-05-{first}"))
    bills[early] = bills[early] | {"issued_on": "2024-04-30"}
    rows = company(invoices=[*bills, one_off])
    assert cells(rows, "2024-07-01", "bill_shock_latest", "bill_shock_max_90d") == (1, 1)


def test_one_bill_a_month_at_the_turn_of_months_is_compared_as_ever() -> None:
    days = ("01-31", "03-01", "03-31", "04-30", "05-31", "07-01", "07-31")
    bills = [{"issued_on": f"2024-{day}", "amount": 100 + n} for n, day in enumerate(days)]
    rows = company(invoices=bills)
    assert cells(rows, "2024-08-01", "bill_shock_latest") == pytest.approx(106 / 102.5)


@pytest.mark.parametrize(
    ("correction", "late"),
    [
        (None, 1),
        (_correct("c", "2024-01-20", -100_000, "1"), 0),
        (_correct("c", "2024-01-20", -50_000, "1"), 1),
        (_correct("c", "2024-01-20", 90_000, "1", due_on="2024-02-15"), 0),
        (_correct("c", "2024-02-02", -100_000, "1"), 1),
    ],
)
def test_a_payment_is_late_for_a_bill_that_stood(
    correction: dict[str, Any] | None, late: int
) -> None:
    bills = [_BILL] if correction is None else [_BILL, correction]
    rows = company(invoices=bills, payments=[_pay("2024-02-01", 100_000)])
    names = ("late_payments_90d", "days_late_max_90d")
    assert cells(rows, "2024-03-01", *names) == (late, 17 * late)
