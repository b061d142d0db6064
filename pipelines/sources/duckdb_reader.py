"""DuckDB reader: tables of attached files. Views are refused: they can read other files."""

import hashlib
from pathlib import Path

import duckdb

from features.errors import BusyError, ContractError
from pipelines.config.errors import nearest
from pipelines.runtime.duckdb_connection import identifier, literal
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
