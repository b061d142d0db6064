"""Databases: tables fetched as Arrow batches into Parquet files of the snapshot.

All tables of one database are read in one session, and only the columns in use are fetched.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential

from features.contract import TABLES
from features.errors import BusyError
from pipelines.config.sources import Source, composed
from pipelines.runtime.atomic_files import storage_errors
from pipelines.runtime.duckdb_connection import literal
from pipelines.runtime.logs import LOG
from pipelines.sources.addresses import Address, DroppedError
from pipelines.sources.binding import bind
from pipelines.sources.drivers import BigQueryDriver, Cursor, DatabaseDriver, OdbcDriver
from pipelines.sources.files import Input
from pipelines.sources.postgres_driver import PostgresDriver
from pipelines.sources.readable_part import described

ATTEMPTS = 4
FIRST_WAIT_SECONDS = 2.0
DRIVERS: Mapping[str, DatabaseDriver] = {
    "postgresql": PostgresDriver("postgresql"),
    "bigquery": BigQueryDriver("bigquery"),
    "odbc": OdbcDriver("odbc"),
}
"""Any other name is that of an ADBC driver that needs nothing of its own."""


def driver_of(name: str) -> DatabaseDriver:
    return DRIVERS.get(name) or DatabaseDriver(name)


def fetch_tables(sources: Mapping[str, Source], folder: Path) -> dict[str, Input]:
    """Fetch every database table of the configuration into ``folder``; one input a table.

    Raises ``BusyError`` when a connection keeps breaking, ``ConfigError`` when the database
    refuses the user or the address or its driver is not installed, ``ContractError`` when it
    lacks a table or a column, ``PublicationError`` when the disk refuses.
    """
    found: dict[str, Input] = {}
    for address, tables in _by_address(sources).items():
        attempts = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(FIRST_WAIT_SECONDS),
            retry=retry_if_exception_type(DroppedError),
            before_sleep=_log_retry,
            reraise=True,
        )
        try:
            found |= attempts(_fetch_all, sources, address, tables, folder)
        except DroppedError as error:
            raise BusyError(
                f"{address.public}: the connection broke {ATTEMPTS} times ({error}). Nothing was "
                "changed; run the same command again when the database answers."
            ) from None
    return found


def inspect_tables(sources: Mapping[str, Source]) -> Iterator[tuple[str, str, int]]:
    """Name, address and number of columns of every database table of the configuration.

    Raises like ``fetch_tables``, at the first connection that breaks.
    """
    for address, tables in _by_address(sources).items():
        driver = driver_of(address.driver)
        try:
            with driver.session(address) as cursor:
                for name, table in tables.items():
                    columns = driver.columns(cursor, table)
                    yield name, f"{address.public}/{table}", len(columns)
        except DroppedError as error:
            raise BusyError(f"{address.public}: the connection broke ({error})") from None


def _by_address(sources: Mapping[str, Source]) -> dict[Address, dict[str, str]]:
    """Address → table of the contract → table of the database."""
    found: dict[Address, dict[str, str]] = {}
    for name in (name for name in TABLES if name in sources):
        if (database := sources[name].database) is not None:
            options = ((key, value.get_secret_value()) for key, value in database.options.items())
            address = Address(database.driver, database.uri.get_secret_value(), tuple(options))
            found.setdefault(address, {})[name] = database.table
    return found


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    LOG.warning("The database does not answer (%s); trying again.", error)


def _fetch_all(
    sources: Mapping[str, Source], address: Address, tables: Mapping[str, str], folder: Path
) -> dict[str, Input]:
    folder.mkdir(parents=True, exist_ok=True)
    with driver_of(address.driver).session(address) as cursor:
        return {
            name: fetch(cursor, name, sources[name], table, address, folder)
            for name, table in tables.items()
        }


def fetch(
    cursor: Cursor, name: str, source: Source, table: str, address: Address, folder: Path
) -> Input:
    """Fetch the columns that a source uses of its table into ``folder/<name>.parquet``.

    Raises ``ContractError`` for a column that is not there, ``DroppedError`` when the
    connection breaks, ``PublicationError`` when the disk refuses.
    """
    known, driver = f"{address.public}/{table}", driver_of(address.driver)
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
    kinds = [(f.name, getattr(f.type, "storage_type", f.type)) for f in reader.schema]
    schema = pa.schema(kinds)
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in _batches(reader, address):
            columns = [getattr(column, "storage", column) for column in batch.columns]
            writer.write_batch(pa.record_batch(columns, schema=schema))


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
    return hashlib.sha256(repr([columns, sums]).encode()).hexdigest()
