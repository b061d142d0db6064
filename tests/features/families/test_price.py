"""Price, checked by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from companies import Company, cells, company

_RISE = {
    "contract_id": "k",
    "notified_on": "2024-03-01",
    "effective_on": "2024-04-01",
    "old_price": 400,
    "new_price": 500,
    "reason_code": "grid",
}
_CONTRACT = {
    "contract_id": "k",
    "plan_id": "p",
    "product_line": "electricity",
    "started_on": "2023-01-01",
    "price": 400,
}


def test_a_rise_counts_from_its_notice() -> None:
    rows = company(price_changes=[_RISE])
    names = ("price_rise_pct_90d", "price_rises_90d", "days_since_rise", "days_to_rise_effective")
    assert cells(rows, "2024-03-01", *names) == (0, 0, None, None)
    assert cells(rows, "2024-03-02", *names) == (0.25, 1, 1, 30)
    assert cells(rows, "2024-04-11", *names) == (0.25, 1, 41, -10)
    assert cells(rows, "2024-06-01", *names) == (0, 0, 92, -61)


def test_the_facts_of_the_latest_rise_in_the_order_of_knowing() -> None:
    late = _RISE | {"notified_on": "2024-02-01", "effective_on": "2024-02-20", "new_price": 450}
    rows = company(price_changes=[_RISE, late | {"known_at": "2024-03-15"}])
    names = ("latest_rise_notified_on", "latest_rise_effective_on", "latest_rise_new_price")
    assert cells(rows, "2024-03-10", *names) == (
        date(2024, 3, 1),
        date(2024, 4, 1),
        Decimal(500),
    )
    assert cells(rows, "2024-03-16", *names) == (
        date(2024, 2, 1),
        date(2024, 2, 20),
        Decimal(450),
    )


@pytest.mark.parametrize(
    ("notified_on", "as_of", "silent", "notice_days"),
    [
        (None, "2024-04-02", 1, None),
        (None, "2024-04-01", 0, None),
        ("2024-04-10", "2024-04-10", 1, None),
        ("2024-04-10", "2024-04-11", 1, -9),
        ("2024-04-01", "2024-04-02", 1, 0),
        ("2024-03-31", "2024-04-02", 0, 1),
    ],
)
def test_a_silent_rise_is_in_force_with_no_notice_before(
    notified_on: str | None, as_of: str, silent: int, notice_days: int | None
) -> None:
    rows = company(price_changes=[_RISE | {"notified_on": notified_on}])
    names = ("rises_without_notice_90d", "rise_notice_days")
    assert cells(rows, as_of, *names) == (silent, notice_days)


def test_a_rise_without_reason_and_a_cut() -> None:
    cut = _RISE | {"old_price": 500, "new_price": 450, "reason_code": None}
    rows = company(price_changes=[_RISE | {"reason_code": None}, cut])
    names = ("rises_without_reason_90d", "price_rises_90d", "price_fall_pct_90d")
    assert cells(rows, "2024-03-10", *names) == (1, 1, pytest.approx(0.1))


def test_the_own_price_changes_when_the_change_is_both_in_force_and_known() -> None:
    rows = company(contracts=[_CONTRACT], price_changes=[_RISE])
    assert cells(rows, "2024-03-15", "own_price") == 400
    assert cells(rows, "2024-04-01", "own_price") == 400
    assert cells(rows, "2024-04-02", "own_price") == 500
    late = company(contracts=[_CONTRACT], price_changes=[_RISE | {"known_at": "2024-05-01"}])
    assert cells(late, "2024-05-01", "own_price") == 400
    assert cells(late, "2024-05-02", "own_price") == 500


def test_the_own_price_is_of_all_contracts_until_the_day_after_the_last() -> None:
    other = _CONTRACT | {"contract_id": "other", "price": "99.5"}
    end = {
        "contract_id": "other",
        "notified_on": "2024-03-01",
        "effective_on": "2024-03-31",
        "outcome": "moved",
    }
    rows = company(contracts=[_CONTRACT, other], terminations=[end])
    assert cells(rows, "2024-04-01", "own_price", "products_n") == (499.5, 1)
    assert cells(rows, "2024-04-02", "own_price", "products_n") == (400, 1)
    assert cells(company(customers=[{}]), "2024-04-02", "own_price", "products_n") == (None, 0)


def _offers(**given: Any) -> Company:
    standard = {"plan_id": "p", "product_line": "electricity", "valid_from": "2023-01-01"}
    campaign = standard | {
        "valid_from": "2024-03-01",
        "valid_to": "2024-03-11",
        "price": 300,
        "campaign": True,
    }
    return company(
        contracts=[_CONTRACT | given],
        price_list=[standard | {"price": 400, "campaign": False}, campaign],
    )


def test_the_gap_to_newcomers_while_the_campaign_runs_and_its_days_after() -> None:
    names = ("newcomer_gap_pct", "newcomer_gap_days_90d", "newcomer_price", "newcomer_own_price")
    rows = _offers()
    assert cells(rows, "2024-03-01", *names) == (0, 0, None, None)
    assert cells(rows, "2024-03-06", *names) == (0.25, 5, Decimal(300), Decimal(400))
    assert cells(rows, "2024-03-11", *names) == (0.25, 10, Decimal(300), Decimal(400))
    assert cells(rows, "2024-03-12", *names) == (0, 10, None, None)
    assert cells(rows, "2024-06-04", *names) == (0, 5, None, None)


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Oslo", "America/New_York"])
def test_gap_days_are_local_days_across_the_clock_change(zone: str) -> None:
    offer = {"plan_id": "p", "product_line": "electricity", "valid_from": "2024-03-01"}
    offers = [offer | {"price": 300, "campaign": True}]
    rows = company(zone, contracts=[_CONTRACT], price_list=offers)
    assert cells(rows, "2024-04-10", "newcomer_gap_days_90d", zone=zone) == 40


def test_a_gap_under_five_per_cent_is_not_seen_and_another_plan_is_no_gap() -> None:
    names = ("newcomer_gap_pct", "newcomer_gap_days_90d")
    close = cells(_offers(price=315), "2024-03-06", *names)
    assert close == (pytest.approx(15 / 315), 0)
    assert cells(_offers(price="315.79"), "2024-03-06", "newcomer_gap_days_90d") == 5
    assert cells(_offers(plan_id="q"), "2024-03-06", *names) == (0, 0)


def test_the_larger_gap_of_two_contracts_is_quoted_and_both_count_days() -> None:
    rows = _offers()
    rows["contracts"] += company(contracts=[_CONTRACT | {"contract_id": "m", "price": 600}])[
        "contracts"
    ]
    names = ("newcomer_gap_pct", "newcomer_own_price", "newcomer_gap_days_90d")
    assert cells(rows, "2024-03-02", *names) == (0.5, Decimal(600), 1 + 90)


def test_of_equal_gaps_the_same_contract_is_quoted_whatever_the_order_of_rows() -> None:
    contracts = [_CONTRACT, _CONTRACT | {"contract_id": "m", "plan_id": "q", "price": 200}]
    offer = {"product_line": "electricity", "valid_from": "2024-01-01", "campaign": True}
    offers = [offer | {"plan_id": "p", "price": 300}, offer | {"plan_id": "q", "price": 150}]
    for order in (contracts, contracts[::-1]):
        rows = company(contracts=order, price_list=offers)
        names = ("newcomer_price", "newcomer_own_price")
        assert cells(rows, "2024-03-01", *names) == (150, 200)


def test_a_closed_tariff_is_closed_from_its_last_day_on() -> None:
    plan = {
        "plan_id": "p",
        "product_line": "electricity",
        "valid_from": "2022-01-01",
        "valid_to": "2024-03-01",
        "price": 400,
        "campaign": False,
    }
    rows = company(contracts=[_CONTRACT], price_list=[plan])
    names = ("on_closed_tariff", "plan_closed_on")
    assert cells(rows, "2024-03-01", *names) == (0, None)
    assert cells(rows, "2024-03-02", *names) == (1, date(2024, 3, 1))
    again = plan | {"valid_from": "2024-03-01", "valid_to": None}
    rows = company(contracts=[_CONTRACT], price_list=[plan, again])
    assert cells(rows, "2024-03-02", "on_closed_tariff") == 0


def _on_plans(*changes: tuple[str, str, str]) -> Company:
    offers = [
        {"plan_id": "p", "price": 400, "valid_to": "2024-02-01"},
        {"plan_id": "q", "price": 300},
        {"plan_id": "r", "price": 200, "product_line": "broadband"},
    ]
    shared = {"product_line": "electricity", "valid_from": "2022-01-01", "campaign": False}
    history = [
        {"attribute": "plan", "value": plan, "valid_from": at, "known_at": known}
        for plan, at, known in changes
    ]
    return company(
        contracts=[_CONTRACT], price_list=[shared | row for row in offers], master_data=history
    )


@pytest.mark.parametrize(
    ("change", "as_of", "seen"),
    [
        (("q", "2024-03-10 11:00:00", "2024-03-10 11:00:00"), "2024-03-10", (1, 0, 0)),
        (("q", "2024-03-10 11:00:00", "2024-03-10 11:00:00"), "2024-03-13", (0, 0.25, 3)),
        (("q", "2024-03-10 11:00:00", "2024-03-12 11:00:00"), "2024-03-12", (1, 0, 0)),
        (("q", "2024-03-10 11:00:00", "2024-03-12 11:00:00"), "2024-03-13", (0, 0.25, 1)),
        (("r", "2024-03-10 11:00:00", "2024-03-10 11:00:00"), "2024-03-13", (1, 0, 0)),
        (("unlisted", "2024-03-10 11:00:00", "2024-03-10 11:00:00"), "2024-03-13", (1, 0, 0)),
        (("q", "2022-12-31 11:00:00", "2022-12-31 11:00:00"), "2024-03-13", (1, 0, 0)),
    ],
    ids=[
        "before",
        "after",
        "not known yet",
        "known",
        "other line",
        "not listed",
        "contract before",
    ],
)
def test_the_plan_in_force_is_the_newest_known_on_the_contracts_line(
    change: tuple[str, str, str], as_of: str, seen: tuple[float, ...]
) -> None:
    names = ("on_closed_tariff", "newcomer_gap_pct", "newcomer_gap_days_90d")
    assert cells(_on_plans(change), as_of, *names) == seen


def test_a_plan_that_was_left_is_compared_no_more() -> None:
    there = ("q", "2024-03-10 11:00:00", "2024-03-10 11:00:00")
    back = ("p", "2024-03-20 11:00:00", "2024-03-20 11:00:00")
    names = ("on_closed_tariff", "newcomer_gap_pct", "newcomer_gap_days_90d")
    assert cells(_on_plans(there, back), "2024-03-25", *names) == (1, 0, 10)


def test_a_campaign_that_ends_closes_no_tariff() -> None:
    assert cells(_offers(), "2024-06-01", "on_closed_tariff") == 0


@pytest.mark.parametrize(
    ("as_of", "left", "since"),
    [("2024-03-30", 1, None), ("2024-03-31", 0, None), ("2024-04-01", 0, 1)],
)
def test_the_binding_period_and_its_cliff(as_of: str, left: int, since: int | None) -> None:
    rows = company(contracts=[_CONTRACT | {"binding_until": "2024-03-31"}])
    names = ("binding_days_left", "days_since_binding_end", "binding_until")
    assert cells(rows, as_of, *names) == (left, since, date(2024, 3, 31))


@pytest.mark.parametrize(
    ("as_of", "left", "since", "next_on"),
    [
        ("2024-01-31", 29, None, date(2024, 2, 29)),  # the last day where there is no 31st
        ("2024-02-29", 0, None, date(2024, 2, 29)),
        ("2024-03-01", 183, 1, date(2024, 8, 31)),
        ("2024-08-31", 0, 184, date(2024, 8, 31)),
        ("2024-09-01", 180, 1, date(2025, 2, 28)),
    ],
)
def test_a_contract_renews_itself_term_after_term(
    as_of: str, left: int, since: int | None, next_on: date
) -> None:
    policy = _CONTRACT | {"started_on": "2023-08-31", "term_months": 6}
    names = ("days_to_renewal", "days_since_renewal", "renews_on")
    assert cells(company(contracts=[policy]), as_of, *names) == (left, since, next_on)


def test_a_contract_that_has_ended_or_runs_on_does_not_renew() -> None:
    policy = _CONTRACT | {"started_on": "2023-03-15", "term_months": 12}
    monthly = _CONTRACT | {"contract_id": "m", "started_on": "2023-03-20"}
    end = {"notified_on": "2024-04-01", "effective_on": "2024-04-30", "outcome": "moved"}
    rows = company(
        contracts=[policy, monthly], terminations=[end | {"contract_id": policy["contract_id"]}]
    )
    names = ("days_to_renewal", "days_since_renewal")
    assert cells(rows, "2024-04-20", *names) == (329, 36)
    assert cells(rows, "2024-05-02", *names) == (None, None)


def test_a_bundle_breaks_when_the_notice_is_known() -> None:
    bundled = [
        _CONTRACT | {"bundle_id": "b"},
        _CONTRACT | {"contract_id": "m", "bundle_id": "b", "product_line": "broadband"},
    ]
    end = {
        "contract_id": "m",
        "notified_on": "2024-03-01",
        "effective_on": "2024-04-30",
        "outcome": "voluntary",
        "known_at": "2024-03-05 10:00:00",
    }
    rows = company(contracts=bundled, terminations=[end])
    names = ("bundle_broken_365d", "in_bundle", "products_n")
    assert cells(rows, "2024-03-05", *names) == (0, 1, 2)
    assert cells(rows, "2024-03-06", *names) == (1, 1, 2)
    assert cells(rows, "2024-05-02", *names) == (1, 1, 1)
    assert cells(rows, "2025-03-02", *names) == (0, 1, 1)


def test_a_benefit_is_in_force_through_its_last_day() -> None:
    benefits = [
        {"granted_on": "2024-01-01", "ends_on": "2024-03-31", "kind": "loyalty"},
        {"granted_on": "2024-03-01", "ends_on": None, "kind": "bonus"},
    ]
    names = ("loyalty_benefit", "benefit_days_left", "benefit_granted_on", "benefit_ended_on")
    rows = company(benefits=benefits)
    assert cells(rows, "2024-01-01", *names) == (0, None, None, None)
    assert cells(rows, "2024-02-01", *names) == (1, 59, date(2024, 1, 1), None)
    assert cells(rows, "2024-03-31", *names) == (2, 0, date(2024, 3, 1), None)
    assert cells(rows, "2024-04-01", *names) == (1, None, date(2024, 3, 1), date(2024, 3, 31))


@pytest.mark.parametrize(
    ("joined", "benefit", "flag"),
    [
        ("2022-04-01", False, 1),
        ("2022-04-02", False, 0),
        ("2022-04-01", True, 0),
        (None, False, None),
    ],
)
def test_two_years_without_a_benefit(joined: str | None, benefit: bool, flag: int | None) -> None:
    granted = [{"granted_on": "2024-01-01"}] if benefit else []
    rows = company(customers=[{"joined_on": joined}], benefits=granted)
    assert cells(rows, "2024-04-01", "no_benefit_at_tenure_over_24m") == flag


_MARKET = [
    {"product_line": "electricity", "month": "2024-01-01", "price": 80},
    {"product_line": "electricity", "month": "2024-02-01", "price": 100},
    {"product_line": "broadband", "month": "2024-01-01", "price": 500},
]
_ELECTRICITY = {"product_line": "electricity", "started_on": "2023-01-01", "price": 120}


def test_the_price_is_held_against_the_markets_of_the_month() -> None:
    rows = company(contracts=[_ELECTRICITY], market_price=_MARKET)
    names = ("price_vs_market", "market_own_price", "market_comparable_price")
    assert cells(rows, "2024-01-01", *names) == (None, None, None)
    assert cells(rows, "2024-02-01", *names) == (pytest.approx(0.5), 120, 80)
    assert cells(rows, "2024-02-02", *names) == (pytest.approx(0.2), 120, 100)


def test_only_what_the_market_has_is_compared_and_every_contract_counts() -> None:
    contracts = [
        _ELECTRICITY,
        _ELECTRICITY | {"price": 60},
        _ELECTRICITY | {"product_line": "insurance", "price": 900},
        _ELECTRICITY | {"product_line": "broadband", "price": 420},
    ]
    rows = company(contracts=contracts, market_price=_MARKET)
    names = ("price_vs_market", "market_own_price", "market_comparable_price")
    assert cells(rows, "2024-03-01", *names) == (pytest.approx(600 / 700 - 1), 600, 700)
    insured = company(contracts=contracts[2:3], market_price=_MARKET)
    assert cells(insured, "2024-03-01", *names) == (None, None, None)


def test_a_line_of_the_companys_own_is_held_against_its_market() -> None:
    market = [{"product_line": "alarm", "month": "2024-01-01", "price": 100}]
    rows = company(contracts=[_ELECTRICITY | {"product_line": "alarm"}], market_price=market)
    assert cells(rows, "2024-02-01", "price_vs_market") == pytest.approx(0.2)


def test_the_newest_month_holds_whichever_was_known_first() -> None:
    early = _MARKET[0] | {"known_at": "2024-02-20 10:00:00"}
    rows = company(contracts=[_ELECTRICITY], market_price=[early, _MARKET[1]])
    for day in ("2024-02-20", "2024-02-21"):
        assert cells(rows, day, "price_vs_market") == pytest.approx(0.2)


def test_a_market_price_known_late_holds_from_the_day_it_is_known() -> None:
    late = _MARKET[1] | {"known_at": "2024-02-20 10:00:00"}
    rows = company(contracts=[_ELECTRICITY], market_price=[_MARKET[0], late])
    assert cells(rows, "2024-02-20", "price_vs_market") == pytest.approx(0.5)
    assert cells(rows, "2024-02-21", "price_vs_market") == pytest.approx(0.2)


def test_a_price_pressure_weighs_with_what_irritates() -> None:
    """A rise of 10 % and 20 % above the market, times a repeat, a complaint and an open case."""
    rise = {
        "contract_id": "k",
        "notified_on": "2024-02-01",
        "effective_on": "2024-03-01",
        "old_price": 120,
        "new_price": 132,
    }
    call = {"started_at": "2024-02-10 10:00:00", "topic": "billing"}
    company_rows = {
        "contracts": [_ELECTRICITY | {"contract_id": "k"}],
        "price_changes": [rise],
        "contacts": [call, call | {"started_at": "2024-02-11 10:00:00"}],
        "complaints": [{"opened_at": "2024-02-12 10:00:00"}],
        "cases": [{"opened_at": "2024-02-12 10:00:00"}],
        "market_price": _MARKET,
    }
    name = "price_pressure_x_irritation"
    assert cells(company(**company_rows), "2024-02-20", name) == pytest.approx(0.3 * 3)
    calm = company(**company_rows | {"contacts": [], "complaints": [], "cases": []})
    assert cells(calm, "2024-02-20", name) == 0
    cheap = company(**company_rows | {"price_changes": [], "market_price": []})
    assert cells(cheap, "2024-02-20", name) == 0


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (0, 399, (None, 1, 61, 0, Decimal(0))),
        (0, 0, (0, 0, None, 0, None)),
        (399, 0, (0, 0, None, 1, None)),
        (399, 399, (0, 0, None, 0, None)),
        (200, 399, (pytest.approx(0.995), 1, 61, 0, Decimal(200))),
    ],
)
def test_a_rise_from_nothing_is_a_rise_without_a_share(old: int, new: int, seen: Any) -> None:
    change = {"contract_id": "k", "effective_on": "2024-04-01", "old_price": old, "new_price": new}
    rows = company(price_changes=[change])
    names = ("price_rise_pct_90d", "price_rises_90d", "days_since_rise", "price_fall_pct_90d")
    assert cells(rows, "2024-06-01", *names, "latest_rise_old_price") == seen


def test_a_share_is_unknown_only_while_the_rise_from_nothing_is_in_the_window() -> None:
    free = {"effective_on": "2024-01-01", "old_price": 0, "new_price": 100}
    rows = company(price_changes=[free, _RISE])
    names = ("price_rise_pct_90d", "price_rise_pct_365d", "price_rises_365d")
    assert cells(rows, "2024-04-15", *names) == (0.25, None, 2)
