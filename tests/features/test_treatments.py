"""Assignments and what came of them, by hand; seen from 1 June 2024 in Oslo."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from companies import ZONE, company, connect

from features.treatments import (
    ASSIGNMENT,
    assignment_outcomes,
    calls_that_tell,
    reported_assignments,
)

_TODAY, _ASSIGNED, _DAYS = date(2024, 6, 1), date(2024, 1, 10), 104
_CONTRACT = {"product_line": "electricity", "started_on": "2023-01-01"}


def _followed(**tables: list[dict[str, Any]]) -> tuple[bool, bool]:
    rows = company(**({"contracts": [_CONTRACT], "terminations": [], "treatments": []} | tables))
    assigned = dict.fromkeys(ASSIGNMENT) | {
        "customer_id": "a",
        "assigned_on": _ASSIGNED,
        "arm": "treat",
    }
    with connect(rows, versioned=["treatments"]) as con:
        table = pa.Table.from_pylist([assigned])
        found = assignment_outcomes(con, table, end_days=_DAYS, today=_TODAY, zone=ZONE)
    [row] = found.to_pylist()
    assert {name: row[name] for name in ASSIGNMENT} == assigned
    return row["left"], row["reached"]


def _reported(*treatments: dict[str, Any]) -> list[dict[str, Any]]:
    with connect(company(treatments=list(treatments)), versioned=["treatments"]) as con:
        return reported_assignments(con, today=_TODAY, zone=ZONE).to_pylist()


def _notice(day: str, outcome: str = "voluntary", **given: Any) -> dict[str, Any]:
    return {
        "contract_id": "contracts0",
        "notified_on": day,
        "effective_on": day,
        "outcome": outcome,
    } | given


@pytest.mark.parametrize(
    ("notice", "left"),
    [
        (_notice("2024-01-10"), True),
        (_notice("2024-04-22"), True),
        (_notice("2024-04-23"), False),
        (_notice("2024-01-09"), False),
        (_notice("2024-02-01", "moved"), False),
        (_notice("2024-02-01", known_at="2024-05-31 21:59:59"), True),
        (_notice("2024-02-01", known_at="2024-05-31 22:00:00"), False),
        (_notice("2024-02-01", customer_id="b"), False),
    ],
)
def test_left_is_a_voluntary_notice_from_the_day_of_the_assignment_on(
    notice: dict[str, Any], left: bool
) -> None:
    assert _followed(terminations=[notice]) == (left, False)


@pytest.mark.parametrize(
    ("treatment", "reached"),
    [
        ({"treated_at": "2024-01-09 23:30:00", "contacted": True}, True),
        ({"treated_at": "2024-01-09 22:30:00", "contacted": True}, False),
        ({"treated_at": "2024-04-22 10:00:00", "contacted": True, "arm": "holdout"}, True),
        ({"treated_at": "2024-04-23 10:00:00", "contacted": True}, False),
        ({"treated_at": "2024-02-01 10:00:00", "contacted": False}, False),
        ({"treated_at": "2024-02-01 10:00:00"}, False),
        (
            {
                "treated_at": "2024-02-01 10:00:00",
                "contacted": True,
                "known_at": "2024-05-31 22:00:00",
            },
            False,
        ),
    ],
)
def test_reached_is_a_contact_that_the_crm_told_in_time(
    treatment: dict[str, Any], reached: bool
) -> None:
    assert _followed(treatments=[treatment]) == (False, reached)


def test_an_assignment_is_of_its_list_or_of_its_own_local_day() -> None:
    listed = {"treated_at": "2024-02-03 10:00:00", "arm": "treat", "published_on": "2024-02-01"}
    alone = {"treated_at": "2024-02-03 23:30:00", "arm": "holdout", "lane": "call"}
    found = _reported(listed, alone, {"treated_at": "2024-02-04 10:00:00"})
    days = [(row["assigned_on"], row["arm"], row["lane"]) for row in found]
    assert days == [
        (date(2024, 2, 1), "treat", None),
        (date(2024, 2, 4), "holdout", "call"),
    ]


def test_a_correction_counts_from_when_it_is_known() -> None:
    first = {"treatment_id": "t", "treated_at": "2024-02-03 10:00:00", "arm": "treat"}
    told = first | {"arm": "holdout", "known_at": "2024-05-01 10:00:00"}
    later = first | {"arm": "holdout", "known_at": "2024-06-01 10:00:00"}
    assert [row["arm"] for row in _reported(first, told)] == ["holdout"]
    assert [row["arm"] for row in _reported(first, later)] == ["treat"]


def _answers(*given: tuple[str, bool | None, str | None]) -> tuple[int, float]:
    """Offers taken of calls with A4, one a customer: arm, reached, and what was answered."""
    rows = [
        {
            "treatment_id": f"t{n}",
            "treated_at": "2024-01-10 10:00",
            "action": "A4",
            "arm": arm,
            "contacted": contacted,
            "answer": answer,
        }
        for n, (arm, contacted, answer) in enumerate(given)
    ]
    other = [row | {"treatment_id": f"o{row['treatment_id']}", "action": "A6"} for row in rows]
    with connect(company(treatments=rows + other), versioned=["treatments"]) as con:
        return calls_that_tell(con, ["A4", "A11"], today=_TODAY, zone=ZONE)[0]


def test_offers_taken_are_those_of_the_reached_who_answered() -> None:
    reached, nobody = ("treat", True, "yes"), ("treat", False, None)
    assert _answers(reached, ("treat", True, "no"), nobody, nobody) == (2, 0.5 * 0.5)
    assert _answers(reached, ("treat", True, None)) == (1, 1.0), "an answer nobody wrote down"
    assert _answers(("treat", None, "undecided"), ("treat", None, "yes")) == (2, 0.5)
    assert _answers(("treat", True, None), nobody) == (0, 0.0), "answers are not reported"
    held_out = ("holdout", False, None)
    assert _answers(reached, held_out, held_out) == (1, 1.0), "the held out were not asked"
    assert _answers() == (0, 0.0)


def test_reach_is_counted_over_the_calls_by_phone_that_tell() -> None:
    rows = [
        {"treatment_id": f"t{n}", "treated_at": "2024-01-10 10:00", "channel": channel}
        | {"arm": arm, "contacted": contacted}
        for n, (channel, arm, contacted) in enumerate(
            [
                *(("phone", "treat", True), ("phone", None, False)),
                *(("phone", "treat", False), ("phone", "holdout", True)),
                *(("phone", "treat", None), ("phone", "holdout", False)),
                *(("email", "treat", True), (None, "treat", True)),
            ]
        )
    ]
    later = {"treatment_id": "u", "treated_at": "2024-06-02 10:00"}
    rows.append(later | {"channel": "phone", "arm": "treat", "contacted": True})
    with connect(company(treatments=rows), versioned=["treatments"]) as con:
        assert calls_that_tell(con, [], today=_TODAY, zone=ZONE)[1] == (4, 0.5)
    with connect(company(treatments=[]), versioned=["treatments"]) as con:
        assert calls_that_tell(con, [], today=_TODAY, zone=ZONE)[1] == (0, 0.0)
