"""Reminder stages, notice of rises, plan fit, word of progress and noise, checked by hand."""

from datetime import date
from typing import Any

import duckdb
import pytest
from companies import ZONE, cells, company, connect

from features import matrix
from features.catalog import build_catalog
from features.contract import PRODUCT_LINES, TABLES

_BILL = {"invoice_id": "i", "issued_on": "2024-03-01", "due_on": "2024-03-15", "amount": 100}
_CONTRACT = {
    "contract_id": "k",
    "plan_id": "p",
    "product_line": "electricity",
    "started_on": "2023-01-01",
}
_RISE = {
    "contract_id": "k",
    "notified_on": "2024-03-01",
    "effective_on": "2024-03-31",
    "old_price": 400,
    "new_price": 500,
}


def test_the_highest_stage_and_debt_collection_count_from_their_day() -> None:
    stages = [{"sent_on": f"2024-03-{10 * n:02}", "stage": n} for n in (1, 2, 3)]
    names = ("reminder_stage_max_90d", "debt_collections_90d", "days_since_reminder")
    found = [cells(company(reminders=stages), f"2024-03-{day}", *names) for day in (10, 11, 21, 31)]
    assert found == [(0, 0, None), (1, 0, 1), (2, 0, 1), (3, 1, 1)]
    unknown = company(reminders=[{"sent_on": "2024-03-10"}])
    assert cells(unknown, "2024-03-11", *names) == (1, 0, 1)


def test_a_bill_is_due_for_a_friendly_reminder_until_one_is_sent_or_it_is_a_month_late() -> None:
    rows = company(invoices=[_BILL], payments=[], reminders=[])
    days = ("2024-03-15", "2024-03-16", "2024-04-14", "2024-04-15")
    assert [cells(rows, day, "overdue_without_reminder") for day in days] == [0, 1, 1, 0]
    sent = company(invoices=[_BILL], payments=[], reminders=[{"sent_on": "2024-03-20"}])
    assert [cells(sent, f"2024-03-{day}", "overdue_without_reminder") for day in (20, 21)] == [1, 0]
    paid = [{"invoice_id": "i", "paid_on": "2024-03-20", "amount": 100}]
    settled = company(invoices=[_BILL], payments=paid, reminders=[])
    assert cells(settled, "2024-03-25", "overdue_without_reminder") == 0


@pytest.mark.parametrize(
    ("line", "change", "short"),
    [
        ("electricity", {}, 0),
        ("electricity", {"notified_on": "2024-03-02"}, 1),
        ("electricity", {"notified_on": None}, 1),
        ("electricity", {"notified_on": "2024-04-02"}, 1),
        ("electricity", {"notified_on": None, "new_price": 300}, 0),
        ("alarm", {"notified_on": None}, 0),
    ],
    ids=["30 days", "29 days", "no notice", "a notice after", "a cut", "a line without a bound"],
)
def test_a_rise_is_at_short_notice_by_its_product_line(line: str, change: Any, short: int) -> None:
    rows = company(contracts=[_CONTRACT | {"product_line": line}], price_changes=[_RISE | change])
    assert cells(rows, "2024-05-01", "rises_at_short_notice_90d") == short


def test_a_company_has_bounds_of_its_own() -> None:
    rows = company(contracts=[_CONTRACT], price_changes=[_RISE])
    catalog = build_catalog(TABLES).only(["rises_at_short_notice_90d"])

    def short(**notice: int) -> int:
        with connect(rows) as con:
            matrix.prepare(con, tuple(rows), ZONE, notice=notice)
            con.execute("create temp table cohort as select 'a' as customer_id, '' as product_line")
            matrix.derive(con, catalog)
            [row] = matrix.cut(con, catalog, date(2024, 5, 1), ZONE).to_pylist()
        return int(row["rises_at_short_notice_90d"])

    assert (short(electricity=30), short(electricity=31), short(gas=99)) == (0, 1, 0)
    with duckdb.connect() as con:
        matrix.prepare(con, (), ZONE)
        found = con.execute("select product_line, days from price_notice").fetchall()
    assert dict(found) == dict.fromkeys(PRODUCT_LINES, 30)


def test_a_rise_against_the_market_is_seen_from_its_notice() -> None:
    def contrary(**months: int) -> tuple[Any, ...]:
        market = [
            {
                "product_line": "electricity",
                "month": f"2{month[1:]}-01".replace("_", "-"),
                "price": p,
            }
            for month, p in months.items()
        ]
        rows = company(contracts=[_CONTRACT], price_changes=[_RISE], market_price=market)
        return cells(rows, "2024-05-01", "rises_against_market_365d", "latest_contrary_rise_on")

    fell = (1, date(2024, 3, 31))
    assert contrary(m023_12=500, m024_03=499) == fell
    assert contrary(m023_12=500, m024_03=500) == (0, None)
    assert contrary(m023_11=400, m023_12=500, m024_01=400, m024_02=450) == fell
    assert contrary(m023_12=500, m024_03=600, m024_04=100) == (0, None), "the fall came after"
    assert contrary(m024_01=500, m024_03=400) == (0, None), "nothing is known of 90 days before"


def test_the_reason_of_the_latest_rise_is_its_kind() -> None:
    earlier = _RISE | {"notified_on": "2024-01-01", "effective_on": "2024-02-01"}
    rows = company(price_changes=[earlier | {"reason_kind": "cost"}, _RISE | {"reason_kind": None}])
    assert cells(rows, "2024-02-02", "rise_reason_kind") == "cost"
    assert cells(rows, "2024-03-02", "rise_reason_kind") is None


def test_usage_is_held_against_the_plan_in_force() -> None:
    plans = [
        {"plan_id": plan, "valid_from": "2022-01-01", "campaign": False, "price": 1, "usage": usage}
        | {"product_line": "electricity"}
        for plan, usage in (("p", 1000), ("q", 400))
    ]
    used = [
        {"contract_id": "k", "ended_on": f"2024-0{month}-28", "amount": amount}
        for month, amount in ((1, 500), (2, 700))
    ]
    change = {"attribute": "plan", "value": "q", "valid_from": "2024-03-10 08:00:00"}
    rows = company(contracts=[_CONTRACT], price_list=plans, usage=used, master_data=[change])
    days = ("2024-02-28", "2024-03-01", "2024-03-11")
    found = [cells(rows, day, "usage_against_plan_365d") for day in days]
    assert found == pytest.approx([0.5, 0.6, 1.5])


def test_products_without_a_bundle_and_bills_without_a_benefit() -> None:
    other = _CONTRACT | {"contract_id": "l", "product_line": "broadband"}
    names = ("unbundled_products", "billed_without_benefit_365d")
    loose = company(contracts=[_CONTRACT, other], invoices=[_BILL], benefits=[])
    assert cells(loose, "2024-05-01", *names) == (1, 100)
    kept = company(
        contracts=[_CONTRACT, other | {"bundle_id": "b"}],
        invoices=[_BILL],
        benefits=[{"granted_on": "2024-01-01", "kind": "bonus"}],
    )
    assert cells(kept, "2024-05-01", *names) == (0, 0)
    assert cells(company(contracts=[_CONTRACT]), "2024-05-01", "unbundled_products") == 0


def test_messages_at_night_are_counted_by_the_local_clock() -> None:
    """04:59 and 05:00 in UTC are before and at seven in summer, 20:00 is ten at night."""
    hours = ("04:59", "05:00", "19:59", "20:00")
    sent = [{"kind": "price", "sent_at": f"2024-07-01 {hour}:00"} for hour in hours]
    rows = company(notifications=[*sent, sent[0] | {"kind": "outage"}])
    assert cells(rows, "2024-07-10", "night_messages_90d") == 2


def test_the_same_message_again_within_a_day_is_a_duplicate() -> None:
    first = {"kind": "price", "template_id": "t", "sent_at": "2024-07-01 10:00:00"}

    def duplicates(**other: str | None) -> Any:
        rows = company(notifications=[first, first | other])
        return cells(rows, "2024-07-10", "duplicate_messages_90d")

    assert duplicates(sent_at="2024-07-02 10:00:00") == 1
    assert duplicates(sent_at="2024-07-02 10:00:01") == 0
    assert duplicates(template_id="u") == duplicates(template_id=None) == 0
    assert duplicates(kind="bill") == 0


@pytest.mark.parametrize(("sent", "count"), [("06", 1), ("07", 0), ("13", 0), ("14", 1)])
def test_a_late_order_without_word_counts_from_the_day_after_the_promise(
    sent: str, count: int
) -> None:
    order = {"order_id": "o", "ordered_on": "2024-03-01", "promised_on": "2024-03-13"}
    told = {"order_id": "o", "kind": "delivery", "sent_at": f"2024-03-{sent} 12:00:00"}
    rows = company(orders=[order], notifications=[told])
    assert cells(rows, "2024-03-15", "uninformed_orders_90d") == count
    assert cells(rows, "2024-03-13", "uninformed_orders_90d") == 0
    advert = company(orders=[order], notifications=[told | {"kind": "marketing"}])
    assert cells(advert, "2024-03-15", "uninformed_orders_90d") == 1


@pytest.mark.parametrize(
    ("closed", "sent", "count"),
    [(None, None, 1), ("08", None, 0), ("09", None, 1), (None, "08", 0), (None, "09", 1)],
)
def test_a_case_open_for_a_week_without_word(
    closed: str | None, sent: str | None, count: int
) -> None:
    case = {"case_id": "s", "opened_at": "2024-03-01 12:00:00"}
    case |= {"closed_at": f"2024-03-{closed} 11:00:00"} if closed else {}
    words = (
        [{"case_id": "s", "kind": "case", "sent_at": f"2024-03-{sent} 11:00:00"}] if sent else []
    )
    rows = company(cases=[case], notifications=words)
    assert cells(rows, "2024-03-20", "uninformed_cases_90d") == count
    assert cells(rows, "2024-03-08", "uninformed_cases_90d") == 0


def test_a_high_bill_is_told_of_within_three_days_of_it() -> None:
    bills = [
        {"invoice_id": f"i{n}", "issued_on": f"2024-0{n}-10", "amount": 400 if n == 4 else 100}
        for n in range(1, 5)
    ]
    told = {"invoice_id": "i4", "kind": "bill", "sent_at": "2024-04-13 12:00:00"}
    for change, count in (
        ({}, 0),
        ({"sent_at": "2024-04-14 12:00:00"}, 1),
        ({"sent_at": "2024-04-06 12:00:00"}, 1),
        ({"invoice_id": "i3"}, 1),
    ):
        rows = company(invoices=bills, notifications=[told | change])
        assert cells(rows, "2024-04-20", "uninformed_invoices_90d") == count
    assert cells(rows, "2024-04-13", "uninformed_invoices_90d") == 0


def test_being_informed_is_answered_beside_the_other_questions() -> None:
    answers = [
        {"kind": kind, "score": score, "answered_at": "2024-03-01 12:00:00"}
        for kind, score in (("informed", 2), ("csat", 5))
    ]
    names = ("informed_last", "informed_age_days", "informed_last_on")
    assert cells(company(surveys=answers), "2024-03-11", *names) == (2, 10, date(2024, 3, 1))
