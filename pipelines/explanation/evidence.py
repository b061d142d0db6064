"""Data lineage by leave-out: the source rows without which a feature has another value.

A row is behind a number when the feature code gives another value once the row is taken away.
Where one of several rows is enough, the latest one is. The rows found give the same value alone.
They are shown as they were known at the as-of date (bitemporal view).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.catalog import Catalog
from features.contract import TABLES, Column, Table
from features.matrix import cut, derive
from features.timeline import days_later, local_day, midnight_utc
from pipelines.config.settings import Settings
from pipelines.runtime.duckdb_connection import Connection, connect, identifier, literal
from pipelines.snapshots.loading import load_table
from pipelines.snapshots.snapshot import Snapshot
from pipelines.sources.files import InputDigests, find_files

Rows = list[tuple[str, int]]

_GONE = "rows_taken_away"
_UNDATED = datetime.fromisoformat("1970-01-01")
"""The moment of a row that has none, as ``pipelines.sources.type_casting.ALWAYS``."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a table as it was known: ``key`` and ``values`` by column, nulls left out.

    ``happened_on`` is the company's own day; ``event_at`` and ``known_at`` are naive UTC.
    """

    table: str
    key: Mapping[str, Any]
    happened_on: date | None
    event_at: datetime | None
    known_at: datetime | None
    values: Mapping[str, Any]


class SourceEvidence:
    """One customer's rows, any of which can be taken away before a feature is computed.

    ``con`` holds the contract's tables of this customer and ``cohort``. Its tables are replaced
    by views on copies of the rows that were known before ``as_of``.
    """

    def __init__(
        self, con: Connection, catalog: Catalog, as_of: date, zone: str, delays: Mapping[str, int]
    ) -> None:
        self._con, self._catalog, self._as_of, self._zone = con, catalog, as_of, zone
        self._now, self._delays = midnight_utc(as_of, zone), delays
        self._copied: dict[str, list[tuple[str, int]]] = {}
        con.execute("set threads = 1")
        con.execute(f"create temp table {_GONE} (_table varchar, _row bigint)")

    def behind(self, name: str) -> tuple[SourceRow, ...]:
        """The rows behind a feature or fact, latest first within a table.

        None where it is what no row means, or where the company's tables do not carry it.
        """
        if all(feature.name != name for feature in self._catalog.features):
            return ()
        alone = self._catalog.only([name])
        tables = dict.fromkeys(t for s in alone.streams for t in (*s.reads, *s.optional))
        rows = [row for table in tables for row in self._rows(table)]
        whole = self._value(alone, [])
        found: Rows = []
        while more := self._needed(alone, [row for row in rows if row not in found], whole, []):
            found += more
        return tuple(self._source_row(*row) for row in sorted(found, key=rows.index))

    def _value(self, alone: Catalog, without: Rows) -> Any:
        """The value of the one feature of ``alone`` when these rows do not exist."""
        self._con.execute(f"delete from {_GONE}")
        if without:
            values = ", ".join(f"({literal(table)}, {number})" for table, number in without)
            self._con.execute(f"insert into {_GONE} values {values}")
        derive(self._con, alone)
        [row] = cut(self._con, alone, self._as_of, self._zone).to_pylist()
        return row[alone.features[0].name]

    def _needed(self, alone: Catalog, rows: Rows, whole: Any, gone: Rows) -> Rows:
        """Those of ``rows`` without which the value is another, when ``gone`` are away already.

        Where any of two halves will do, those of the first, which are the later ones.
        """
        if not rows or self._value(alone, [*gone, *rows]) == whole:
            return []
        if len(rows) == 1:
            return rows
        first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        found = [row for half in (first, second) for row in self._needed(alone, half, whole, gone)]
        return found or self._needed(alone, first, whole, [*gone, *second])

    def _rows(self, table: str) -> Rows:
        """The rows of a table, latest first; from then on a view leaves out those taken away."""
        if table in self._copied:
            return self._copied[table]
        name, copy = identifier(table), identifier(f"copied_{table}")
        self._con.execute(
            f"create temp table {copy} as select *, row_number() over (order by event_at desc) "
            f"as _row from {name} where coalesce(event_at < ?, true) and "
            "coalesce(known_at < ?, true)",
            [self._now, self._now],
        )
        tables = "select 1 from duckdb_tables() where temporary and table_name = ?"
        kind = "table" if self._con.execute(tables, [table]).fetchall() else "view"
        self._con.execute(
            f"drop {kind} {name}; create temp view {name} as select * exclude (_row) from {copy} "
            f"where _row not in (select _row from {_GONE} where _table = {literal(table)})"
        )
        numbers = self._con.sql(f"select _row from {copy} order by _row").fetchall()
        return self._copied.setdefault(table, [(table, number) for (number,) in numbers])

    def _source_row(self, table: str, number: int) -> SourceRow:
        copy = identifier(f"copied_{table}")
        found = self._con.sql(f"select * from {copy} where _row = {number}")
        [row] = found.to_arrow_table().to_pylist()
        return as_known(TABLES[table], row, self._now, self._zone, self._delays.get(table, 0))


def register_row(settings: Settings, snapshot: Snapshot, customer: str) -> dict[str, Any]:
    """``file`` and ``row`` of the customer in the register's files.

    Empty where they are not the ones that the snapshot was made from, or where it is no file.
    """
    if settings.sources["customers"].database is not None:
        return {}
    inputs = find_files(settings, "customers")
    digests = InputDigests(settings.paths.digests, {"customers": inputs})
    if not digests.found.items() <= snapshot.inputs.items():
        return {}
    with TemporaryDirectory() as folder, connect(settings.engine, Path(folder)) as con:
        table = TABLES["customers"]
        loaded = load_table(con, settings, table, inputs, Path(folder), None, customers_known=False)
        query = "select _file, _row from customers where customer_id = ? and _rule is null"
        found = con.execute(query, [customer]).fetchone()
    return {} if found is None else {"file": loaded.files[found[0]].name, "row": found[1]}


def as_known(
    table: Table, row: Mapping[str, Any], now: datetime, zone: str, delay_days: int
) -> SourceRow:
    """The ``row`` (every column, ``event_at``, ``known_at``) as it was known before ``now`` (UTC).

    A value is left out until the moment that reveals it, and ``delay_days`` more, are over: a
    later one would explain the score by what nobody could know.
    """

    def revealed(column: Column) -> bool:
        if column.revealed_by is None:
            return True
        moment = row[column.revealed_by]
        if moment is None:
            return column.at_once
        if not isinstance(moment, datetime):
            moment = midnight_utc(moment, zone)
        return bool(days_later(moment, delay_days, zone) < now)

    key = [name for name in table.key if name != "customer_id"]
    shown = {column.name for column in table.columns if revealed(column)}
    shown |= {name for name in row if name.startswith("attr_")}
    shown -= {"customer_id", *key}
    happened, known = (at if at != _UNDATED else None for at in (row["event_at"], row["known_at"]))
    return SourceRow(
        table.name,
        {name: row[name] for name in key},
        happened and local_day(happened, zone),
        happened,
        known,
        {n: v for n, v in row.items() if n in shown and v is not None},
    )
