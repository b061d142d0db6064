"""The one place that knows the as-of date: cuts streams, aggregates them, joins the cohort.

A row of a stream counts when ``event_at < as_of and known_at < as_of``; a value that a row
reveals later (``Stream.reveals``) is null until the company could know it: its moment comes as
late as the rows of its table do. A version of a row counts until the next version is known:
``as_of <= replaced_at``. Derivations see their tables in the order of ``known_at`` only, so no
row known later can change a cell.
"""

import warnings
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from types import MappingProxyType

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.catalog import Catalog
from features.contract import DUCKDB_TYPES, TABLES, Table
from features.feature import Feature, Stream
from features.timeline import midnight_utc

_AT_ONCE: Mapping[str, int] = MappingProxyType({})

_DUCKDB_KINDS = {"number": "float", "category": "varchar"}


def prepare(
    con: duckdb.DuckDBPyConnection,
    tables: Collection[str],
    zone: str,
    delays: Mapping[str, int] = _AT_ONCE,
    versioned: Collection[str] = (),
) -> None:
    """Define the streams' macros and, for tables a company lacks, empty ones of the contract.

    ``delays`` are the days that a table's rows, and the moments in them, come after the event:
    ``known_cases(moment)`` is when a moment in ``cases`` could be known (naive UTC). ``versioned``
    tables have rows of one key that replace each other, all of one customer and each known at
    another instant: ``versions_orders()`` gives the rows of ``orders`` with ``replaced_at``, when
    the next version is known, null without one.
    """
    con.execute("set TimeZone = 'UTC'")
    con.execute(
        "create or replace temp macro midnight(day) as "
        f"(cast(day as timestamp) at time zone '{zone}') at time zone 'UTC'"
    )
    con.execute(
        "create or replace macro local_day(instant) as "
        f"cast((instant at time zone 'UTC') at time zone '{zone}' as date)"
    )
    for table in TABLES.values():
        con.execute(
            f"create or replace temp macro known_{table.name}(moment) as "
            f"moment + interval {delays.get(table.name, 0)} day"
        )
        if table.name not in tables:
            con.execute(f"create or replace temp table {table.name} ({_columns(table)})")
        if table.versions:
            later = f"lead(known_at) over (partition by {', '.join(table.key)} order by known_at)"
            replaced_at = later if table.name in versioned else "cast(null as timestamp)"
            con.execute(
                f"create or replace temp macro versions_{table.name}() as table "
                f"select *, {replaced_at} as replaced_at from {table.name}"
            )


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
        day = date(2024, 1, 1)
        try:
            cut(con, catalog, day, zone)
        except duckdb.Error:
            _name_what_fails(con, catalog, day, zone)
            raise


def _name_what_fails(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, day: date, zone: str
) -> None:
    for feature in catalog.features:
        try:
            cut(con, catalog.only([feature.name]), day, zone)
        except duckdb.Error as error:
            raise ValueError(f"feature {feature.name!r} does not bind: {error}") from error


def derive(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Derive every stream once, for all as-of dates, from the contract's tables in ``con``.

    The tables ``stream_<name>`` are not temporary: ``cut`` reads them over several cursors.
    Raises ``ValueError`` naming the stream whose SQL does not bind.
    """
    for stream in catalog.streams:
        try:
            con.execute(f"create or replace table stream_{stream.name} as {stream.sql}")
        except (duckdb.BinderException, duckdb.ParserException) as error:
            raise ValueError(f"stream {stream.name!r} does not bind: {error}") from error


def cut(con: duckdb.DuckDBPyConnection, catalog: Catalog, as_of: date, zone: str) -> pa.Table:
    """The matrix at one as-of date: a row per cohort customer, sorted by customer.

    Needs ``derive`` and the temp table ``cohort`` (customer_id, product_line). Numbers are
    float32, categories text, facts of their own type. Customers without rows stay, with each
    feature's fill. Combinations are computed last, over the columns that the streams gave.
    """
    cohort = con.sql("select * from cohort order by customer_id").to_arrow_table().combine_chunks()
    cuts = []
    for stream in catalog.streams:
        features = [f for f in (*catalog.features, *catalog.parts) if f.stream == stream.name]
        if features:
            cuts.append((stream, features))
    queries = [_cut_sql(stream, features, as_of, zone) for stream, features in cuts]
    columns: dict[str, pa.ChunkedArray] = {}
    for (_, features), rows in zip(cuts, _side_by_side(con, queries), strict=True):
        columns |= _aligned(cohort["customer_id"], rows, features)
    columns |= _combined(con, catalog, columns)
    days = pa.repeat(pa.scalar(as_of, pa.date32()), len(cohort))
    keys = {
        "customer_id": cohort["customer_id"],
        "as_of": days,
        "product_line": cohort["product_line"],
    }
    return pa.table(keys | {f.name: columns[f.name] for f in catalog.features})


def _side_by_side(con: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> list[pa.Table]:
    """The rows of each query, in order; as many run at once as ``con`` has threads.

    One thread for a query costs less than to share each out among all, and gives the same sum
    of floats each time.
    """
    [(threads,)] = con.execute("select current_setting('threads')").fetchall()
    con.execute("set threads = 1")
    try:
        with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
            # To copy the rows costs less than to parse and bind each query twice, as ``sql`` does.
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
            return list(pool.map(_rows, [con.cursor() for _ in queries], queries))
    finally:
        con.execute(f"set threads = {threads}")


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    with con:
        return con.execute(query).to_arrow_table()


def _aligned(
    customers: pa.ChunkedArray, rows: pa.Table, features: Sequence[Feature]
) -> dict[str, pa.ChunkedArray]:
    """Each feature's column with one value for each of ``customers``, in their order."""
    found = rows.take(pc.index_in(customers, value_set=rows["customer_id"]))
    return {f.name: _filled(found[f.name], f) for f in features}


def _filled(column: pa.ChunkedArray, feature: Feature) -> pa.ChunkedArray:
    if feature.fill is None or not column.null_count:
        return column
    return pc.fill_null(column, pa.scalar(feature.fill, column.type))


def _combined(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, columns: Mapping[str, pa.ChunkedArray]
) -> dict[str, pa.ChunkedArray]:
    features = [f for f in catalog.features if f.of]
    if not features:
        return {}
    names = dict.fromkeys(name for f in features for name in (*f.of, *f.maybe))
    con.register("columns_cut", pa.table({n: columns[n] for n in names if n in columns}))
    given = ["*", *(f'null as "{name}"' for name in names if name not in columns)]
    shown = ", ".join(_output(f, f.expression) for f in features)
    query = f"select {shown} from (select {', '.join(given)} from columns_cut)"
    rows = con.sql(query).to_arrow_table()
    con.unregister("columns_cut")
    return {f.name: _filled(rows[f.name], f) for f in features}


def _cut_sql(stream: Stream, features: Sequence[Feature], as_of: date, zone: str) -> str:
    now = _instant(as_of, zone)
    masked = ", ".join(
        f"case when {by} < {now} then {column} end as {column}"
        for column, by in stream.reveals.items()
    )
    shown = f"* replace ({masked})" if masked else "*"
    aggregates = ", ".join(_aggregate(feature, as_of, zone) for feature in features)
    counts = f"event_at < {now} and known_at < {now}"
    if any(TABLES[name].versions for name in stream.reads):
        counts += f" and coalesce(replaced_at >= {now}, true)"
    rows = f"(select {shown} from stream_{stream.name}) where {counts}"
    return f"select customer_id, {aggregates} from {rows} group by customer_id"


def _aggregate(feature: Feature, as_of: date, zone: str) -> str:
    expression = feature.expression
    wheres = [] if feature.where == "true" else [f"({feature.where})"]
    if feature.window is not None and "{edge_day}" not in expression:
        wheres.append(f"event_at >= {_instant(as_of - timedelta(feature.window), zone)}")
    if "{filter}" not in expression:
        expression += " {filter}"
    counted = f"filter (where {' and '.join(wheres)})" if wheres else ""
    filled = expression.replace("{filter}", counted)
    for name, text in (
        ("{as_of_day}", f"date '{as_of}'"),
        ("{as_of}", _instant(as_of, zone)),
        ("{edge_day}", f"date '{as_of - timedelta(feature.window or 0)}'"),
    ):
        filled = filled.replace(name, text)
    return _output(feature, filled)


def _output(feature: Feature, value: str) -> str:
    kind = _DUCKDB_KINDS.get(feature.kind)
    return f'{value if kind is None else f"cast(({value}) as {kind})"} as "{feature.name}"'


def _instant(day: date, zone: str) -> str:
    return f"timestamp '{midnight_utc(day, zone)}'"


def _columns(table: Table) -> str:
    named = [f'"{column.name}" {DUCKDB_TYPES[column.type]}' for column in table.columns]
    return ", ".join([*named, "event_at timestamp", "known_at timestamp"])
