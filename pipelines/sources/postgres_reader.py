"""PostgreSQL connector: tables fetched as Arrow batches into Parquet files of the snapshot.

All tables of one database are read in one repeatable-read transaction, so they fit together
whatever is written meanwhile. Only the columns that the configuration uses are fetched.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from adbc_driver_manager import Error as DriverError
from adbc_driver_manager.dbapi import Cursor
from adbc_driver_postgresql import dbapi
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential

from features.contract import TABLES
from features.errors import BusyError, ConfigError, ContractError
from pipelines.config.sources import Source
from pipelines.sources.files import Input
from pipelines.sources.postgres_extract import (
    DroppedError,
    columns_of,
    fetch,
    public_address,
    with_timeouts,
    without_secrets,
)

ATTEMPTS = 4
FIRST_WAIT_SECONDS = 2.0
_LOG = logging.getLogger("stille")
# What another attempt does not mend; the server's own words, before its language applies.
_FOR_GOOD = ("authentication failed", "does not exist", "pg_hba.conf", "invalid ", "missing ")
_ABSENT, _DENIED = ("42P01", "3F000"), "42501"


def fetch_tables(sources: Mapping[str, Source], folder: Path) -> dict[str, Input]:
    """Fetch every database table of the configuration into ``folder``; one input a table.

    Raises ``BusyError`` when a connection keeps breaking, ``ConfigError`` when the database
    refuses the user or the address, ``ContractError`` when it lacks a table or a column.
    """
    found: dict[str, Input] = {}
    for uri, tables in _by_address(sources).items():
        found |= _persistently(sources, uri, tables, folder)
    return found


def inspect_tables(sources: Mapping[str, Source]) -> Iterator[tuple[str, str, int]]:
    """Name, address and number of columns of every database table of the configuration.

    Raises like ``fetch_tables``, at the first connection that breaks.
    """
    for uri, tables in _by_address(sources).items():
        try:
            with transaction(uri) as cursor:
                for name, table in tables.items():
                    yield name, f"{public_address(uri)}/{table}", len(columns_of(cursor, table))
        except DroppedError as error:
            raise BusyError(f"{public_address(uri)}: the connection broke ({error})") from None


def _by_address(sources: Mapping[str, Source]) -> dict[str, dict[str, str]]:
    """Address → table of the contract → table of the database."""
    found: dict[str, dict[str, str]] = {}
    for name in (name for name in TABLES if name in sources):
        database = sources[name].database
        if database is not None:
            found.setdefault(database.uri.get_secret_value(), {})[name] = database.table
    return found


def _persistently(
    sources: Mapping[str, Source], uri: str, tables: Mapping[str, str], folder: Path
) -> dict[str, Input]:
    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(FIRST_WAIT_SECONDS),
        retry=retry_if_exception_type(DroppedError),
        before_sleep=_log_retry,
        reraise=True,
    )
    try:
        return attempts(_fetch_all, sources, uri, tables, folder)
    except DroppedError as error:
        raise BusyError(
            f"{public_address(uri)}: the connection broke {ATTEMPTS} times ({error}). Nothing was "
            "changed; run the same command again when the database answers."
        ) from None


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    _LOG.warning("The database does not answer (%s); trying again.", error)


def _fetch_all(
    sources: Mapping[str, Source], uri: str, tables: Mapping[str, str], folder: Path
) -> dict[str, Input]:
    folder.mkdir(parents=True, exist_ok=True)
    with transaction(uri) as cursor:
        return {
            name: fetch(cursor, name, sources[name], table, uri, folder)
            for name, table in tables.items()
        }


@contextmanager
def transaction(uri: str) -> Iterator[Cursor]:
    """A read-only, repeatable-read transaction, rolled back at the end; errors in plain words."""
    try:
        with dbapi.connect(with_timeouts(uri)) as connection, connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
            yield cursor
    except DriverError as error:
        raise _meaning(error, uri) from None


def _meaning(error: DriverError, uri: str) -> Exception:
    said = without_secrets(str(error), uri)
    if error.sqlstate in _ABSENT:
        return ContractError(
            f"{public_address(uri)}: {said}. Is the table named letter by letter, schema first?"
        )
    if error.sqlstate == _DENIED:
        return ContractError(f"{public_address(uri)}: {said}. Grant SELECT on it to the user.")
    if error.sqlstate is None and any(words in said for words in _FOR_GOOD):
        return ConfigError(
            f"{public_address(uri)}: {said}. Check the address in the environment variable."
        )
    return DroppedError(said)
