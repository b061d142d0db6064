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

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.catalog import Catalog
from features.contract import DUCKDB_TYPES, PRICE_NOTICE, TABLES, Table
from features.feature import Feature, Stream
from features.timeline import days_later_sql, midnight_utc

_AT_ONCE: Mapping[str, int] = {}
_ALWAYS: Mapping[str, date] = {}

_DUCKDB_KINDS = {"number": "float", "category": "varchar"}


def prepare(
    con: duckdb.DuckDBPyConnection,
    tables: Collection[str],
    zone: str,
    delays: Mapping[str, int] = _AT_ONCE,
    versioned: Collection[str] = (),
    histories: Mapping[str, date] = _ALWAYS,
    first: date | None = None,
    notice: Mapping[str, int] = PRICE_NOTICE,
) -> None:
    """Define the streams' macros and, for tables a company lacks, empty ones of the contract.

    ``delays`` are local days that a table's rows, and the moments in them, come after the event:
    ``known_cases(moment)`` is when a moment in ``cases`` could be known (naive UTC). ``versioned``
    tables have rows of one key that replace each other, all of one customer and each known at
    another instant: ``versions_orders()`` gives the rows of ``orders`` with ``replaced_at``, when
    the next version is known, null without one. ``histories`` are the first local days of tables
    that have lost what was before: ``history_payments()`` is that day, or one before all others.
    ``first`` is the first of the as-of dates, if that is known: what streams say of days before
    ``first_midnight()`` nobody will see. ``notice``: rows of ``price_notice``.
    """
    con.execute("set TimeZone = 'UTC'")
    con.execute("create or replace temp table price_notice (product_line varchar, days integer)")
    for bound in notice.items():
        con.execute("insert into price_notice values (?, ?)", bound)
    local = f"(instant at time zone 'UTC') at time zone '{zone}'"
    macros = {
        "midnight(day)": f"(cast(day as timestamp) at time zone '{zone}') at time zone 'UTC'",
        "local_day(instant)": f"cast({local} as date)",
        "local_hour(instant)": f"extract(hour from {local})",
        "first_midnight()": _instant(first, zone) if first else "timestamp '0001-01-01'",
    }
    for name, table in TABLES.items():
        macros[f"known_{name}(moment)"] = days_later_sql("moment", delays.get(name, 0), zone)
        macros[f"history_{name}()"] = f"date '{histories.get(name, date.min)}'"
        if name not in tables:
            con.execute(f"create or replace temp table {name} ({_columns(table)})")
        if table.versions:
            later = f"lead(known_at) over (partition by {', '.join(table.key)} order by known_at)"
            replaced_at = later if name in versioned else "cast(null as timestamp)"
            rows = f"select *, {replaced_at} as replaced_at from {name}"
            macros[f"versions_{name}()"] = f"table {rows}"
    for signature, meaning in macros.items():
        con.execute(f"create or replace macro {signature} as {meaning}")


def derive(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Derive every stream once, for all as-of dates, from the contract's tables in ``con``.

    Those that see a table ``as_known`` are left to ``cut``. The tables ``stream_<name>`` are not
    temporary: ``cut`` reads them over several cursors. Raises ``ValueError`` naming the stream
    whose SQL does not bind.
    """
    for stream in catalog.streams:
        if not stream.as_known:
            _derive(con, stream, stream.sql)


def _derive(con: duckdb.DuckDBPyConnection, stream: Stream, sql: str) -> None:
    try:
        con.execute(f"create or replace table stream_{stream.name} as {sql}")
    except (duckdb.BinderException, duckdb.ParserException) as error:
        raise ValueError(f"stream {stream.name!r} does not bind: {error}") from error


def _in_force(table: Table, now: str) -> str:
    """SQL of a table's rows as they were known before ``now``: of each key the newest version.

    It is known since the first version was, or since the day to which its event was moved.
    """
    key = ", ".join(table.key)
    return (
        f"{table.name} as (select * replace (greatest("
        f"min(known_at) over (partition by {key}), event_at) as known_at) "
        f"from temp.{table.name} where known_at < {now} "
        f"qualify row_number() over (partition by {key} order by known_at desc) = 1)"
    )


def cut(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    as_of: date,
    zone: str,
    begins: Mapping[str, date] = _ALWAYS,
) -> pa.Table:
    """The matrix at one as-of date: a row per cohort customer, sorted by customer.

    Needs ``derive`` and the temp table ``cohort`` (customer_id, product_line). Numbers are
    float32, categories text, facts of their own type. Customers without rows stay, with each
    feature's fill. Combinations are computed last, over the columns that the streams gave.

    ``begins`` is the first day of a table's history, where that is known: a window that opens
    before it is null for everybody, as nobody knows what happened there.
    """
    cohort = con.sql("select * from cohort order by customer_id").to_arrow_table().combine_chunks()
    cuts, now = [], _instant(as_of, zone)
    for stream in catalog.streams:
        if stream.as_known:
            rows = ", ".join(_in_force(TABLES[name], now) for name in stream.as_known)
            _derive(con, stream, f"with {rows} select * from ({stream.sql})")
        features = [f for f in (*catalog.features, *catalog.parts) if f.stream == stream.name]
        if features:
            cuts.append((stream, features))
    queries = [_cut_sql(stream, features, as_of, zone) for stream, features in cuts]
    columns: dict[str, pa.ChunkedArray] = {}
    for (_, features), rows in zip(cuts, _side_by_side(con, queries), strict=True):
        found = rows.take(pc.index_in(cohort["customer_id"], value_set=rows["customer_id"]))
        columns |= {f.name: _filled(found[f.name], f) for f in features}
    unknown = _before_history(catalog, as_of, begins)
    columns |= {n: _nulls(column) for n, column in columns.items() if n in unknown}
    columns |= _combined(con, catalog, columns)
    columns |= {f.name: _nulls(columns[f.name]) for f in catalog.features if unknown & {*f.of}}
    days = pa.repeat(pa.scalar(as_of, pa.date32()), len(cohort))
    keys = {"customer_id": cohort["customer_id"], "as_of": days}
    keys["product_line"] = cohort["product_line"]
    return pa.table(keys | {f.name: columns[f.name] for f in catalog.features})


def _before_history(catalog: Catalog, as_of: date, begins: Mapping[str, date]) -> set[str]:
    """The features whose window opens before a table that they need begins."""
    return {
        f.name
        for f in (*catalog.features, *catalog.parts)
        if f.window is not None
        and any(
            as_of - timedelta(f.window) < begins.get(need.partition(".")[0], date.min)
            for need in f.needs
        )
    }


def _nulls(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(len(column), column.type)])


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


def _filled(column: pa.ChunkedArray, feature: Feature) -> pa.ChunkedArray:
    """What no row means in place of null; then null in place of NaN, a value without meaning."""
    if feature.fill is None:
        return column
    filled = pc.fill_null(column, pa.scalar(feature.fill, column.type))
    if "'nan'" not in feature.expression:
        return filled
    return pc.if_else(pc.is_nan(filled), pa.scalar(None, filled.type), filled)


def _combined(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, columns: Mapping[str, pa.ChunkedArray]
) -> dict[str, pa.ChunkedArray]:
    features = [f for f in catalog.features if not f.stream]
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
    if stream.versions or any(TABLES[name].versions for name in stream.reads):
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
