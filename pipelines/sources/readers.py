"""Readers of Parquet, DuckDB and database extracts, and the registry of readers by kind.

A new kind of source is a file with its ``Reader``, a line here, and one in
``pipelines.config.sources.FORMATS`` with what a configuration has to know of it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from features.errors import BusyError, ContractError
from pipelines.config.errors import nearest
from pipelines.config.sources import Dialect, Kind, Source
from pipelines.runtime.duckdb_connection import identifier, literal
from pipelines.sources.csv_reader import CsvReader
from pipelines.sources.files import Input
from pipelines.sources.readable_part import Declared, Part, Reader, unreadable

_DEFAULT_SCHEMA = "main"


def attach(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """Attach a file once, read-only; returns the name it has in the connection.

    Raises ``BusyError`` while another process writes it, ``ContractError`` when it is damaged.
    """
    name = f"file_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    there = connection.execute(
        "select 1 from duckdb_databases() where database_name = ?", [name]
    ).fetchone()
    if there is not None:
        return name
    try:
        connection.execute(f"attach {literal(path)} as {name} (type duckdb, read_only)")
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            raise BusyError(
                f"{path}: another process is writing it. Nothing was changed; run the same "
                "command again when that process has closed the file."
            ) from error
        raise unreadable(path, error, "DuckDB") from error
    return name


def table_in(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> str:
    """SQL that names ``table`` (``table`` or ``schema.table``) of an attached file.

    Raises ``ContractError`` when the file has no such table.
    """
    database = attach(connection, path)
    schema, _, name = table.rpartition(".")
    schema = schema or _DEFAULT_SCHEMA
    found = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ?", [database]
    ).fetchall()
    if (schema, name) not in found:
        tables = [t if s == _DEFAULT_SCHEMA else f"{s}.{t}" for s, t in found]
        raise ContractError(
            f"{path}: no table {table!r}{nearest(table, tables)}; the file has: "
            f"{', '.join(sorted(tables)) or 'none'} (views are not read: write them out as tables)"
        )
    return f"{database}.{identifier(schema)}.{identifier(name)}"


class DuckdbReader(Reader):
    """Tables of attached files."""

    name = "DuckDB"

    def open(self, connection: duckdb.DuckDBPyConnection, path: Path, declared: Declared) -> Part:
        """Raises as ``attach`` and ``table_in`` do."""
        relation = table_in(connection, path, declared.table)
        described = connection.execute(f"describe from {relation}").fetchall()
        columns = {str(row[0]): str(row[1]) for row in described}
        return Part(
            name=f"{path}, table {declared.table}",
            path=path,
            columns=columns,
            expressions={name: identifier(name) for name in columns},
            relation=relation,
            row="rowid + 1",
        )


_BATCH = 1 << 16


class ParquetReader(Reader):
    """Files of a company, which may be damaged or cut off."""

    name = "Parquet"
    may_be_empty = False

    def open(self, connection: duckdb.DuckDBPyConnection, path: Path, declared: Declared) -> Part:
        """Raises ``ContractError`` for a file that is empty, damaged or ambiguous."""
        if path.stat().st_size == 0:
            raise ContractError(f"{path}: the file is empty (0 bytes); was its export cut off?")
        try:
            names = pq.read_schema(path).names
            relation = f"read_parquet({literal(path)}, hive_partitioning=false"
            described = connection.execute(f"describe from {relation})").fetchall()
        except (OSError, ValueError, duckdb.Error) as error:
            raise unreadable(path, error, self.name) from error
        lower = [name.lower() for name in names]
        twice = sorted({name for name in names if lower.count(name.lower()) > 1})
        if twice:
            raise ContractError(f"{path}: column {twice[0]!r} is there twice; rename one")
        columns = {str(row[0]): str(row[1]) for row in described}
        return Part(
            name=str(path),
            path=path,
            columns=columns,
            expressions={name: identifier(name) for name in columns},
            relation=f"{relation}, file_row_number=true)",
            row="file_row_number + 1",
        )

    def verify(self, part: Part, names: Iterable[str]) -> None:
        """Decode the named columns and compare each page with its checksum.

        DuckDB ignores these checksums and would read a flipped bit as another value. Files
        written without them pass. Raises ``ContractError`` for a damaged file.
        """
        wanted = [name for name in names if name in part.expressions]
        try:
            with pq.ParquetFile(
                part.path, page_checksum_verification=True, pre_buffer=False
            ) as file:
                stored = [name for name in wanted if name in file.schema_arrow.names]
                for _ in file.iter_batches(_BATCH, columns=stored):
                    pass
        except (OSError, ValueError) as error:
            raise unreadable(part.path, error, self.name) from error


class ExtractReader(ParquetReader):
    """Extracts of a database, written a moment ago: a table without rows has none there."""

    may_be_empty = True

    def verify(self, part: Part, names: Iterable[str]) -> None:
        """Nothing to compare: the extract was written by this run."""


READERS: Mapping[Kind, Reader] = {
    "csv": CsvReader(),
    "parquet": ParquetReader(),
    "duckdb": DuckdbReader(),
    "postgres": ExtractReader(),
}


def open_part(
    connection: duckdb.DuckDBPyConnection,
    given: Input,
    source: Source,
    dialect: Dialect,
    scratch: Path,
) -> Part:
    """Open one file with the reader of its kind.

    Adds the columns that its folders name, and those of a database table that were not fetched.
    Raises ``ContractError`` when it is not what it is declared to be.
    """
    declared = Declared(source.table or "", dialect, scratch)
    part = READERS[source.kind].open(connection, given.path, declared)
    folders = {key: value for key, value in given.partition.items() if key not in part.columns}
    constants = {
        key: "cast(null as VARCHAR)" if value is None else literal(value)
        for key, value in folders.items()
    }
    return replace(
        part,
        name=part.name if given.digest is None else given.name,
        columns={**part.columns, **dict.fromkeys(folders, "VARCHAR"), **given.types},
        expressions={**part.expressions, **constants},
    )
