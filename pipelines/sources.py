"""The company's files: found under the data folder, proven whole, opened as relations."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from features.errors import ConfigError, ContractError
from pipelines.csvfile import (
    MAX_LINE_BYTES,
    TextFacts,
    certainly_rectangular,
    check_rows,
    inspect,
)
from pipelines.database import identifier, literal
from pipelines.settings import Dialect, Settings


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a source, ready to read.

    ``columns`` maps its column names to DuckDB types, ``expressions`` to SQL over ``relation``.
    ``row`` is SQL for the row's number: in text files as a spreadsheet counts (the header is
    row 1, blank lines are not counted), in Parquet from 1.
    """

    path: Path
    columns: Mapping[str, str]
    expressions: Mapping[str, str]
    relation: str
    row: str
    text: TextFacts | None = None


def find_files(settings: Settings, table: str) -> tuple[Path, ...]:
    """Files of a table, sorted by path.

    Raises ``ContractError`` when there are none, ``ConfigError`` when one lies outside the
    data folder.
    """
    root = settings.paths.data
    pattern = settings.sources[table].path
    files = tuple(sorted(path for path in root.glob(pattern) if path.is_file()))
    if not files:
        raise ContractError(
            f"{table}: no file matches {root / pattern} (sources.{table}.path under paths.data); "
            "is the export there, and is paths.data right?"
        )
    for path in files:
        if not path.resolve().is_relative_to(root.resolve()):
            raise ConfigError(f"sources.{table}.path: {path} leads outside {root}")
    return files


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_part(
    connection: duckdb.DuckDBPyConnection, path: Path, kind: str, dialect: Dialect, scratch: Path
) -> Part:
    """Open one file; raises ``ContractError`` when it is not what it is declared to be."""
    if kind == "csv":
        return _open_csv(path, dialect, scratch)
    return _open_parquet(connection, path)


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


def _open_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> Part:
    if path.stat().st_size == 0:
        raise ContractError(f"{path}: the file is empty (0 bytes); was its export cut off?")
    try:
        names = pq.read_schema(path).names
        described = connection.execute(f"describe from read_parquet({literal(path)})").fetchall()
    except (OSError, ValueError, duckdb.Error) as error:
        raise unreadable(path, error) from error
    lower = [name.lower() for name in names]
    twice = sorted({name for name in names if lower.count(name.lower()) > 1})
    if twice:
        raise ContractError(f"{path}: column {twice[0]!r} is there twice; rename one")
    columns = {str(row[0]): str(row[1]) for row in described}
    return Part(
        path=path,
        columns=columns,
        expressions={name: identifier(name) for name in columns},
        relation=f"read_parquet({literal(path)}, file_row_number=true)",
        row="file_row_number + 1",
    )


def unreadable(path: Path, error: Exception) -> ContractError:
    """The refusal of a damaged Parquet file."""
    first = str(error).splitlines()[0]
    return ContractError(f"{path}: not a whole Parquet file ({first}); export it again")


def refuse_broken(part: Part, dialect: Dialect, error: duckdb.Error) -> ContractError:
    """Explain why DuckDB could not read a file, with the line number where it is known.

    Raises ``ContractError`` itself when the exact reader finds the line.
    """
    if part.text is None:
        return unreadable(part.path, error)
    check_rows(part.path, part.text, dialect)
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"{part.path}, line {line.group(1)}" if line else str(part.path)
    if "state machine" in text:
        return ContractError(f"{where}: mixes line ends, or quotes within unquoted fields")
    return ContractError(f"{where}: breaks the declared dialect ({text.splitlines()[0]})")


def prove_rows(part: Part, dialect: Dialect, rows: int) -> None:
    """Check that the ``rows`` that were read are all the file holds, each with every field.

    Raises ``ContractError`` for a text file with no rows, a ragged row or an open quote.
    """
    if part.text is None:
        return
    if rows == 0:
        raise ContractError(f"{part.path}: only a header and no rows; was its export cut off?")
    if certainly_rectangular(part.text, rows):
        return
    exact = check_rows(part.path, part.text, dialect)
    if exact != rows:
        raise ContractError(
            f"{part.path}: {rows:,} rows were read and {exact:,} are there; a quote is out of place"
        )
