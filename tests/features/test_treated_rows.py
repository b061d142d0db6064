"""Days of treatment as the CRM reports them, by hand; seen from 14 April 2024 in Oslo."""

from datetime import date
from typing import Any

import pytest
from companies import ZONE, company, connect

from features.treatments import recorded_treatments

_TODAY, _FIFTH = date(2024, 4, 14), date(2024, 1, 5)


def _treatment_days(*rows: dict[str, Any]) -> list[tuple[date, bool, bool]]:
    with connect(company(treatments=list(rows)), versioned=["treatments"]) as con:
        found = recorded_treatments(con, today=_TODAY, zone=ZONE).to_pylist()
    assert {row["customer_id"] for row in found} <= {"a"}
    return [(row["day"], row["treated"], row["by_lot"]) for row in found]


def _treatment(at: str = "2024-01-05 10:00:00", **given: Any) -> dict[str, Any]:
    return {"treated_at": at, "action": "A4"} | given


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ({"arm": "treat", "contacted": True}, (True, True)),
        ({"arm": "treat", "contacted": False}, (True, True)),
        ({"arm": "treat"}, (True, True)),
        ({"contacted": True}, (True, False)),
        ({"arm": "holdout", "contacted": False}, (False, True)),
        ({"arm": "holdout"}, (False, True)),
        ({"arm": "holdout", "contacted": True}, (True, True)),
        ({"contacted": False}, None),
        ({}, None),
    ],
)
def test_treated_is_who_was_drawn_for_it_or_reached(
    given: dict[str, Any], flags: tuple[bool, bool] | None
) -> None:
    assert _treatment_days(_treatment(**given)) == ([(_FIFTH, *flags)] if flags else [])


@pytest.mark.parametrize(
    ("at", "known_at", "day"),
    [
        ("2023-12-31 22:59:59", None, date(2023, 12, 31)),
        ("2023-12-31 23:00:00", None, date(2024, 1, 1)),
        ("2024-01-05 10:00:00", "2024-04-13 21:59:59", _FIFTH),
        ("2024-01-05 10:00:00", "2024-04-13 22:00:00", None),
    ],
)
def test_it_is_a_local_day_and_counts_if_known_before_today(
    at: str, known_at: str | None, day: date | None
) -> None:
    found = _treatment_days(_treatment(at, known_at=known_at, arm="treat"))
    assert [each for each, *_ in found] == ([day] if day else [])


def test_a_correction_counts_from_when_it_is_known() -> None:
    first = _treatment(treatment_id="t", contacted=False, arm="treat")
    told = first | {"arm": "holdout", "known_at": "2024-02-01 10:00:00"}
    assert _treatment_days(first, told) == [(_FIFTH, False, True)]
