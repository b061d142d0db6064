"""Holds each month's rows until nothing more can happen to them, then writes them."""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet

from features.contract import TABLES
from pipelines.simulator import record
from pipelines.simulator.clock import Clock, Ints
from pipelines.simulator.options import Dials

CLAIMS = "claims"
TERM = "term_months"
"""Written beside the others by a company that sells insurance: its policies renew themselves."""
WRITTEN = tuple(name for name in TABLES if name not in (CLAIMS, "labels", "household_notices"))
_LATE = 0.015
AHEAD = 6
"""Months that what happens today may reach into the future."""
REGISTERS = frozenset({"customers", "contracts", "terminations", "price_list", "market_price"})
SORTED_AT_THE_END = frozenset(
    {"terminations", "price_list", "market_price", "households", "master_data", "reservations"}
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One month's rows of one table, before what nobody saw is taken away."""

    month: int
    number: int
    table: str
    columns: dict[str, Ints]
    final: bool


class ParquetFiles:
    """Files of a folder, each written a month at a time, with the schema of its first rows."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.files: dict[str, parquet.ParquetWriter] = {}

    def append(self, name: str, rows: pa.Table) -> None:
        """Append rows to ``name``.parquet; no rows, no row group."""
        if name not in self.files:
            path = self.folder / f"{name}.parquet"
            self.files[name] = parquet.ParquetWriter(path, rows.schema, compression="zstd")
        if len(rows):
            self.files[name].write_table(rows)

    def close(self) -> None:
        for file in self.files.values():
            file.close()


@dataclass(slots=True)
class Recorder:
    """The sink of a simulation: numbers keys, waits ``AHEAD`` months, then writes.

    Rows of customers who gave notice stop on the day of the notice, but for ``final`` rows;
    rows from after the simulated period, and rows not yet known at its end, are not written.
    """

    clock: Clock
    files: ParquetFiles
    seed: int
    dials: Dials
    tables: tuple[str, ...] = WRITTEN
    month: int = 0
    chunks: int = 0
    waiting: deque[Chunk] = field(default_factory=deque)
    deferred: dict[str, list[pa.Table]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    bursts: list[tuple[str, str, int, int]] = field(default_factory=list)
    notice_at: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        self.bursts = record.draw_bursts(self.seed, self.clock, self.dials.bursts)
        for name in self.tables:
            self._write(name, record.schema_of(TABLES[name]).empty_table())

    def finish(self) -> None:
        """Write what is still waiting, and the tables that are sorted as a whole."""
        self._flush(before=self.clock.months + 1)
        for name, parts in self.deferred.items():
            keys = [(key, "ascending") for key in TABLES[name].key]
            self._write(name, pa.concat_tables(parts).sort_by(keys))

    def _write(self, name: str, rows: pa.Table) -> None:
        lacking = {TERM}.intersection(rows.column_names) if CLAIMS not in self.tables else ()
        self.files.append(name, rows.drop_columns([*lacking]))

    def numbers(self, table: str, count: int) -> Ints:
        """The next ``count`` key numbers of a table."""
        first = self.counters.get(table, 0)
        self.counters[table] = first + count
        if table == "customers":
            never = np.full(count, np.iinfo(np.int64).max)
            self.notice_at = np.concatenate([self.notice_at, never])
        return np.arange(first, first + count, dtype=np.int64)

    def add(self, table: str, *, final: bool = False, **columns: npt.ArrayLike) -> None:
        """Add rows of the current month; ``final`` rows may come after the customer's notice.

        A column holds codes, days since 1970, UTC µs or øre (−1 null), one for each row or one
        for all; one that is left out is null. Arrays are not copied: change none in place later.
        """
        given = {c.name: columns.get(c.name, record.NONE) for c in record.columns_of(TABLES[table])}
        values = [np.asarray(value).astype(np.int64, copy=False) for value in given.values()]
        numbers = dict(zip(given, np.broadcast_arrays(*values), strict=True))
        self.waiting.append(Chunk(self.month, self.chunks, table, numbers, final))
        # These take no number: with or without them, the other rows are late by the same chance.
        self.chunks += table not in (CLAIMS, "usage")

    def add_events(
        self, table: str, customers: Ints, *, final: bool = False, **columns: npt.ArrayLike
    ) -> None:
        """Add a row for each of ``customers``, under the next numbers of the table's key."""
        key = {TABLES[table].key[0]: self.numbers(table, len(customers))}
        self.add(table, final=final, customer_id=customers, **key, **columns)

    def leave(self, customers: Ints, days: Ints) -> None:
        """Remember on which day customers gave notice."""
        self.notice_at[customers] = self.clock.midnight(days)

    def close_month(self) -> None:
        """Move on a month and write what can no longer change."""
        self.month += 1
        self._flush(before=self.month - AHEAD)

    def _flush(self, before: int) -> None:
        while self.waiting and self.waiting[0].month < before:
            chunk = self.waiting.popleft()
            data = self._finished(chunk)
            if chunk.table in SORTED_AT_THE_END:
                self.deferred.setdefault(chunk.table, []).append(data)
            else:
                self._write(chunk.table, data)

    def _finished(self, chunk: Chunk) -> pa.Table:
        table = TABLES[chunk.table]
        columns = dict(chunk.columns)
        end = int(self.clock.midnight(np.array([self.clock.end()]))[0])
        at = record.happened(table, columns, self.clock)
        until = np.full(len(at), end)
        if table.name not in REGISTERS and not chunk.final:
            until = np.minimum(until, self.notice_at[columns["customer_id"]])
        record.hide_unseen(table, columns, until, self.clock)
        keep = at < until
        for name, column, start, stop in self.bursts:
            inside = (at >= start) & (at < stop) & (name == table.name)
            if column and name == table.name:
                minutes = inside & (columns[column] >= 0)
                columns[column] = columns[column] // np.where(minutes, 60, 1)
            keep &= ~inside | (column != "")
        schema = record.schema_of(table)
        if "known_at" in schema.names:
            rng = np.random.default_rng([self.seed, chunk.number, *table.name.encode()])
            late = rng.random(len(at)) < _LATE
            known_at = at + (rng.uniform(1, 10, len(at)) * 86_400e6).astype(np.int64)
            keep &= ~late | (known_at < end)
            columns["known_at"] = np.where(late, known_at, -1)
        known = [record.encode(table, c, columns[c.name][keep]) for c in record.columns_of(table)]
        if "known_at" in schema.names:
            known.append(record.instants(columns["known_at"][keep]))
        return pa.Table.from_arrays(known, schema=schema)
