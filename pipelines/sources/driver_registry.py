"""The registry of database drivers, among them ODBC's; any other name is an ADBC driver's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from features.errors import ConfigError, ContractError
from pipelines.sources.addresses import Address, DroppedError
from pipelines.sources.drivers import Cursor, DatabaseDriver
from pipelines.sources.postgres_driver import PostgresDriver

# A batch has room for this many of the longest texts in every column.
_BATCH_ROWS = 4_096
_LONGEST_BYTES = 4096
# SQLSTATE classes: the connection, and what no other attempt mends.
_DROPPED, _REFUSED = ("08", "HYT"), ("28", "IM")


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
            raise _meaning(str(error), address) from None


def _meaning(message: str, address: Address) -> Exception:
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


DRIVERS: Mapping[str, DatabaseDriver] = {
    "postgresql": PostgresDriver("postgresql"),
    "bigquery": BigQueryDriver("bigquery"),
    "odbc": OdbcDriver("odbc"),
}


def driver_of(name: str) -> DatabaseDriver:
    return DRIVERS.get(name) or DatabaseDriver(name)
