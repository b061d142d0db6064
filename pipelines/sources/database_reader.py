"""Databases: tables fetched as Arrow batches into Parquet files of the snapshot.

All tables of one database are read in one session. Only the columns that the configuration
uses are fetched.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential

from features.contract import TABLES
from features.errors import BusyError
from pipelines.config.sources import Source
from pipelines.sources.addresses import Address, DroppedError, address_of
from pipelines.sources.database_extract import fetch
from pipelines.sources.driver_registry import driver_of
from pipelines.sources.files import Input

ATTEMPTS = 4
FIRST_WAIT_SECONDS = 2.0
_LOG = logging.getLogger("stille")


def fetch_tables(sources: Mapping[str, Source], folder: Path) -> dict[str, Input]:
    """Fetch every database table of the configuration into ``folder``; one input a table.

    Raises ``BusyError`` when a connection keeps breaking, ``ConfigError`` when the database
    refuses the user or the address or its driver is not installed, ``ContractError`` when it
    lacks a table or a column.
    """
    found: dict[str, Input] = {}
    for address, tables in _by_address(sources).items():
        found |= _persistently(sources, address, tables, folder)
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
        database = sources[name].database
        if database is not None:
            found.setdefault(address_of(database), {})[name] = database.table
    return found


def _persistently(
    sources: Mapping[str, Source], address: Address, tables: Mapping[str, str], folder: Path
) -> dict[str, Input]:
    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(FIRST_WAIT_SECONDS),
        retry=retry_if_exception_type(DroppedError),
        before_sleep=_log_retry,
        reraise=True,
    )
    try:
        return attempts(_fetch_all, sources, address, tables, folder)
    except DroppedError as error:
        raise BusyError(
            f"{address.public}: the connection broke {ATTEMPTS} times ({error}). Nothing was "
            "changed; run the same command again when the database answers."
        ) from None


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    _LOG.warning("The database does not answer (%s); trying again.", error)


def _fetch_all(
    sources: Mapping[str, Source], address: Address, tables: Mapping[str, str], folder: Path
) -> dict[str, Input]:
    folder.mkdir(parents=True, exist_ok=True)
    driver = driver_of(address.driver)
    with driver.session(address) as cursor:
        return {
            name: fetch(driver, cursor, name, sources[name], table, address, folder)
            for name, table in tables.items()
        }
