"""Treatments after the as-of date, by hand; seen from 1 January 2024 in Oslo."""

from datetime import date
from typing import Any

import pytest
from companies import ZONE, company, connect

from features.labels import make_cohort
from features.treatments import treatments

_AS_OF, _TODAY = date(2024, 1, 1), date(2024, 4, 14)
_FIFTH = date(2024, 1, 5)


def _found(*rows: dict[str, Any]) -> tuple[date | None, date | None]:
    contract = {"product_line": "electricity", "started_on": "2023-01-01"}
    tables = company(contracts=[contract], treatments=rows)
    with connect(tables) as con:
        make_cohort(con, tuple(tables), _AS_OF, ZONE)
        found = treatments(con, tables=tuple(tables), as_of=_AS_OF, today=_TODAY, zone=ZONE)
    [row] = found.to_pylist()
    assert row["customer_id"] == "a"
    return row["treated_on"], row["held_out_on"]


def _treatment(at: str = "2024-01-05 10:00:00", **given: Any) -> dict[str, Any]:
    return {"treated_at": at, "action": "A4"} | given


@pytest.mark.parametrize(
    ("given", "treated", "held_out"),
    [
        ({"arm": "treat", "contacted": True}, True, False),
        ({"arm": "treat", "contacted": False}, True, False),
        ({"arm": "treat"}, True, False),
        ({"contacted": True}, True, False),
        ({"arm": "holdout", "contacted": False}, False, True),
        ({"arm": "holdout"}, False, True),
        ({"arm": "holdout", "contacted": True}, True, False),
        ({"contacted": False}, False, False),
        ({}, False, False),
    ],
)
def test_treated_is_who_was_drawn_for_it_or_reached(
    given: dict[str, Any], treated: bool, held_out: bool
) -> None:
    expected = (_FIFTH if treated else None, _FIFTH if held_out else None)
    assert _found(_treatment(**given)) == expected


@pytest.mark.parametrize(
    ("at", "known_at", "day"),
    [
        ("2023-12-31 22:59:59", None, None),
        ("2023-12-31 23:00:00", None, date(2024, 1, 1)),
        ("2024-01-05 23:30:00", None, date(2024, 1, 6)),
        ("2024-01-05 10:00:00", "2024-04-13 21:59:59", _FIFTH),
        ("2024-01-05 10:00:00", "2024-04-13 22:00:00", None),
        ("2023-12-01 10:00:00", "2024-01-05 10:00:00", None),
    ],
)
def test_it_counts_from_the_as_of_date_on_if_known_before_today(
    at: str, known_at: str | None, day: date | None
) -> None:
    assert _found(_treatment(at, known_at=known_at, arm="treat")) == (day, None)


def test_the_first_of_several_counts_and_other_customers_do_not() -> None:
    later, first = _treatment("2024-02-01 10:00:00", arm="treat"), _treatment(arm="treat")
    held = _treatment("2024-01-03 10:00:00", arm="holdout")
    stranger = _treatment("2024-01-02 10:00:00", arm="treat", customer_id="b")
    assert _found(later, first, held, stranger) == (_FIFTH, date(2024, 1, 3))


def test_a_company_without_treatments_treated_nobody() -> None:
    tables = company(contracts=[{"product_line": "electricity", "started_on": "2023-01-01"}])
    with connect(tables) as con:
        make_cohort(con, tuple(tables), _AS_OF, ZONE)
        found = treatments(con, tables=tuple(tables), as_of=_AS_OF, today=_TODAY, zone=ZONE)
    assert found.to_pylist() == [{"customer_id": "a", "treated_on": None, "held_out_on": None}]
