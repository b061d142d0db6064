"""Parquet readers: schema read strictly, pages compared with their checksums."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import ContractError
from pipelines.config.sources import composed
from pipelines.runtime.duckdb_connection import Connection, identifier, literal
from pipelines.sources.durations import INTERVAL
from pipelines.sources.readable_part import Declared, Part, Reader, described, unreadable

_BATCH = 1 << 16
_MOST_TEXT, _LONGEST_TEXT = 256_000_000, 16_384
_MICROSECONDS = {"s": "* 1000000", "ms": "* 1000", "us": "", "ns": "// 1000"}


class ParquetReader(Reader):
    """Files of a company, which may be damaged or cut off."""

    name = "Parquet"
    may_be_empty = False

    def open(self, connection: Connection, path: Path, declared: Declared) -> Part:
        """Raises ``ContractError`` for a file that is empty, damaged or ambiguous."""
        if path.stat().st_size == 0:
            raise ContractError(f"{path}: the file is empty (0 bytes); was its export cut off?")
        try:
            schema = pq.read_schema(path)
            relation = f"read_parquet({literal(path)}, hive_partitioning=false"
            columns = described(connection, f"{relation})")
        except (OSError, ValueError, duckdb.Error) as error:
            raise unreadable(path, error, self.name) from error
        lower = [composed(name).lower() for name in schema.names]
        twice = sorted({name for name in schema.names if lower.count(composed(name).lower()) > 1})
        if twice:
            raise ContractError(f"{path}: column {twice[0]!r} is there twice; rename one")
        expressions = {name: identifier(name) for name in columns}
        # Arrow stores a duration as a count of its unit, and only its own schema says which.
        for field in schema:
            if pa.types.is_duration(field.type):
                columns[field.name] = INTERVAL
                micros = f"{identifier(field.name)} {_MICROSECONDS[field.type.unit]}"
                expressions[field.name] = f"to_microseconds({micros})"
        return Part(
            name=str(path),
            path=path,
            columns=columns,
            expressions=expressions,
            relation=f"{relation}, file_row_number=true)",
            row="file_row_number + 1",
        )

    def verify(self, part: Part, names: Iterable[str]) -> None:
        """Decode the named columns and compare each page with its checksum, where there are any.

        DuckDB ignores them and would read a flipped bit as another value. Raises ``ContractError``.
        """
        wanted = {name for name in names if name in part.expressions}
        try:
            with pq.ParquetFile(
                part.path,
                page_checksum_verification=True,
                pre_buffer=False,
                read_dictionary=[
                    name for name in pq.read_schema(part.path).names if composed(name) in wanted
                ],
            ) as file:
                stored = [name for name in file.schema_arrow.names if composed(name) in wanted]
                _refuse_large(part.path, file.metadata, stored)
                for batch in file.iter_batches(_BATCH, columns=stored):
                    _refuse_long(part.path, batch)
        except (OSError, ValueError) as error:
            raise unreadable(part.path, error, self.name) from error


def _refuse_large(path: Path, metadata: pq.FileMetaData, names: list[str]) -> None:
    """Raise ``ContractError`` for texts of which one page may hold more than there is memory."""
    for group in range(metadata.num_row_groups):
        columns = metadata.row_group(group)
        for column in map(columns.column, range(columns.num_columns)):
            large = column.total_uncompressed_size > _MOST_TEXT
            if large and column.physical_type == "BYTE_ARRAY" and column.path_in_schema in names:
                raise ContractError(
                    f"{path}, row group {group}, column {column.path_in_schema!r}: "
                    f"{column.total_uncompressed_size:,} bytes of text; at most {_MOST_TEXT:,} are "
                    "read at once. Write the file in smaller row groups"
                )


def _refuse_long(path: Path, batch: pa.RecordBatch) -> None:
    """Raise ``ContractError`` for a value that is no code, name or key of a business."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
            if longest > _LONGEST_TEXT:
                raise ContractError(
                    f"{path}, column {name!r}: a text of {longest:,} bytes; at most "
                    f"{_LONGEST_TEXT:,} are read. Cut it where the file is written"
                )


class ExtractReader(ParquetReader):
    """Extracts of a database, written a moment ago: a table without rows has none there."""

    may_be_empty = True

    def verify(self, part: Part, names: Iterable[str]) -> None:
        """Nothing to compare: the extract was written by this run."""
