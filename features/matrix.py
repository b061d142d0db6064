"""The one place that knows the as-of date: cuts streams, aggregates them, joins the cohort.

A row of a stream counts when ``event_at < as_of and known_at < as_of``; a value that a row
reveals later (``Stream.reveals``) is null until then. Derivations see their tables in the
order of ``known_at`` only, so no row known later can change a cell.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from features.catalog import Catalog
from features.feature import Feature, Stream
from features.tables import DUCKDB_TYPES, TABLES, Table
from features.timeline import midnight_utc

_DUCKDB_KINDS = {"number": "float", "category": "varchar"}


def prepare(con: duckdb.DuckDBPyConnection, tables: Collection[str], zone: str) -> None:
    """Define the calendar macros and, for tables a company lacks, empty ones of the contract."""
    con.execute("set TimeZone = 'UTC'")
    con.execute(
        "create or replace temp macro midnight(day) as "
        f"(cast(day as timestamp) at time zone '{zone}') at time zone 'UTC'"
    )
    con.execute(
        "create or replace temp macro local_day(instant) as "
        f"cast((instant at time zone 'UTC') at time zone '{zone}' as date)"
    )
    for table in TABLES.values():
        if table.name not in tables:
            con.execute(f"create or replace temp table {table.name} ({_columns(table)})")


def bind(catalog: Catalog, zone: str) -> None:
    """Run every declaration against empty tables; raises ``ValueError`` naming what fails."""
    with duckdb.connect() as con:
        prepare(con, (), zone)
        attributes = [f for f in catalog.features if f.name.startswith("attr_")]
        for attribute in attributes:
            kind = "double" if attribute.kind == "number" else "varchar"
            con.execute(f'alter table customers add column "{attribute.name}" {kind}')
        con.execute("create temp table cohort (customer_id varchar, product_line varchar)")
        derive(con, catalog)
        for feature in catalog.features:
            single = Catalog(catalog.streams, (feature,), {})
            try:
                cut(con, single, date(2024, 1, 1), zone)
            except duckdb.Error as error:
                raise ValueError(f"feature {feature.name!r} does not bind: {error}") from error


def derive(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Derive every stream once, for all as-of dates, from the contract's tables in ``con``.

    Raises ``ValueError`` naming the stream whose SQL does not bind.
    """
    for stream in catalog.streams:
        try:
            con.execute(f"create or replace temp table stream_{stream.name} as {stream.sql}")
        except (duckdb.BinderException, duckdb.ParserException) as error:
            raise ValueError(f"stream {stream.name!r} does not bind: {error}") from error


def cut(con: duckdb.DuckDBPyConnection, catalog: Catalog, as_of: date, zone: str) -> pa.Table:
    """The matrix at one as-of date: a row per cohort customer, sorted by customer.

    Needs ``derive`` and the temp table ``cohort`` (customer_id, product_line). Numbers are
    float32, categories text, facts of their own type. Customers without rows stay, with each
    feature's fill.
    """
    joins = []
    selected = ["c.customer_id", f"date '{as_of}' as as_of", "c.product_line"]
    for stream in catalog.streams:
        features = [f for f in catalog.features if f.stream == stream.name]
        if not features:
            continue
        con.execute(
            f"create or replace temp table cut_{stream.name} as "
            + _cut_sql(con, stream, features, as_of, zone)
        )
        joins.append(f"left join cut_{stream.name} using (customer_id)")
        selected += [_output(feature) for feature in features]
    return con.sql(
        f"select {', '.join(selected)} from cohort c {' '.join(joins)} order by customer_id"
    ).to_arrow_table()


def _cut_sql(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    features: Sequence[Feature],
    as_of: date,
    zone: str,
) -> str:
    now = _instant(as_of, zone)
    reveals = _revealed(con, stream, as_of, now)
    aggregates = ", ".join(_aggregate(feature, as_of, zone) for feature in features)
    return (
        f"select customer_id, {aggregates} from (select *{reveals} from stream_{stream.name}) "
        f"where event_at < {now} and known_at < {now} group by customer_id"
    )


def _revealed(con: duckdb.DuckDBPyConnection, stream: Stream, as_of: date, now: str) -> str:
    if not stream.reveals:
        return ""
    described = con.execute(f"describe stream_{stream.name}").fetchall()
    types = {column: kind for column, kind, *_ in described}
    limits = {
        by: f"date '{as_of}'" if types[by] == "DATE" else now for by in stream.reveals.values()
    }
    masked = ", ".join(
        f"case when {by} < {limits[by]} then {column} end as {column}"
        for column, by in stream.reveals.items()
    )
    return f" replace ({masked})"


def _aggregate(feature: Feature, as_of: date, zone: str) -> str:
    expression, where = feature.expression, feature.where
    edge = "" if feature.window is None else _instant(as_of - timedelta(feature.window), zone)
    if edge and "{edge}" not in expression:
        where = f"({where}) and event_at >= {edge}"
    if "{filter}" not in expression:
        expression += " {filter}"
    filled = expression.replace("{filter}", f"filter (where {where})")
    for name, text in (
        ("{as_of_day}", f"date '{as_of}'"),
        ("{as_of}", _instant(as_of, zone)),
        ("{edge}", edge),
    ):
        filled = filled.replace(name, text)
    return f'{filled} as "{feature.name}"'


def _output(feature: Feature) -> str:
    if feature.kind == "fact":
        return f'"{feature.name}"'
    value = f'cast("{feature.name}" as {_DUCKDB_KINDS[feature.kind]})'
    if feature.fill is not None:
        value = f"coalesce({value}, {feature.fill})"
    return f'{value} as "{feature.name}"'


def _instant(day: date, zone: str) -> str:
    return f"timestamp '{midnight_utc(day, zone)}'"


def _columns(table: Table) -> str:
    named = [f'"{column.name}" {DUCKDB_TYPES[column.type]}' for column in table.columns]
    return ", ".join([*named, "event_at timestamp", "known_at timestamp"])
