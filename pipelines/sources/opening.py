"""The files of a source, proven whole and opened as relations with named columns."""

import re
from dataclasses import replace
from pathlib import Path

import duckdb

from features.errors import ContractError
from pipelines.config.sources import Dialect, Source
from pipelines.database import first_line, literal
from pipelines.sources.csvfile import (
    MAX_LINE_BYTES,
    certainly_rectangular,
    check_rows,
    inspect,
)
from pipelines.sources.duckdbfile import open_duckdb
from pipelines.sources.files import Input
from pipelines.sources.parquetfile import open_parquet, unreadable
from pipelines.sources.part import Part


def open_part(
    connection: duckdb.DuckDBPyConnection,
    given: Input,
    source: Source,
    dialect: Dialect,
    scratch: Path,
) -> Part:
    """Open one file; raises ``ContractError`` when it is not what it is declared to be."""
    if source.kind == "csv":
        part = _open_csv(given.path, dialect, scratch)
    elif source.kind == "duckdb":
        part = open_duckdb(connection, given.path, source.table or "")
    else:
        part = open_parquet(connection, given.path)
    return _named(part, given)


def _named(part: Part, given: Input) -> Part:
    """Add the columns that folders name, and those of a database table that were not fetched."""
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


def _open_csv(path: Path, dialect: Dialect, scratch: Path) -> Part:
    facts = inspect(path, dialect, scratch)
    names = [f"c{i}" for i in range(len(facts.header))]
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    relation = (
        f"read_csv({literal(facts.readable)}, auto_detect=false, header=true, "
        f"columns={{{columns}}}, delim={literal(dialect.delimiter)}, "
        f"quote={literal(dialect.quote)}, escape={literal(dialect.quote)}, strict_mode=true, "
        f"null_padding=false, ignore_errors=false, parallel=false, "
        f"max_line_size={MAX_LINE_BYTES})"
    )
    return Part(
        name=str(path),
        path=path,
        columns=dict.fromkeys(facts.header, "VARCHAR"),
        expressions={
            column: f"coalesce({name}, '')"
            for column, name in zip(facts.header, names, strict=True)
        },
        relation=relation,
        row="row_number() over () + 1",
        text=facts,
    )


def refuse_broken(part: Part, dialect: Dialect, error: duckdb.Error) -> ContractError:
    """Explain why DuckDB could not read a file, with the line number where it is known.

    Raises ``ContractError`` itself when the exact reader finds the line.
    """
    if part.text is None:
        kind = "Parquet" if part.relation.startswith("read_parquet") else "DuckDB"
        return unreadable(part.path, error, kind)
    check_rows(part.path, part.text, dialect)
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"{part.name}, line {line.group(1)}" if line else part.name
    if "state machine" in text:
        return ContractError(f"{where}: mixes line ends, or quotes within unquoted fields")
    return ContractError(f"{where}: breaks the declared dialect ({first_line(error)})")


def prove_rows(part: Part, dialect: Dialect, rows: int) -> None:
    """Check that the ``rows`` that were read are all the file holds, each with every field.

    Raises ``ContractError`` for a text file with no rows, a ragged row or an open quote.
    """
    if part.text is None:
        return
    if rows == 0:
        raise ContractError(f"{part.name}: only a header and no rows; was its export cut off?")
    if certainly_rectangular(part.text, rows):
        return
    exact = check_rows(part.path, part.text, dialect)
    if exact != rows:
        raise ContractError(
            f"{part.name}: {rows:,} rows were read and {exact:,} are there; a quote is out of place"
        )
