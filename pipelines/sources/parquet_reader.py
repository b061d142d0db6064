"""Parquet readers: schema read strictly, pages compared with their checksums."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
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

_BATCH = 1 << 13
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
            stored = [n for n in pq.read_schema(part.path).names if composed(n) in wanted]
            for batch in chain(_dictionaries(part.path, stored), _batches(part.path, stored)):
                _refuse_long(part.path, batch)
        except (OSError, ValueError) as error:
            raise unreadable(part.path, error, self.name) from error


def _batches(path: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
        yield from file.iter_batches(_BATCH, columns=names)


def _dictionaries(path: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    """A row of each row group, with the dictionaries of its texts: each value once, as stored."""
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BATCH, read_dictionary=names) as file:
        for group in range(file.num_row_groups):
            _refuse_large(path, group, file.metadata.row_group(group), names)
            yield from islice(file.iter_batches(1, row_groups=[group], columns=names), 1)


def _refuse_large(path: Path, group: int, about: pq.RowGroupMetaData, names: list[str]) -> None:
    """Raise ``ContractError`` for texts of which one page may hold more than there is memory."""
    for column in map(about.column, range(about.num_columns)):
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
        values = column.dictionary if pa.types.is_dictionary(column.type) else column
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            longest = pc.max(pc.binary_length(values)).as_py() or 0
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
