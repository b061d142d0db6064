"""The registry of readers by kind of source, and files that are joined to a table's own.

A new kind of source is a file with its ``Reader``, a line here, and one in
``pipelines.config.sources.FORMATS`` with what a configuration has to know of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from features.errors import ContractError
from pipelines.config.file import nearest
from pipelines.config.sources import ColumnMap, Dialect, Kind, Source, composed, file_kind
from pipelines.runtime.duckdb_connection import Connection, identifier, literal
from pipelines.sources.csv_reader import CsvReader
from pipelines.sources.database_files import DuckdbReader, SqliteReader
from pipelines.sources.excel_reader import ExcelReader
from pipelines.sources.files import Input
from pipelines.sources.forms import as_text
from pipelines.sources.parquet_reader import ExtractReader, ParquetReader
from pipelines.sources.readable_part import Declared, Part, Reader

READERS: Mapping[Kind, Reader] = {
    "csv": CsvReader(),
    "excel": ExcelReader(),
    "parquet": ParquetReader(),
    "duckdb": DuckdbReader(),
    "sqlite": SqliteReader(),
    "database": ExtractReader(),
}


def open_part(
    connection: Connection, source_file: Input, source: Source, dialect: Dialect, scratch: Path
) -> Part:
    """Open one file with the reader of its kind; raises ``ContractError``.

    Adds the columns that its folders name, and those of a database table that were not fetched.
    """
    declared = Declared(source.table or "", dialect, scratch, source.header_row)
    part = READERS[source.kind].open(connection, source_file.path, declared)
    folders = {
        name: "cast(null as VARCHAR)" if value is None else literal(value)
        for name, value in source_file.partition.items()
        if name not in part.columns
    }
    return replace(
        part,
        name=part.name if source_file.digest is None else source_file.name,
        columns=_composed(
            {**part.columns, **dict.fromkeys(folders, "VARCHAR"), **source_file.types}
        ),
        expressions=_composed({**part.expressions, **folders}),
    )


def _composed(columns: Mapping[str, str]) -> dict[str, str]:
    return {composed(name): value for name, value in columns.items()}


def join_files(
    connection: Connection, part: Part, source: Source, file: Input, dialect: Dialect, scratch: Path
) -> Part:
    """The part with the columns of the source's further files; rows that they lack are null there.

    Raises ``ContractError`` for a file that breaks its dialect, has a key twice, or fits no row.
    """
    for number, (join, further) in enumerate(zip(source.joins, file.joins, strict=True)):
        copy = scratch.with_name(f"{scratch.stem}-join-{number}")
        own = {"delimiter": join.delimiter, "encoding": join.encoding}
        written = dialect.model_copy(update={key: value for key, value in own.items() if value})
        reader = READERS[file_kind(join.path, join.format)]
        declared = Declared(join.table or "", written, copy, join.header_row)
        other = reader.open(connection, further.path, declared)
        origin = source.columns.get("customer_id") or ColumnMap(column="customer_id")
        on = join.on or next(iter(origin.read), "")
        for name, each in ((join.key, other), (on, part)):
            if name not in each.columns:
                guess = nearest(name, each.columns)
                raise ContractError(f"{each.name}: the key {name!r} of a join is not there{guess}")
        added = [name for name in other.columns if name not in part.columns]
        table = identifier(copy.name)
        key = as_text(other.expressions[join.key], other.columns[join.key])
        shown = [f"{key} as _key", *(f"{other.expressions[n]} as {identifier(n)}" for n in added)]
        try:
            connection.execute(
                f"create or replace temp table {table} as select {', '.join(shown)} "
                f"from {other.relation}"
            )
        except duckdb.Error as error:
            raise reader.broken(other, written, error) from error
        ours = as_text(part.expressions[on], part.columns[on])
        rows, keys, fitting = connection.execute(
            f"select count(*), count(distinct _key), "
            f"count(*) filter (where _key in (select {ours} from {part.relation})) from {table}"
        ).fetchone() or (0, 0, 0)
        reader.prove(other, written, rows)
        if rows != keys:
            raise ContractError(
                f"{other.name}: {rows:,} rows have {keys:,} different {join.key}; a file that is "
                "joined has one row a customer"
            )
        if not fitting:
            raise ContractError(f"{other.name}: no {join.key} is a {on} of {part.name}")
        names = {name: identifier(f"own_{i}") for i, name in enumerate(part.columns)}
        owned = ", ".join(f"{part.expressions[name]} as {names[name]}" for name in names)
        joined = ", ".join(f"j.{identifier(name)}" for name in added)
        part = replace(
            part,
            columns={**part.columns, **{name: other.columns[name] for name in added}},
            expressions={**names, **{name: identifier(name) for name in added}},
            relation=f"(select m.*{joined and ', '}{joined} from (select {part.row} as _at, "
            f"{ours} as _key, {owned} from {part.relation}) m left join {table} j using (_key))",
            row="_at",
        )
    return part
