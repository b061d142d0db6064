"""One customer's tables and matrix row, open in one connection.

The feature code of the night runs on them, so that no second definition can differ.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd

from features.catalog import Catalog
from features.contract import TABLES
from features.labels import COHORT_TABLES
from features.timeline import local_day, midnight_utc
from pipelines.config.settings import Settings
from pipelines.explanation.case import Case
from pipelines.matrices.build import catalog_of
from pipelines.matrices.files import KEYS
from pipelines.matrices.shard import open_shard
from pipelines.runtime.duckdb_connection import connect, identifier
from pipelines.sources.type_casting import ALWAYS


@dataclass(frozen=True, slots=True)
class TableUse:
    """How many of the customer's rows of a table were known, and of which days they are.

    A table made from others' rows is named whether or not there are any.
    """

    table: str
    rows: int
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class CustomerMatrix:
    """``con`` has the contract's tables of the customer and ``cohort``; ``row`` is the matrix's."""

    con: duckdb.DuckDBPyConnection
    catalog: Catalog
    row: pd.DataFrame
    used: tuple[TableUse, ...]


@contextmanager
def open_customer(settings: Settings, case: Case) -> Iterator[CustomerMatrix]:
    """Open the case's snapshot for its customer, by the feature code of the night."""
    snapshot, catalog = case.snapshot, catalog_of(settings.sources, case.snapshot)
    with connect(settings.engine, settings.paths.spill) as con:
        [(number,)] = con.execute(
            "select cast(md5_number_lower(?) % ? as integer)", [case.customer, snapshot.shards]
        ).fetchall()
        shard = open_shard(con, settings, snapshot, catalog, number, case.as_of)
        con.execute("delete from numbered where text <> ?", [case.customer])
        for table in COHORT_TABLES & set(snapshot.tables):
            others = "customer_id not in (select number from numbered)"
            con.execute(f"delete from {identifier(table)} where {others}")
        shard.cohort(case.as_of)
        names = [feature.name for feature in catalog.features]
        rows = shard.cut(case.as_of, names).select([*KEYS, *names])
        used = _used(con, catalog, case.as_of, settings.company.timezone)
        yield CustomerMatrix(con, catalog, rows.to_pandas(date_as_object=False), tuple(used))


def _used(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, as_of: date, zone: str
) -> Iterator[TableUse]:
    read = {table for stream in catalog.streams for table in (*stream.reads, *stream.optional)}
    now, moment = midnight_utc(as_of, zone), f"nullif(event_at, {ALWAYS})"
    for table in TABLES.values():
        if table.name in read and table.per_customer:
            [(rows, *moments)] = con.execute(
                f"select count(*), min({moment}), max({moment}) from {identifier(table.name)} "
                "where coalesce(event_at < $now, true) and coalesce(known_at < $now, true)",
                {"now": now},
            ).fetchall()
            if rows or table.derived:
                yield TableUse(table.name, rows, *(m and local_day(m, zone) for m in moments))
