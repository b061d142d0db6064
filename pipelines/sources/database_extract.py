"""Database extract: the columns in use of one table as Parquet, digested by content."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.contract import TABLES
from pipelines.config.sources import Source, composed
from pipelines.runtime.atomic_files import storage_errors
from pipelines.runtime.duckdb_connection import literal
from pipelines.sources.addresses import Address, DroppedError
from pipelines.sources.binding import bind
from pipelines.sources.drivers import Cursor, DatabaseDriver
from pipelines.sources.files import Input
from pipelines.sources.readable_part import described


def fetch(
    driver: DatabaseDriver,
    cursor: Cursor,
    name: str,
    source: Source,
    table: str,
    address: Address,
    folder: Path,
) -> Input:
    """Fetch the columns that a source uses of its table into ``folder/<name>.parquet``.

    Raises ``ContractError`` for a column that is not there, ``DroppedError`` when the
    connection breaks, ``PublicationError`` when the disk refuses.
    """
    known = f"{address.public}/{table}"
    columns = driver.columns(cursor, table)
    types = {composed(column): each.type for column, each in columns.items()}
    bound = bind(TABLES[name], source, types, known)
    used = {column for b in bound.bindings for column in (*b.origin.read, *source.filters)}
    selection = [column for column in columns if composed(column) in used]
    selected = ", ".join(columns[column].expression for column in selection) or "1 as none"
    cursor.execute(f"select {selected} from {driver.quote(table)}")
    path = folder / f"{name}.parquet"
    with storage_errors(f"write {path}"):
        _write(cursor.fetch_record_batch(), path, address)
    if not driver.declares_types:
        with duckdb.connect() as connection:
            stored = described(connection, f"read_parquet({literal(path)})")
        types |= {composed(column): kind for column, kind in stored.items()}
    fetched = [(column, types[composed(column)]) for column in selection]
    return Input(path, known, digest=_content_digest(path, fetched), types=types)


def _write(reader: pa.RecordBatchReader, path: Path, address: Address) -> None:
    schema = pa.schema([(field.name, _stored(field.type)) for field in reader.schema])
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in _batches(reader, address):
            columns = [
                column.storage if isinstance(column, pa.ExtensionArray) else column
                for column in batch.columns
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _stored(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _batches(reader: pa.RecordBatchReader, address: Address) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (OSError, pa.ArrowException) as error:
            raise DroppedError(address.hide(str(error))) from None
        yield batch


def _content_digest(path: Path, columns: list[tuple[str, str]]) -> str:
    """SHA-256 over the rows as a multiset: a database promises no order."""
    with duckdb.connect() as connection:
        sums = connection.execute(
            "select count(*), sum(md5_number_lower(j)), sum(md5_number_upper(j)) from "
            f"(select cast(to_json(t) as varchar) as j from read_parquet({literal(path)}) t)"
        ).fetchone()
    text = repr([columns, sums])
    return hashlib.sha256(text.encode()).hexdigest()
