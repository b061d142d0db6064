"""Data profiling of a loaded table: ranges, levels, categories by digest, rows alike.

Figures only: no value of a customer's text is stored.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from features.contract import TABLES, Column, Table
from pipelines.runtime.duckdb_connection import Connection, identifier
from pipelines.snapshots.profile import ColumnProfile, TableProfile
from pipelines.snapshots.unit_levels import UNKNOWN, level_of
from pipelines.sources.binding import Binding
from pipelines.sources.date_forms import local_day

MAX_VALUES = 1000
LATE_DAYS = 60
_WITHIN = 15
_WORTH_KEEPING = 0.05
_MANY = 100
_TEXT = "text"
_LAG = "approx_quantile(date_diff('second', event_at, known_at), 0.5) / 86400.0"
# Keys that only number a row; two rows that differ in nothing else may be one, sent twice.
_EVENT_KEYS = {
    table.key
    for table in TABLES.values()
    if len(table.key) == 1 and table.key[0] not in ("customer_id", "contract_id", "plan_id")
}
# Tables of people and of answers, of which nothing comes day by day.
_NO_EVENTS = ("customers", "labels")


def has_days(table: Table) -> bool:
    """Whether rows of a table tell what happened day by day: no plan, dimension or register."""
    made_up = table.planned or table.derived or table.name in _NO_EVENTS
    return table.per_customer and not made_up


def profile_table(
    connection: Connection, table: Table, bindings: Iterable[Binding], days_in: str | None
) -> TableProfile:
    """Measure the accepted rows of a loaded table; days are counted in zone ``days_in``."""
    bindings = tuple(bindings)
    given = [b for b in bindings if b.column.name != "known_at"]
    columns = [b.column for b in given]
    accepted = f"(select * from {identifier(table.name)} where _rule is null)"
    asked = ["count(*)", _LAG, _distinct(table, columns)]
    for column in columns:
        name = identifier(column.name)
        ranged = column.type != _TEXT
        asked.append(f"count({name})")
        asked += [f"cast({f}({name}) as VARCHAR)" if ranged else "null" for f in ("min", "max")]
    [row] = connection.execute(f"select {', '.join(asked)} from {accepted}").fetchall()
    rows, lag, distinct, *cells = row
    return TableProfile(
        columns={
            binding.column.name: _column(
                connection, table, binding, accepted, rows, cells[i * 3 : i * 3 + 3]
            )
            for i, binding in enumerate(given)
        },
        alike=0 if distinct is None else rows - distinct,
        days={} if days_in is None else _days(connection, accepted, days_in),
        bulk={} if len(given) == len(bindings) else _bulk_updates(connection, accepted, rows),
        lag=round(lag or 0, 3),
    )


def _distinct(table: Table, columns: list[Column]) -> str:
    """SQL that counts rows apart from their key; null where the key says what the row is of."""
    others = [identifier(c.name) for c in columns if (c.name,) != table.key]
    if table.derived or table.key not in _EVENT_KEYS or not others:
        return "null"
    return f"count(distinct hash({', '.join(others)}))"


def _column(
    connection: Connection,
    table: Table,
    binding: Binding,
    accepted: str,
    rows: int,
    cells: list[Any],
) -> ColumnProfile:
    column, (given, low, high) = binding.column, cells
    level = UNKNOWN
    measured = column.type == "integer" and column.unit == "s"
    if measured or column.type in ("money", "price", "number"):
        level = level_of(connection, accepted, column.name, table.name != "customers")
    values = {}
    if column.type == _TEXT and not column.allowed and not column.name.endswith("_id"):
        name = identifier(column.name)
        words = f"select md5({name})[:12], count(*) from {accepted} where {name} is not null"
        values = counts(connection, f"{words} group by 1 order by 2 desc, 1 limit {MAX_VALUES}")
    one_value = given >= _MANY and low == high and column.type in ("integer", "boolean")
    constant = low if one_value and binding.origin.read and has_days(table) else None
    if column.type == "boolean":
        low = high = None
    return ColumnProfile(rows - given, low, high, *level, values, constant)


def counts(connection: Connection, query: str) -> dict[str, int]:
    """The rows of a query (a text, a count) as a mapping."""
    return {str(text): int(count) for text, count in connection.execute(query).fetchall()}


def _days(connection: Connection, accepted: str, zone: str) -> dict[str, int]:
    day = f"cast({local_day('event_at', zone)} as VARCHAR)"
    return counts(connection, f"select {day}, count(*) from {accepted} group by 1 order by 1")


def _bulk_updates(connection: Connection, accepted: str, rows: int) -> dict[str, float]:
    """Bulk updates of ``known_at``: many old rows that a migration or first load touched at once.

    Until that day such rows would count for nothing at any past date. Gives ``peaks`` of the
    accepted rows known more than ``LATE_DAYS`` after their event; without a day of joining nothing
    is late.
    """
    late = connection.execute(
        f"select cast(known_at as date), count(*) from {accepted} "
        f"where known_at > event_at + interval {LATE_DAYS} day and event_at > '1970-01-01' "
        "group by 1"
    ).fetchall()
    return peaks(dict(late), rows)


def peaks(late: Mapping[date, int], rows: int) -> dict[str, float]:
    """Share of all ``rows`` that is late and known about a day, for days (UTC) that stand out.

    ``late`` counts late rows by the day they were known; 15 days about a day belong to it.

    >>> peaks({date(2024, 11, 1): 600, date(2024, 11, 4): 30, date(2023, 1, 9): 8}, 1000)
    {'2024-11-01': 0.63}
    """
    span = [timedelta(days=n) for n in range(-_WITHIN, _WITHIN + 1)]
    shares = {}
    for day, count in sorted(late.items()):
        about = [late.get(day + step, 0) for step in span]
        if count == max(about) and sum(about) >= _WORTH_KEEPING * rows:
            shares[str(day)] = round(sum(about) / rows, 6)
    return shares
