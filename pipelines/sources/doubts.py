"""Doubts about a whole table: what no single row shows, and what a mapping has to say.

Ids that lost digits, thousands signs read as decimal signs, days read as months. Such a table is
refused, because the rows that look right may be wrong as well.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import duckdb

from features.contract import Table
from features.errors import ContractError
from pipelines.config.sources import Dialect
from pipelines.runtime.duckdb_connection import identifier, literal
from pipelines.sources.binding import Binding
from pipelines.sources.date_forms import local_day
from pipelines.sources.forms import TEXT
from pipelines.sources.number_forms import THREE_DECIMALS
from pipelines.sources.parsing import DIGITS_LOST
from pipelines.sources.readable_part import Part
from pipelines.sources.type_casting import SKIPPED

_FEWEST_DAYS = 3
_MAX_LISTED = 3
_SWAPPED = {"%d": "%m", "%m": "%d"}


def settle_doubts(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    bindings: Sequence[Binding],
    parts: Sequence[Part],
    dialect: Dialect,
    zone: str,
    limit: datetime | None,
) -> list[ContractError]:
    """Why a loaded table is refused as a whole; where a doubt is cleared, its rows are accepted.

    ``limit`` is the naive UTC instant after which nothing has happened yet.
    """
    found = [*_lost_digits(connection, table, bindings, parts)]
    found += _thousands(connection, table, bindings, parts, dialect)
    found += _days_for_months(connection, table, bindings, parts, dialect, zone, limit)
    return found


def _lost_digits(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    bindings: Sequence[Binding],
    parts: Sequence[Part],
) -> Iterator[ContractError]:
    for binding in bindings:
        where = _where(connection, table, f"{binding.column.name}: {DIGITS_LOST}", parts)
        if where:
            yield ContractError(
                f"{_place(table, binding)} is written as a floating-point number (4.1E+11), so "
                f"that keys have lost digits and several would become one: {where}. Export it as "
                "text; in a spreadsheet, format the column as text before the keys are put in"
            )


def _thousands(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    bindings: Sequence[Binding],
    parts: Sequence[Part],
    dialect: Dialect,
) -> Iterator[ContractError]:
    name = identifier(table.name)
    [(decimals,)] = connection.execute(
        f"select coalesce(bool_or(_decimals), false) from {name}"
    ).fetchall()
    if decimals:
        connection.execute(f"update {name} set _rule = null where _rule = _doubt")
        return
    for binding in bindings:
        where = _where(connection, table, f"{binding.column.name}: {THREE_DECIMALS}", parts)
        if where:
            sign, other = dialect.decimal, "," if dialect.decimal == "." else "."
            if any(part.columns[name] != TEXT for part in parts for name in binding.origin.read):
                yield ContractError(
                    f"{_place(table, binding)} has no fraction but of three decimals, as when a "
                    f"program has read 1.005 for 1005: {where}. If so, mend where the text was "
                    "read; if these are decimals, declare "
                    f"sources.{table.name}.dialect: {{thousands: '{other}'}}"
                )
                continue
            yield ContractError(
                f"{_place(table, binding)} has no fraction but of three digits after {sign!r}: "
                f"{where}. If {sign!r} parts thousands, declare sources.{table.name}.dialect: "
                f"{{decimal: '{other}', thousands: '{sign}'}}; if these are decimals, declare "
                f"thousands: '{other}'"
            )


def _days_for_months(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    bindings: Sequence[Binding],
    parts: Sequence[Part],
    dialect: Dialect,
    zone: str,
    limit: datetime | None,
) -> Iterator[ContractError]:
    """Dates that keep to days 1 to 12 of a few months, and read otherwise keep to a day.

    The firsts of months, month and day exchanged, are the first twelve days of January.
    """
    for binding in bindings:
        kind, read = binding.column.type, binding.origin.read
        if kind not in ("date", "instant") or binding.as_days or not read:
            continue
        form = dialect.date if kind == "date" else dialect.instant
        if not _may_be_exchanged(form) or any(p.columns[n] != TEXT for p in parts for n in read):
            continue
        value = identifier(binding.column.name)
        value = local_day(value, zone) if kind == "instant" else value
        # With day and month exchanged nothing of a customer's can lie ahead.
        feasible = "true"
        if limit is not None and table.per_customer:
            feasible = f"coalesce(max(other) < DATE {literal(limit.date())}, true)"
        [(days, months, latest, may_be)] = connection.execute(
            f"""with found as (
                select distinct {value} as d from {identifier(table.name)}
                where {value} is not null and _rule is distinct from {literal(SKIPPED)}),
            exchanged as (
                select d, make_date(year(d), least(day(d), 12), month(d)) as other from found)
            select count(distinct day(d)), count(distinct month(d)), max(day(d)), {feasible}
            from exchanged"""
        ).fetchall()
        if days < _FEWEST_DAYS or latest > 12 or days < _FEWEST_DAYS * months or not may_be:
            continue
        other = _exchanged(form)
        yield ContractError(
            f"{_place(table, binding)} has dates on the first twelve days of {months} month"
            f"{'s' * (months > 1)} of the year only, as when day and month are exchanged: declared "
            f"{kind} {form!r}. If the day comes {'second' if _day_first(form) else 'first'} in the "
            f"file, declare sources.{table.name}.dialect: {{{kind}: '{other}'}}; if it is right, "
            "export it as YYYY-MM-DD, which cannot be mistaken"
        )


def _may_be_exchanged(form: str) -> bool:
    """Whether people write this form in both orders: numbers, year last, not day.month.

    >>> _may_be_exchanged("%m/%d/%Y"), _may_be_exchanged("%d.%m.%Y"), _may_be_exchanged("%Y-%m-%d")
    (True, False, False)
    """
    start = form[:5]
    return len(start) == 5 and {start[:2], start[3:]} == {"%d", "%m"} and start != "%d.%m"


def _day_first(form: str) -> bool:
    return form.startswith("%d")


def _exchanged(form: str) -> str:
    return f"{_SWAPPED[form[:2]]}{form[2]}{_SWAPPED[form[3:5]]}{form[5:]}"


def _where(
    connection: duckdb.DuckDBPyConnection, table: Table, rule: str, parts: Sequence[Part]
) -> str:
    """How many rows broke a rule, and the first of them; nothing when none did."""
    rows = connection.execute(
        f"select _file, _row, count(*) over () from {identifier(table.name)} where _rule = ? "
        f"order by _file, _row limit {_MAX_LISTED}",
        [rule],
    ).fetchall()
    if not rows:
        return ""
    file, _, count = rows[0]
    named = ", ".join(str(row) for other, row, _ in rows if other == file)
    return f"{count:,} rows, first in {parts[file].name} rows {named}"


def _place(table: Table, binding: Binding) -> str:
    read = " with ".join(map(repr, binding.origin.read))
    return f"{table.name}: {read} (for {binding.column.name})"
