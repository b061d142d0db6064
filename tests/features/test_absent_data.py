"""What a company does not give is never taken for something that happened, or that did not.

One random company is read whole, and once without each optional column and table, every time
under other customers' names. What the catalogue keeps without a column says what the whole company
says, or that it is not known; what it leaves out would have said otherwise.
"""

import math
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from companies import FULL, ZONE, Company, company, connect
from random_companies import STEPS, grid_day, random_company

from features import matrix
from features.catalog import build_catalog
from features.contract import TABLES

_CUSTOMERS = 120
_AS_OF = grid_day(STEPS * 3 // 4)
_WHOLE = "whole"
_GIVEN = [table for table in TABLES.values() if table.name != "labels"]

# What their absence means, the contract says: no contract has ended, bills are compared in series,
# a payment pays the whole invoice, the value was there at once.
_MEANT = {"terminations", "invoices.contract_id", "payments.amount"} | {
    f"{table.name}.{column.revealed_by}"
    for table in _GIVEN
    for column in table.columns
    if column.at_once
}
_COLUMNS = [f"{table.name}.{c.name}" for table in _GIVEN for c in table.columns if not c.required]
_OPTIONAL = [*_COLUMNS, *(table.name for table in _GIVEN if not table.required)]
_LEFT_OUT = [name for name in _OPTIONAL if name not in _MEANT]

Cells = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def omissions() -> dict[str, Cells]:
    """The cells of each telling of the company, by customer and feature."""
    rows = random_company(5, _CUSTOMERS)
    history = {r["customer_id"] for r in rows["master_data"] if r["attribute"] == "segment"}
    for row in rows["customers"]:
        if row["customer_id"] in history:  # either static or with a history, says the contract
            row["segment"] = None
    own = [name for name in _LEFT_OUT if TABLES[name.partition(".")[0]].per_customer]
    found = _cells(rows, [_WHOLE, *own])
    for name in set(_LEFT_OUT) - set(own):
        table, _, column = name.partition(".")
        left = [row | {column: None} for row in rows[table]] if column else []
        found |= _cells(rows | {table: left}, [name])
    return found


def _cells(rows: Company, tellings: list[str]) -> dict[str, Cells]:
    names = ", ".join(f"('{name}')" for name in tellings)
    with connect(rows) as con:
        for table in (table for table in _GIVEN if table.per_customer):
            hidden = [
                f"case when telling <> '{table.name}.{column.name}' then {column.name} end "
                f"as {column.name}"
                for column in table.columns
                if f"{table.name}.{column.name}" in tellings
            ]
            replaced = ", ".join(["telling || '/' || customer_id as customer_id", *hidden])
            con.execute(
                f"create or replace temp table {table.name} as "
                f"select * exclude telling replace ({replaced}) from {table.name} "
                f"cross join (values {names}) omissions(telling) where telling <> '{table.name}'"
            )
        con.execute(
            "create or replace temp table cohort as "
            "select customer_id, cast(null as varchar) as product_line from customers"
        )
        matrix.derive(con, FULL)
        found: dict[str, Cells] = {}
        for row in matrix.cut(con, FULL, _AS_OF, ZONE).to_pylist():
            telling, _, customer = row["customer_id"].partition("/")
            found.setdefault(telling, {})[customer] = row
    return found


def _pairs(omissions: dict[str, Cells], name: str, feature: str) -> Iterator[tuple[Any, Any]]:
    """What each customer's cell says without a column or table, and with it."""
    for customer, row in omissions[name].items():
        yield row[feature], omissions[_WHOLE][customer][feature]


def _says_otherwise(cell: Any, whole: Any) -> bool:
    if isinstance(cell, float) and whole is not None:
        return not math.isclose(cell, whole, rel_tol=1e-6, abs_tol=1e-5)
    return cell is not None and bool(cell != whole)


def _features_without(name: str) -> set[str]:
    tables = set(TABLES) - {name}
    return {feature.name for feature in build_catalog(tables, absent=[name]).features}


@pytest.mark.parametrize("name", _LEFT_OUT)
def test_what_is_kept_says_what_the_whole_company_says(
    omissions: dict[str, Cells], name: str
) -> None:
    kept = _features_without(name)
    wrong = [f for f in kept if any(_says_otherwise(*pair) for pair in _pairs(omissions, name, f))]
    assert not wrong, "taken for something that happened, or that did not"
    empty = [f for f in kept if all(cell is None for cell, _ in _pairs(omissions, name, f))]
    assert not [
        f for f in empty if any(whole is not None for _, whole in _pairs(omissions, name, f))
    ]


@pytest.mark.parametrize("name", [name for name in _COLUMNS if name not in _MEANT])
def test_no_driver_is_left_out_that_would_be_the_same(
    omissions: dict[str, Cells], name: str
) -> None:
    kept, moved, same = _features_without(name), set(), set()
    for feature in FULL.features:
        if feature.stream and feature.name not in kept:
            pairs = _pairs(omissions, name, feature.name)
            (same if all(cell == whole for cell, whole in pairs) else moved).add(feature.driver)
    assert not same - moved


def _before_history(as_of: str) -> list[tuple[Any, ...]]:
    """Contacts and complaints begin on 1 March, messages on the 20th; a fault was on the 10th."""
    call = {"direction": "inbound", "started_at": "2024-03-05 12:00:00"}
    fault = {"started_at": "2024-03-10 08:00:00", "ended_at": "2024-03-10 10:00:00"}
    begins = {name: date(2024, 3, 1) for name in ("contacts", "complaints")}
    begins["notifications"] = date(2024, 3, 20)
    catalog = FULL.only(_WINDOWED)
    with connect(company(contacts=[call], incidents=[fault])) as con:
        con.execute(
            "create or replace temp table cohort as select unnest(['a', 'b']) as "
            "customer_id, 'x' as product_line"
        )
        matrix.derive(con, catalog)
        table = matrix.cut(con, catalog, date.fromisoformat(as_of), ZONE, begins)
    return [tuple(row[name] for name in _WINDOWED) for row in table.to_pylist()]


_WINDOWED = (
    *("contacts_30d", "contacts_90d", "days_since_contact"),
    *("outage_hours_30d", "uninformed_incidents_30d", "complaint_x_uninformed"),
)


def test_a_window_that_opens_before_a_tables_history_is_unknown() -> None:
    """What was purged is no silence; what has no window is still known, and so are other tables."""
    assert _before_history("2024-03-30") == [
        (None, None, 25, 2, None, None),
        (None, None, None, 0, None, None),
    ]
    assert _before_history("2024-03-31") == [
        (1, None, 26, 2, None, None),
        (0, None, None, 0, None, None),
    ]
    assert _before_history("2024-04-19")[0][4] == 0, "the fault of the 10th is before the window"
