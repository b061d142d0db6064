"""Readers of database files: tables of DuckDB, and tables and views of SQLite.

DuckDB's views are refused: they can read other files. SQLite has values with types, not columns, so
a table is copied to Parquet, each column with the type of its values.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import BusyError, ContractError
from pipelines.config.file import nearest
from pipelines.runtime.duckdb_connection import Connection, identifier, literal
from pipelines.sources.parquet_reader import ExtractReader
from pipelines.sources.readable_part import Declared, Part, Reader, described, unreadable

_DEFAULT_SCHEMA = "main"
_BATCH_ROWS = 1 << 16


class DuckdbReader(Reader):
    """Tables (``table`` or ``schema.table``) of files that are attached, read only."""

    name = "DuckDB"

    def open(self, connection: Connection, path: Path, declared: Declared) -> Part:
        """Raises ``BusyError`` while another process writes the file."""
        database = f"file_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
        try:
            connection.execute(
                f"attach if not exists {literal(path)} as {database} (type duckdb, read_only)"
            )
        except duckdb.Error as error:
            if "lock" in str(error).lower():
                raise _busy(path) from error
            raise unreadable(path, error, self.name) from error
        schema, _, name = declared.table.rpartition(".")
        schema = schema or _DEFAULT_SCHEMA
        found = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = ?",
            [database],
        ).fetchall()
        if (schema, name) not in found:
            tables = sorted(t if s == _DEFAULT_SCHEMA else f"{s}.{t}" for s, t in found)
            note = " (views are not read: write them out as tables)"
            raise _no_table(path, declared.table, tables, note)
        relation = f"{database}.{identifier(schema)}.{identifier(name)}"
        columns = described(connection, relation)
        return Part(
            name=f"{path}, table {declared.table}",
            path=path,
            columns=columns,
            expressions={name: identifier(name) for name in columns},
            relation=relation,
            row="rowid + 1",
        )


class SqliteReader(ExtractReader):
    """Tables and views of SQLite files."""

    name = "SQLite"

    def open(self, connection: Connection, path: Path, declared: Declared) -> Part:
        with opened(path) as database:
            names = tables(database)
            if declared.table not in names:
                raise _no_table(path, declared.table, names)
            _copy(database, declared.table, declared.scratch)
        part = super().open(connection, declared.scratch, declared)
        return replace(part, name=f"{path}, table {declared.table}")


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """An SQLite file, read only; its errors in plain words."""
    try:
        uri = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as database:
            yield database
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise unreadable(path, error, "SQLite") from error
        raise _busy(path) from error
    except sqlite3.Error as error:
        raise unreadable(path, error, "SQLite") from error


def _busy(path: Path) -> BusyError:
    return BusyError(
        f"{path}: another process is writing it. Nothing was changed; run the same command again "
        "when that process has closed the file."
    )


def _no_table(path: Path, table: str, names: Collection[str], note: str = "") -> ContractError:
    return ContractError(
        f"{path}: no table {table!r}{nearest(table, names)}; the file has: "
        f"{', '.join(names) or 'none'}{note}"
    )


def tables(database: sqlite3.Connection) -> list[str]:
    query = "select name from sqlite_schema where type in ('table', 'view') order by 1"
    names = [name for (name,) in database.execute(query)]
    return [name for name in names if not name.startswith("sqlite_")]


def _copy(database: sqlite3.Connection, table: str, into: Path) -> None:
    source = f"main.{identifier(table)}"
    database.execute("begin")
    described = database.execute(f"select * from {source} limit 0").description
    names = [name for name, *_ in described]
    seen = ", ".join(f"group_concat(distinct typeof({identifier(name)}))" for name in names)
    [kinds] = database.execute(f"select {seen} from {source}")
    types = [_type({*(kind or "").split(",")} - {"null", ""}) for kind in kinds]
    schema = pa.schema(list(zip(names, types, strict=True)))
    casts = {pa.float64(): "real", pa.int64(): "integer"}
    selected = ", ".join(
        f"cast({identifier(name)} as {casts.get(kind, 'text')})"
        for name, kind in zip(names, types, strict=True)
    )
    rows = database.execute(f"select {selected} from {source}")
    with pq.ParquetWriter(into, schema, compression="zstd") as writer:
        while batch := rows.fetchmany(_BATCH_ROWS):
            cells = zip(zip(*batch, strict=True), types, strict=True)
            columns = [pa.array(column, kind) for column, kind in cells]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _type(kinds: set[str]) -> pa.DataType:
    if kinds == {"integer"}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {"integer", "real"} else pa.string()
