"""A company's tables as they were on an earlier day, and as they will be told later."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
from companies import AT_ONCE, ZONE, Delays

from features.contract import TABLES, Table
from features.timeline import midnight_utc

# What a row says until the moment comes that reveals the value; null where nothing is named.
UNTIL_THEN = {"failed": "false", "status": "'missing'"}


def truncate(tables: Path, into: Path, day: date, delays: Delays = AT_ONCE) -> tuple[int, int]:
    """Leave out what had not happened, was not known or not revealed; count rows and values.

    ``delays`` hold for the moments in a table and, where it has no ``known_at``, for its rows.
    """
    into.mkdir(parents=True)
    removed = hidden = 0
    with duckdb.connect() as con:
        for source in sorted(tables.glob("*.parquet")):
            columns = columns_of(con, source)
            table, delay = TABLES[source.stem], delays.get(source.stem, 0)
            own = 0 if "known_at" in columns else delay
            future = " and ".join(
                f"({name} is null or {later_than(table, name, day, own)})"
                for name in table.event_at
            )
            known = f"known_at >= {instant(day)}" if "known_at" in columns else "false"
            kept = f"from '{source}' where not coalesce(({future}) or {known}, false)"
            masks = {
                column.name: later_than(table, column.revealed_by, day, delay)
                for column in table.columns
                if column.revealed_by in columns
            }
            chosen = (
                f"case when {masks[name]} then {UNTIL_THEN.get(name, 'null')} else {name} end "
                f"as {name}"
                if name in masks
                else name
                for name in columns
            )
            con.execute(
                f"copy (select {', '.join(chosen)} {kept}) to '{into / source.name}' "
                "(format parquet)"
            )
            removed += count(con, f"from '{source}'") - count(con, kept)
            hidden += sum(count(con, f"{kept} and {mask}") for mask in masks.values())
    return removed, hidden


def tell_late(tables: Path, into: Path, day: date) -> int:
    """Repeat every row that happened before ``day`` as one that became known a day after it."""
    shutil.copytree(tables, into)
    told = 0
    with duckdb.connect() as con:
        for source in sorted(tables.glob("*.parquet")):
            columns = columns_of(con, source)
            if "known_at" not in columns:
                continue
            table = TABLES[source.stem]
            key, happened = table.key[0], table.event_at[0]
            late = {key: f"{key} || '-late'", "known_at": f"{instant(day)} + interval 1 day"}
            chosen = ", ".join(f"{late.get(name, name)} as {name}" for name in columns)
            before = f"from '{source}' where not {later_than(table, happened, day)}"
            con.execute(
                f"copy (from '{source}' union all by name select {chosen} {before}) "
                f"to '{into / source.name}' (format parquet)"
            )
            told += count(con, before)
    return told


def overwrite(tables: Path, name: str, column: str, value: str) -> int:
    """Add a version of every third row, known 20 days after the first, with another value."""
    with duckdb.connect() as con:
        source, table = tables / f"{name}.parquet", TABLES[name]
        key, happened = table.key[0], table.event_at[0]
        first = f"from '{source}' where hash({key}) % 3 = 0 and not contains({key}, '-late')"
        later = f"coalesce(known_at, cast({happened} as timestamp)) + interval 20 day"
        con.execute(
            f"copy (from '{source}' union all by name "
            f"select * replace ('{value}' as {column}, {later} as known_at) {first}) "
            f"to '{source}' (format parquet)"
        )
        return count(con, first)


def columns_of(con: duckdb.DuckDBPyConnection, source: Path) -> list[str]:
    return [row[0] for row in con.execute(f"describe from '{source}'").fetchall()]


def count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    return con.execute(f"select count(*) {rows}").fetchone()[0]


def instant(day: date) -> str:
    return f"timestamp '{midnight_utc(day, ZONE)}'"


def later_than(table: Table, name: str, day: date, delay: int = 0) -> str:
    moment = name
    if table.column(name).type == "date":
        moment = f"timezone('UTC', timezone('{ZONE}', cast({name} as timestamp)))"
    local = f"timezone('{ZONE}', timezone('UTC', {moment})) + interval {delay} day"
    return f"timezone('UTC', timezone('{ZONE}', {local})) >= {instant(day)}"
