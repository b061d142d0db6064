"""Relationship, claims and attributes, checked by hand."""

from datetime import date

import pytest
from companies import cells, company, connect

from features import matrix
from features.catalog import build_catalog
from features.contract import TABLES
from features.feature import attribute

_AS_OF = date(2024, 4, 1)


def test_tenure_and_segment() -> None:
    rows = company(customers=[{"joined_on": "2024-03-01", "segment": "home"}])
    names = ("tenure_days", "segment", "customer_since")
    assert cells(rows, "2024-04-01", *names) == (31, "home", date(2024, 3, 1))
    assert cells(rows, "2024-03-01", *names) == (None, None, None)


def test_a_customer_without_a_first_day_is_always_known() -> None:
    rows = company(customers=[{"segment": "home"}])
    assert cells(rows, "2024-04-01", "tenure_days", "segment") == (None, "home")


def test_contacts_by_direction() -> None:
    contacts = [
        {"started_at": "2024-03-01 10:00:00", "direction": "outbound"},
        {"started_at": "2024-02-01 10:00:00", "direction": "inbound"},
        {"started_at": "2024-01-01 10:00:00", "direction": None},
    ]
    rows = company(contacts=contacts)
    names = ("contacts_90d", "contacts_365d", "days_since_contact", "days_since_outreach")
    assert cells(rows, "2024-04-01", *names) == (1, 2, 60, 31)
    assert cells(rows, "2024-04-01", "last_contact_on") == date(2024, 3, 1)


def test_claims_and_what_was_paid_of_them() -> None:
    claims = [
        {"claimed_on": "2024-03-01", "settled_on": "2024-03-15", "claimed": 1000, "paid": 250},
        {"claimed_on": "2024-01-01", "settled_on": "2024-01-09", "claimed": 1000, "paid": None},
        {"claimed_on": "2022-01-01", "settled_on": "2022-01-01", "claimed": 5000, "paid": 5000},
    ]
    rows = company(claims=claims)
    counts = ("claims_30d", "claims_90d", "claims_365d", "claims_total", "claims_unpaid_365d")
    assert cells(rows, "2024-03-31", *counts) == (1, 2, 2, 3, 1)
    assert cells(rows, "2024-04-01", *counts) == (0, 1, 2, 3, 1)
    names = ("claimed_amount_365d", "claims_paid_share_365d", "days_since_claim")
    assert cells(rows, "2024-04-01", *names) == (2000, 0.125, 31)
    assert cells(rows, "2024-01-01", *names) == (0, None, 730)


@pytest.mark.parametrize(("claimed", "paid", "unpaid"), [(0, 0, 0), (100, 0, 1), (100, 1, 0)])
def test_an_unpaid_claim_asked_for_something(claimed: int, paid: int, unpaid: int) -> None:
    claim = {"claimed_on": "2024-03-01", "settled_on": "2024-03-31"}
    rows = company(claims=[{**claim, "claimed": claimed, "paid": paid}])
    assert cells(rows, "2024-04-01", "claims_unpaid_90d") == unpaid


@pytest.mark.parametrize("paid", [None, 0, 400])
def test_what_a_claim_pays_is_not_known_before_it_is_settled(paid: int | None) -> None:
    claim = {"claimed_on": "2024-03-01", "claimed": 1000, "paid": paid}
    names = ("claims_90d", "claimed_amount_365d", "claims_paid_share_365d", "claims_unpaid_90d")
    for settled_on in (None, "2024-04-01", "2024-05-01"):
        rows = company(claims=[claim | {"settled_on": settled_on}])
        assert cells(rows, "2024-04-01", *names) == (1, 1000, None, 0)
    rows = company(claims=[claim | {"settled_on": "2024-03-31"}])
    share = pytest.approx((paid or 0) / 1000)
    assert cells(rows, "2024-04-01", *names) == (1, 1000, share, int(not paid))


def test_attributes_are_features_as_they_stand() -> None:
    attributes = tuple(
        attribute(name, kind, "relationship", "profile", "", 0, "An attribute.")
        for name, kind in (("attr_age", "number"), ("attr_town", "category"))
    )
    catalog = build_catalog({"customers"}, attributes)
    with connect(company(customers=[{"customer_id": "a"}, {"customer_id": "b"}])) as con:
        con.execute("alter table customers add column attr_age double")
        con.execute("alter table customers add column attr_town varchar")
        con.execute(
            "update customers set attr_age = 41.5, attr_town = 'Oslo' where customer_id = 'a'"
        )
        con.execute(
            "create temp table cohort as select customer_id, null::varchar as product_line "
            "from customers"
        )
        matrix.derive(con, catalog)
        table = matrix.cut(con, catalog, _AS_OF, "Europe/Oslo")
    assert table["attr_age"].to_pylist() == [41.5, None]
    assert table["attr_town"].to_pylist() == ["Oslo", None]


def test_the_first_ninety_days() -> None:
    rows = company(customers=[{"joined_on": "2024-01-01"}])
    assert [cells(rows, day, "first_90_days") for day in ("2024-03-30", "2024-03-31")] == [1, 0]
    assert cells(company(customers=[{}]), "2024-03-31", "first_90_days") is None


def test_notices_of_others_in_the_household() -> None:
    notices = [
        {"notified_on": "2024-03-01", "outcome": "voluntary"},
        {"notified_on": "2024-03-02", "outcome": "moved"},
        {"notified_on": "2023-09-01", "outcome": "voluntary"},
    ]
    rows = company(household_notices=notices)
    names = ("household_churn_180d", "latest_household_notice_on")
    assert cells(rows, "2024-03-01", *names) == (0, date(2023, 9, 1))
    assert cells(rows, "2024-04-01", *names) == (1, date(2024, 3, 1))


def test_benefits_count_when_they_are_used() -> None:
    benefits = [
        {"granted_on": "2023-01-01", "used_at": "2024-03-01 10:00:00"},
        {"granted_on": "2024-03-01", "used_at": None},
        {"granted_on": "2024-03-01", "used_at": "2024-03-05 10:00:00", "known_at": "2024-04-01"},
    ]
    rows = company(benefits=benefits)
    names = ("benefits_used_90d", "latest_benefit_used_on")
    assert cells(rows, "2024-03-01", *names) == (0, None)
    assert cells(rows, "2024-03-15", *names) == (1, date(2024, 3, 1))
    assert cells(rows, "2024-04-02", *names) == (2, date(2024, 3, 5))


def test_only_a_treatment_that_reached_the_customer_is_told_and_no_model_sees_it() -> None:
    treatments = [
        {"treated_at": "2024-03-01 10:00:00", "contacted": True, "arm": "treat"},
        {"treated_at": "2024-03-10 10:00:00", "contacted": False, "arm": "treat"},
        {"treated_at": "2024-03-11 10:00:00", "contacted": True, "arm": "holdout"},
        {"treated_at": "2024-02-01 10:00:00", "contacted": True, "arm": None},
    ]
    rows = company(treatments=treatments)
    names = ("treatments_90d", "treatments_365d", "latest_treatment_on")
    assert cells(rows, "2024-03-21", *names) == (2, 2, date(2024, 3, 1))
    seen = {feature.name for feature in build_catalog(TABLES).model_features}
    assert "days_since_outreach" in seen
    assert not seen & {*names}


def test_changes_of_plan() -> None:
    change = {"attribute": "plan", "value": "p", "valid_from": "2024-03-01 10:00:00"}
    rows = company(master_data=[change, change | {"attribute": "payment_method"}])
    assert cells(rows, "2024-03-20", "plan_changes_90d") == 1
