"""The registry of database drivers; any other name is an ADBC driver's."""

from collections.abc import Mapping

from pipelines.sources.drivers import DatabaseDriver
from pipelines.sources.odbc_driver import OdbcDriver
from pipelines.sources.postgres_driver import PostgresDriver


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
    """The driver of a name."""
    return DRIVERS.get(name) or DatabaseDriver(name)
