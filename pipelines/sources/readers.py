"""The registry of readers by kind of source.

A new kind of source is a file with its ``Reader``, a line here, and one in
``pipelines.config.sources.FORMATS`` with what a configuration has to know of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipelines.config.sources import Dialect, Kind, Source, composed
from pipelines.runtime.duckdb_connection import Connection, literal
from pipelines.sources.csv_reader import CsvReader
from pipelines.sources.database_files import DuckdbReader, SqliteReader
from pipelines.sources.excel_reader import ExcelReader
from pipelines.sources.files import Input
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
