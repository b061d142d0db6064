"""Small companies as plain rows, and their matrices.

A company maps a table's name to its rows; a row has every column of the contract, ``event_at``
and ``known_at``. Days and instants may be given as ISO text; instants are naive UTC.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from features import matrix
from features.catalog import Catalog, build_catalog
from features.contract import DUCKDB_TYPES, TABLES, ColumnType
from features.labels import make_cohort
from features.timeline import midnight_utc

Row = dict[str, Any]
Company = dict[str, list[Row]]
Delays = Mapping[str, int]

AT_ONCE: Delays = MappingProxyType({})
Histories = Mapping[str, date]
WHOLE: Histories = MappingProxyType({})

ZONE = "Europe/Oslo"
FULL = build_catalog(TABLES)
VERSIONED = tuple(table.name for table in TABLES.values() if table.versions)

ARROW_TYPES: Mapping[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "money": pa.int64(),
    "price": pa.decimal128(18, 6),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us"),
}


def company(zone: str = ZONE, **tables: Sequence[Mapping[str, Any]]) -> Company:
    """Complete the rows given by table; a table that is not named does not exist."""
    return {
        name: [complete(name, row, number, zone) for number, row in enumerate(rows)]
        for name, rows in tables.items()
    }


def complete(table: str, given: Mapping[str, Any], number: int = 0, zone: str = ZONE) -> Row:
    """One row with every column of the contract: customer ``a`` and a numbered key by default."""
    contract = TABLES[table]
    defaults: Row = dict.fromkeys(contract.key, f"{table}{number}") | {"customer_id": "a"}
    row = {
        column.name: _value(column.type, given.get(column.name, defaults.get(column.name)))
        for column in contract.columns
    }
    happened = [_instant(row[name], zone) for name in contract.event_at if row[name] is not None]
    event_at = min(happened, default=None)
    known_at = _value("instant", given.get("known_at"))
    moments = [moment for moment in (event_at, known_at) if moment is not None]
    unknown = set(given) - set(row) - {"known_at"}
    assert not unknown, f"{table} has no column {unknown}"
    return row | {"event_at": event_at, "known_at": max(moments, default=None)}


def connect(
    rows: Company,
    zone: str = ZONE,
    threads: int = 1,
    delays: Delays = AT_ONCE,
    versioned: Collection[str] = (),
    histories: Histories = WHOLE,
    first: date | None = None,
) -> duckdb.DuckDBPyConnection:
    """A database with the company's tables, ready for ``derive`` and ``make_cohort``.

    ``delays`` hold for moments that reveal values; a row's own is in its ``known_at``.
    """
    con = _database(threads).cursor()
    for name, table in rows.items():
        columns = TABLES[name].columns
        fields = [pa.field(column.name, ARROW_TYPES[column.type]) for column in columns]
        fields += [pa.field(name, pa.timestamp("us")) for name in ("event_at", "known_at")]
        con.register("given", pa.Table.from_pylist(table, schema=pa.schema(fields)))
        typed = ", ".join(f'"{column.name}" {DUCKDB_TYPES[column.type]}' for column in columns)
        con.execute(f"create temp table {name} ({typed}, event_at timestamp, known_at timestamp)")
        con.execute(f"insert into {name} select * from given")
        con.unregister("given")
    matrix.prepare(con, tuple(rows), zone, delays, versioned, histories, first)
    return con


def matrices(
    rows: Company,
    as_of: Iterable[date],
    *,
    catalog: Catalog = FULL,
    zone: str = ZONE,
    threads: int = 1,
    everyone: bool = False,
    delays: Delays = AT_ONCE,
    versioned: Collection[str] = VERSIONED,
    histories: Histories = WHOLE,
    first: date | None = None,
) -> list[pa.Table]:
    """The matrix at each as-of date, of the cohort or of everyone who has a row anywhere."""
    with connect(rows, zone, threads, delays, versioned, histories, first) as con:
        matrix.derive(con, catalog)
        tables = []
        for day in as_of:
            if everyone:
                ids = pa.table({"customer_id": sorted(customers(rows))})
                con.register("ids", ids)
                con.execute(
                    "create or replace temp table cohort as "
                    "select customer_id, cast(null as varchar) as product_line from ids"
                )
            else:
                make_cohort(con, tuple(rows), day, zone)
            tables.append(matrix.cut(con, catalog, day, zone))
    return tables


def cells(
    rows: Company,
    as_of: str,
    *names: str,
    zone: str = ZONE,
    customer: str = "a",
    delays: Delays = AT_ONCE,
    catalog: Catalog = FULL,
    histories: Histories = WHOLE,
) -> Any:
    """The value of one feature, or the tuple of several, for one customer."""
    catalog = catalog.only(names)
    assert {feature.name for feature in catalog.features} == set(names), "no such feature"
    [table] = matrices(
        rows,
        [date.fromisoformat(as_of)],
        catalog=catalog,
        zone=zone,
        everyone=True,
        delays=delays,
        histories=histories,
    )
    [row] = [row for row in table.to_pylist() if row["customer_id"] == customer]
    values = tuple(row[name] for name in names)
    return values[0] if len(values) == 1 else values


def customers(rows: Company) -> set[str]:
    """Everyone who has a row in any table."""
    return {row["customer_id"] for table in rows.values() for row in table if "customer_id" in row}


@cache
def _database(threads: int) -> duckdb.DuckDBPyConnection:
    """One per process: each cursor has temp tables of its own, and a database takes 20 ms."""
    return duckdb.connect(config={"threads": threads})


def _instant(moment: date | datetime, zone: str) -> datetime:
    return moment if isinstance(moment, datetime) else midnight_utc(moment, zone)


def _value(kind: ColumnType, value: Any) -> Any:
    if kind == "price" and value is not None:
        return Decimal(str(value))
    if isinstance(value, str) and kind == "date":
        return date.fromisoformat(value)
    if isinstance(value, str) and kind == "instant":
        return datetime.fromisoformat(value)
    return value
