"""Data profiling of a loaded table: ranges, levels, categories by digest, rows alike.

Figures only: no value of a customer's text is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from features.contract import TABLES, Table
from pipelines.runtime.duckdb_connection import Connection, identifier
from pipelines.snapshots.unit_levels import UNKNOWN, level_of
from pipelines.sources.binding import Binding
from pipelines.sources.date_forms import local_day


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: nulls, and what can be said of its values without naming one.

    ``low`` and ``high`` are of numbers and dates. ``median`` is that of the positive numbers (to
    within 5 %); ``jump`` is the newest month's over that of the twelve months before; ``mixed`` is
    how much more of it lies a power of ten away than ever before. ``values`` counts the most
    frequent words by their digests. ``constant`` is the one value of a number or flag given for
    each of many events.
    """

    nulls: int
    low: str | None = None
    high: str | None = None
    median: float | None = None
    jump: float | None = None
    mixed: float | None = None
    values: Mapping[str, int] = field(default_factory=dict)
    constant: str | None = None


@dataclass(frozen=True, slots=True)
class OrderCount:
    """How many ``rows`` have two dates out of order, ``of`` those that have both.

    ``first`` names the first of them by file and row number.
    """

    rows: int
    of: int
    first: str = ""


@dataclass(frozen=True, slots=True)
class TableProfile:
    """One table: its columns, rows alike but for their key, and counts of what contradicts.

    ``orders`` counts rows whose dates are out of order, ``orphans`` references to rows that another
    table does not have, ``days`` rows by local day of what happened, ``lag`` is the median of the
    days until an event is known. ``bulk`` is the share of rows that became known about a day long
    after they had happened, by that day, where ``known_at`` is given.
    """

    columns: Mapping[str, ColumnProfile]
    alike: int = 0
    orders: Mapping[str, OrderCount] = field(default_factory=dict)
    orphans: Mapping[str, int] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)
    bulk: Mapping[str, float] = field(default_factory=dict)
    lag: int | float = 0.0  # an integer stays one when it is read again


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
    # Rows apart from their key; not where the key says what the row is of.
    others = [identifier(c.name) for c in columns if (c.name,) != table.key]
    keyed = table.derived or table.key not in _EVENT_KEYS or not others
    hashes = f"(select distinct hash({', '.join(others)}) from {accepted})"
    alike = "null" if keyed else f"(select count(*) from {hashes})"
    asked = ["count(*)", _LAG, alike]
    for column in columns:
        name = identifier(column.name)
        ranged = column.type != _TEXT
        asked.append(f"count({name})")
        asked += [f"cast({f}({name}) as VARCHAR)" if ranged else "null" for f in ("min", "max")]
    [row] = connection.execute(f"select {', '.join(asked)} from {accepted}").fetchall()
    rows, lag, distinct, *cells = row
    profiles, days = {}, {}
    for binding in given:
        column, (filled, low, high) = binding.column, cells[:3]
        cells, level, name = cells[3:], UNKNOWN, identifier(column.name)
        seconds = column.type == "integer" and column.unit == "s"
        if seconds or column.type in ("money", "price", "number"):
            level = level_of(connection, accepted, column.name, table.name != "customers")
        values = {}
        if column.type == _TEXT and not column.allowed and not column.name.endswith("_id"):
            words = _grouped(accepted, name, f"md5({name})[:12]")
            values = counts(connection, f"{words} order by 2 desc, 1 limit {MAX_VALUES}")
        one_value = filled >= _MANY and low == high and column.type in ("integer", "boolean")
        constant = low if one_value and binding.origin.read and has_days(table) else None
        if column.type == "boolean":
            low = high = None
        profiles[column.name] = ColumnProfile(rows - filled, low, high, *level, values, constant)
    if days_in is not None:
        day = f"cast({local_day('event_at', days_in)} as VARCHAR)"
        days = counts(connection, f"{_grouped(accepted, 'event_at', day)} order by 1")
    return TableProfile(
        columns=profiles,
        alike=0 if distinct is None else rows - distinct,
        days=days,
        bulk={} if len(given) == len(bindings) else _bulk_updates(connection, accepted, rows),
        lag=round(lag or 0, 3),
    )


def _grouped(rows: str, name: str, value: str) -> str:
    """SQL of counts by a costly ``value``, worked out once for equal cells of ``name``."""
    cells = f"select {name}, count(*) as cells from {rows} where {name} is not null group by 1"
    return f"select {value}, sum(cells) from ({cells}) group by 1"


def counts(connection: Connection, query: str) -> dict[str, int]:
    """The rows of a query (a text, a count) as a mapping."""
    return {str(text): int(count) for text, count in connection.execute(query).fetchall()}


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
