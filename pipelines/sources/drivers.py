"""Driver interface: how one kind of database is asked, ADBC drivers, BigQuery and ODBC."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import duckdb
import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode, dbapi
from adbc_driver_manager import Error as DriverError

from features.errors import ConfigError, ContractError
from pipelines.runtime.duckdb_connection import identifier
from pipelines.sources.addresses import Address, DroppedError

# A batch has room for this many of the longest texts in every column.
_BATCH_ROWS = 4_096
_LONGEST_BYTES = 4096
# SQLSTATE classes: the connection, and what no other attempt mends.
_DROPPED, _REFUSED = ("08", "HYT"), ("28", "IM")
# What another attempt may mend.
_PASSING = (AdbcStatusCode.IO, AdbcStatusCode.TIMEOUT, AdbcStatusCode.CANCELLED)


class Cursor(Protocol):
    """What is asked of a connection: one query after another, its rows as Arrow batches."""

    def execute(self, operation: str, /) -> object: ...

    def fetch_record_batch(self) -> pa.RecordBatchReader: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """A column of a table: its DuckDB type, and the SQL that selects it under its own name."""

    type: str
    expression: str


class DatabaseDriver:
    """An ADBC driver: the package ``adbc-driver-<name>``, or one that is installed as a manifest.

    Unless it ``declares_types``, a column's type is that of the values that were fetched.
    """

    declares_types = False

    def __init__(self, name: str) -> None:
        self.name = name

    @contextmanager
    def session(self, address: Address) -> Iterator[Cursor]:
        """A connection's cursor; errors of the database in plain words."""
        given = {"uri": address.uri} if address.uri else {}
        try:
            link = dbapi.connect(self._path(), db_kwargs={**given, **dict(address.options)})
        except DriverError as error:
            raise self._meaning(error, address, reached=False) from None
        try:
            with link, link.cursor() as cursor:
                yield cursor
        except DriverError as error:
            raise self._meaning(error, address, reached=True) from None

    def columns(self, cursor: Cursor, table: str) -> dict[str, Fetched]:
        cursor.execute(f"select * from {self.quote(table)} where 1 = 0")
        schema = cursor.fetch_record_batch().schema
        with duckdb.connect() as connection:
            empty = connection.from_arrow(schema.empty_table())
            types = dict(zip(empty.columns, map(str, empty.types), strict=True))
        return {name: Fetched(kind, self._identifier(name)) for name, kind in types.items()}

    def quote(self, table: str) -> str:
        """``schema.table`` as SQL identifiers."""
        return ".".join(map(self._identifier, table.split(".")))

    def _identifier(self, name: str) -> str:
        return identifier(name)

    def _path(self) -> str:
        try:
            package = import_module(f"adbc_driver_{self.name}")
        except ImportError:
            return self.name
        return str(package._driver_path())

    def _meaning(self, error: DriverError, address: Address, *, reached: bool) -> Exception:
        absent = not reached and error.status_code == AdbcStatusCode.NOT_FOUND
        if absent and self._path() == self.name:
            return ConfigError(
                f"{self.name}: no ADBC driver of this name is installed. Run: "
                f"pip install adbc-driver-{self.name}"
            )
        said = address.hide(str(error))
        if error.status_code in _PASSING:
            return DroppedError(said)
        if reached:
            return ContractError(
                f"{address.public}: {said}. Is the table named letter by letter? May it be read?"
            )
        return ConfigError(f"{address.public}: {said}. Check the address and the options.")


class OdbcDriver(DatabaseDriver):
    """Databases by connection string: ``Driver={ODBC Driver 18 for SQL Server};Server=…``."""

    @contextmanager
    def session(self, address: Address) -> Iterator[Cursor]:
        try:
            import arrow_odbc
        except (ImportError, OSError) as error:
            raise ConfigError(
                "driver: odbc needs arrow-odbc and unixODBC. Run: pip install 'stille[odbc]'"
            ) from error

        class _Cursor:
            def execute(self, operation: str, /) -> None:
                self._reader = arrow_odbc.read_arrow_batches_from_odbc(
                    operation, address.uri, batch_size=_BATCH_ROWS, max_text_size=_LONGEST_BYTES
                )

            def fetch_record_batch(self) -> pa.RecordBatchReader:
                return self._reader.into_pyarrow_record_batch_reader()

        try:
            yield _Cursor()
        except arrow_odbc.Error as error:
            raise _meaning_of_odbc(str(error), address) from None


def _meaning_of_odbc(message: str, address: Address) -> Exception:
    state = message.partition("State: ")[2][:5]
    told = address.hide(message)
    if state.startswith(_DROPPED):
        return DroppedError(told)
    if state.startswith(_REFUSED):
        return ConfigError(f"{address.public}: {told}. Check the connection string.")
    if "too large" in message:
        return ContractError(
            f"{address.public}: a text has more than {_LONGEST_BYTES:,} bytes. Read a view that "
            "cuts it."
        )
    return ContractError(f"{address.public}: {told}. Is the table named letter by letter?")


class BigQueryDriver(DatabaseDriver):
    """BigQuery quotes names its own way."""

    def _identifier(self, name: str) -> str:
        return "`" + name.replace("`", "") + "`"
