"""Cohort, outcome and censoring, checked by hand.

Seen from 1 January 2024 with a lead of 14 days and a horizon of 90, a notice counts from
15 January to 13 April.
"""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from companies import ZONE, Company, company, connect

from features.labels import endings, make_cohort, outcomes
from features.timeline import LabelWindow

_AS_OF, _TODAY = date(2024, 1, 1), date(2024, 4, 14)
_WINDOW = LabelWindow(lead_days=14, horizon_days=90)


def _contract(name: str = "k", **given: Any) -> dict[str, Any]:
    contract = {"contract_id": name, "product_line": "electricity", "started_on": "2023-01-01"}
    return contract | given


def _end(on: str, name: str = "k", outcome: str = "voluntary", **given: Any) -> dict[str, Any]:
    effective = {"effective_on": "2024-12-31", "outcome": outcome}
    return {"contract_id": name, "notified_on": on} | effective | given


def _cohort(rows: Company, as_of: date = _AS_OF) -> list[tuple[str, str | None]]:
    with connect(rows) as con:
        make_cohort(con, tuple(rows), as_of, ZONE)
        return con.sql("select * from cohort order by all").fetchall()


def _outcomes(rows: Company, today: date = _TODAY) -> list[tuple[str, int | None]]:
    table = _table(rows, today)
    return list(zip(table["outcome"].to_pylist(), table["label"].to_pylist(), strict=True))


def _table(rows: Company, today: date) -> pa.Table:
    with connect(rows) as con:
        make_cohort(con, tuple(rows), _AS_OF, ZONE)
        return outcomes(
            con, tables=tuple(rows), as_of=_AS_OF, window=_WINDOW, today=today, zone=ZONE
        )


@pytest.mark.parametrize(
    ("started_on", "known_at", "inside"),
    [
        ("2023-12-31", None, True),
        ("2024-01-01", None, False),
        ("2023-12-31", "2023-12-31 22:59:59", True),
        ("2023-12-31", "2023-12-31 23:00:00", False),
    ],
)
def test_a_contract_is_held_once_it_has_started_and_is_known(
    started_on: str, known_at: str | None, inside: bool
) -> None:
    rows = company(contracts=[_contract(started_on=started_on, known_at=known_at)])
    assert _cohort(rows) == ([("a", "electricity")] if inside else [])


@pytest.mark.parametrize(
    ("notified_on", "known_at", "inside"),
    [
        ("2023-12-31", None, False),
        ("2024-01-01", None, True),
        ("2023-12-01", "2024-01-02 10:00:00", True),
    ],
)
def test_a_known_notice_ends_the_cohort_before_the_contract_ends(
    notified_on: str, known_at: str | None, inside: bool
) -> None:
    rows = company(contracts=[_contract()], terminations=[_end(notified_on, known_at=known_at)])
    assert bool(_cohort(rows)) == inside


def test_the_line_is_that_of_the_contract_held_longest() -> None:
    contracts = [
        _contract("new", product_line="broadband", started_on="2023-06-01"),
        _contract("old", product_line="insurance", started_on="2020-06-01"),
        _contract("ended", product_line="telephony", started_on="2010-06-01"),
    ]
    rows = company(contracts=contracts, terminations=[_end("2023-01-01", "ended")])
    assert _cohort(rows) == [("a", "insurance")]


def test_without_contracts_everyone_who_had_joined() -> None:
    customers = [
        {"customer_id": "joined", "joined_on": "2023-12-31"},
        {"customer_id": "unknown"},
        {"customer_id": "later", "joined_on": "2024-01-01"},
    ]
    assert _cohort(company(customers=customers)) == [("joined", None), ("unknown", None)]


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("notified_on", "outcome", "label"),
    [
        ("2024-01-01", "left_before_window", None),
        ("2024-01-14", "left_before_window", None),
        ("2024-01-15", "voluntary", 1),
        ("2024-04-13", "voluntary", 1),
        ("2024-04-14", "stayed", 0),
    ],
)
def test_the_window_is_half_open_after_the_lead(
    notified_on: str, outcome: str, label: int | None
) -> None:
    rows = company(contracts=[_contract()], terminations=[_end(notified_on)])
    assert _outcomes(rows, date(2024, 5, 1)) == [(outcome, label)]


@pytest.mark.parametrize("outcome", ["moved", "deceased", "end_of_supply", "company"])
def test_an_outcome_that_competes_is_no_label(outcome: str) -> None:
    for day in ("2024-01-02", "2024-02-01"):
        rows = company(contracts=[_contract()], terminations=[_end(day, outcome=outcome)])
        assert _outcomes(rows) == [(outcome, None)]


@pytest.mark.parametrize(
    ("ends", "outcome", "label"),
    [
        ([_end("2024-02-01", "k")], "voluntary", 1),
        ([_end("2024-02-01", "k", "moved")], "stayed", 0),
        ([_end("2024-02-01", "k", "moved"), _end("2024-03-01", "m", "company")], "company", None),
        ([_end("2024-02-01", "k", "moved"), _end("2024-03-01", "m")], "voluntary", 1),
        ([_end("2024-01-10", "k"), _end("2024-03-01", "m")], "left_before_window", None),
        ([_end("2024-01-10", "k", "moved"), _end("2024-03-01", "m")], "voluntary", 1),
    ],
)
def test_two_contracts(ends: list[dict[str, Any]], outcome: str, label: int | None) -> None:
    rows = company(contracts=[_contract("k"), _contract("m")], terminations=ends)
    assert _outcomes(rows) == [(outcome, label)]


@pytest.mark.parametrize(
    ("known_at", "outcome"),
    [("2024-04-13 21:59:59", "voluntary"), ("2024-04-13 22:00:00", "stayed")],
)
def test_only_what_is_known_before_today_counts(known_at: str, outcome: str) -> None:
    rows = company(contracts=[_contract()], terminations=[_end("2024-02-01", known_at=known_at)])
    assert [found for found, _ in _outcomes(rows)] == [outcome]


def test_a_notice_before_the_as_of_date_and_known_after_it_left_before_the_window() -> None:
    rows = company(
        contracts=[_contract()], terminations=[_end("2023-12-20", known_at="2024-01-05")]
    )
    assert _outcomes(rows) == [("left_before_window", None)]


def test_a_contract_of_another_customer_ends_nothing() -> None:
    end = _end("2024-02-01", customer_id="b")
    assert _outcomes(company(contracts=[_contract()], terminations=[end])) == [("stayed", 0)]


@pytest.mark.fault(41)
def test_a_window_that_is_still_open_has_no_outcome() -> None:
    rows = company(contracts=[_contract()])
    assert _outcomes(rows) == [("stayed", 0)]
    assert _outcomes(rows, date(2024, 4, 13)) == [(None, None)]


def _ended(rows: Company, today: date = _TODAY) -> list[tuple[date | None, str | None]]:
    with connect(rows) as con:
        make_cohort(con, tuple(rows), _AS_OF, ZONE)
        table = endings(con, today=today, zone=ZONE)
    return list(zip(table["ended_on"].to_pylist(), table["cause"].to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        ([], (None, None)),
        ([_end("2024-02-01", "k", "moved")], (None, None)),
        ([_end("2024-02-01", "k")], (date(2024, 2, 1), "voluntary")),
        (
            [_end("2024-02-01", "k", "moved"), _end("2024-03-01", "m", "company")],
            (date(2024, 3, 1), "company"),
        ),
        (
            [_end("2024-02-01", "k", "moved"), _end("2024-03-01", "m")],
            (date(2024, 3, 1), "voluntary"),
        ),
        ([_end("2024-03-05", "k"), _end("2024-03-01", "m")], (date(2024, 3, 1), "voluntary")),
        ([_end("2023-12-20", "k", known_at="2024-01-05")], (date(2023, 12, 20), "voluntary")),
        ([_end("2024-02-01", "k", known_at="2024-04-13 22:00:00")], (None, None)),
    ],
)
def test_the_end_has_a_day_and_a_cause(
    ends: list[dict[str, Any]], found: tuple[date | None, str | None]
) -> None:
    rows = company(contracts=[_contract("k"), _contract("m")], terminations=ends)
    assert _ended(rows) == [found]


def test_an_end_needs_no_complete_window() -> None:
    rows = company(contracts=[_contract()], terminations=[_end("2024-01-20")])
    assert _ended(rows, date(2024, 1, 20)) == [(None, None)]
    assert _ended(rows, date(2024, 1, 21)) == [(date(2024, 1, 20), "voluntary")]


def test_labels_given_ready_made() -> None:
    customers = [{"customer_id": name} for name in ("left", "stays", "unlabelled")]
    given = [
        {"customer_id": "left", "as_of": "2024-01-01", "churned": True},
        {"customer_id": "stays", "as_of": "2024-01-01", "churned": False},
        {"customer_id": "stays", "as_of": "2023-01-01", "churned": True},
        {"customer_id": "nobody", "as_of": "2024-01-01", "churned": True},
    ]
    table = _table(company(customers=customers, labels=given), date(2024, 1, 2))
    assert table.drop_columns(["ended_on", "cause"]).to_pylist() == [
        {"customer_id": "left", "outcome": "voluntary", "label": 1},
        {"customer_id": "stays", "outcome": "stayed", "label": 0},
        {"customer_id": "unlabelled", "outcome": None, "label": None},
    ]
    assert table.schema.field("label").type == pa.int8()
