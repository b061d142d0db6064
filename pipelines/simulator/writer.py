"""Holds each month's rows until nothing more can happen to them, then writes them."""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv, parquet

from features.contract import TABLES, Table
from pipelines.simulator import record
from pipelines.simulator.clock import Clock, Ints
from pipelines.simulator.options import Dials

Format = Literal["parquet", "csv"]
CLAIMS = "claims"
TERM = "term_months"
"""Written beside the others by a company that sells insurance: its policies renew themselves."""
WRITTEN = tuple(name for name in TABLES if name not in (CLAIMS, "labels", "household_notices"))
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


class TableFile:
    """One table file, written a month at a time."""

    def __init__(self, table: Table, folder: Path, fmt: Format, without: str) -> None:
        self.schema = pa.schema([f for f in record.schema_of(table) if f.name != without])
        path = folder / f"{table.name}.{fmt}"
        if fmt == "parquet":
            self.file = parquet.ParquetWriter(path, self.schema, compression="zstd")
        else:
            # Delimited files show instants to the second.
            seconds, is_instant = pa.timestamp("s"), pa.types.is_timestamp
            plain = [f.with_type(seconds) if is_instant(f.type) else f for f in self.schema]
            self.schema = pa.schema(plain)
            self.file = csv.CSVWriter(path, self.schema)

    def write(self, data: pa.Table) -> None:
        """Append rows; no rows, no row group."""
        if data.num_rows:
            self.file.write_table(data.select(self.schema.names).cast(self.schema))


@dataclass(slots=True)
class Recorder:
    """The sink of a simulation: numbers keys, waits ``AHEAD`` months, then writes.

    Rows of customers who gave notice stop on the day of the notice, but for ``final`` rows;
    rows from after the simulated period, and rows not yet known at its end, are not written.
    """

    clock: Clock
    folder: Path
    fmt: Format
    seed: int
    dials: Dials
    tables: tuple[str, ...] = WRITTEN
    month: int = 0
    chunks: int = 0
    files: dict[str, TableFile] = field(default_factory=dict)
    waiting: deque[Chunk] = field(default_factory=deque)
    deferred: dict[str, list[pa.Table]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    bursts: list[tuple[str, str, int, int]] = field(default_factory=list)
    notice_at: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.bursts = record.draw_bursts(self.seed, self.clock, self.dials.bursts)
        without = "" if CLAIMS in self.tables else TERM
        self.files = {
            name: TableFile(TABLES[name], self.folder, self.fmt, without) for name in self.tables
        }

    def finish(self) -> None:
        """Write what is still waiting, and the tables that are sorted as a whole."""
        self._flush(before=self.clock.months + 1)
        for name, parts in self.deferred.items():
            keys = [(key, "ascending") for key in TABLES[name].key]
            self.files[name].write(pa.concat_tables(parts).sort_by(keys))

    def close(self) -> None:
        """Close all files."""
        for each in self.files.values():
            each.file.close()

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
                self.files[chunk.table].write(data)

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
            known_at, late = record.draw_known_at(rng, at)
            keep &= ~late | (known_at < end)
            columns["known_at"] = np.where(late, known_at, -1)
        known = [record.encode(table, c, columns[c.name][keep]) for c in record.columns_of(table)]
        if "known_at" in schema.names:
            known.append(record.instants(columns["known_at"][keep]))
        return pa.Table.from_arrays(known, schema=schema)
