"""Parquet files: opened without guessing, and held against their pages' checksums."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from features.errors import ContractError
from pipelines.database import first_line, identifier, literal
from pipelines.sources.part import Part

_BATCH = 1 << 16


def open_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> Part:
    """Open one file; raises ``ContractError`` when it is empty, damaged or ambiguous."""
    if path.stat().st_size == 0:
        raise ContractError(f"{path}: the file is empty (0 bytes); was its export cut off?")
    try:
        names = pq.read_schema(path).names
        relation = f"read_parquet({literal(path)}, hive_partitioning=false"
        described = connection.execute(f"describe from {relation})").fetchall()
    except (OSError, ValueError, duckdb.Error) as error:
        raise unreadable(path, error) from error
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


def verify_pages(part: Part, names: Iterable[str]) -> None:
    """Decode the named columns of a Parquet file and compare each page with its checksum.

    DuckDB ignores these checksums and would read a flipped bit as another value. Files written
    without them pass. Raises ``ContractError`` for a damaged file.
    """
    wanted = [name for name in names if name in part.expressions]
    try:
        with pq.ParquetFile(part.path, page_checksum_verification=True, pre_buffer=False) as file:
            stored = [name for name in wanted if name in file.schema_arrow.names]
            for _ in file.iter_batches(_BATCH, columns=stored):
                pass
    except (OSError, ValueError) as error:
        raise unreadable(part.path, error) from error


def unreadable(path: Path, error: Exception, kind: str = "Parquet") -> ContractError:
    """The refusal of a damaged file."""
    return ContractError(f"{path}: not a whole {kind} file ({first_line(error)}); export it again")
