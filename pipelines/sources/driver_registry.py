"""The registry of database drivers; any other name is an ADBC driver's."""

from collections.abc import Mapping

from pipelines.sources.drivers import BigQueryDriver, Driver
from pipelines.sources.odbc_driver import OdbcDriver
from pipelines.sources.postgres_driver import PostgresDriver

DRIVERS: Mapping[str, Driver] = {
    "postgresql": PostgresDriver("postgresql"),
    "bigquery": BigQueryDriver("bigquery"),
    "odbc": OdbcDriver("odbc"),
}


def driver_of(name: str) -> Driver:
    """The driver of a name."""
    return DRIVERS.get(name) or Driver(name)
