"""Unloading: SQL with which a company's warehouse writes its tables as files that Stille reads.

It is printed for the company's data engineer; no connection is made. Rows lie in folders
``part=a/``: the first hex digit of the MD5 of ``customer_id`` as UTF-8 text, "" for none.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from features.contract import TABLES, Table
from features.errors import ConfigError
from pipelines.config.file import nearest
from pipelines.config.settings import Settings
from pipelines.config.sources import FORMATS, ColumnMap, Dialect, Source
from pipelines.sources.binding import KNOWN_AT, bind

_LAYOUT = {"delimiter", "quote", "encoding", "nulls", "null_dates"}
_TYPES = ("text", "integer", "number", "boolean", "money", "price", "date")


class Warehouse(NamedTuple):
    """How one kind of warehouse writes rows, in a session of the zone of what has none.

    ``types`` are those of ``_TYPES``, ``instant`` is the cast to UTC, ``names`` and ``texts`` give
    quotes and escapes, ``fold`` is done to a name that nobody quotes.
    """

    sql: str
    types: str = "VARCHAR BIGINT DOUBLE BOOLEAN DECIMAL(24,6) DECIMAL(24,6) DATE"
    instant: str = "CAST({} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC'"
    names: tuple[str, Mapping[str, str]] = ('"', {'"': '""'})
    texts: Mapping[str, str] = {"'": "''", "\\": "\\\\", "\n": "\\n"}
    part: str = "LEFT(MD5({}), 1)"
    ending: str = "/"
    fold: Callable[[str], str] = str


WAREHOUSES = {
    "snowflake": Warehouse(
        "ALTER SESSION SET TIMEZONE = {zone};\nREMOVE {into};\nCOPY INTO {into} FROM ({select})\n"
        "PARTITION BY ('part=' || \"part\") FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;",
        instant="CAST(CONVERT_TIMEZONE('UTC', CAST({} AS TIMESTAMP_TZ)) AS TIMESTAMP_NTZ(6))",
        fold=str.upper,
    ),
    "bigquery": Warehouse(
        # An export has one folder; all are written, so that no row stays of a customer who is gone.
        "SET @@time_zone = {zone};\nCREATE OR REPLACE TEMP TABLE stille_{table} CLUSTER BY part AS "
        "{select};\nFOR folder IN (SELECT FORMAT('%x', n) AS part FROM UNNEST({folders}) AS n) DO"
        "\nEXPORT DATA OPTIONS (uri = CONCAT({into}, 'part=', folder.part, '/*.parquet'), "
        "format = 'PARQUET', overwrite = TRUE) AS\n"
        "SELECT * EXCEPT (part) FROM stille_{table} WHERE part = folder.part;\nEND FOR;",
        "STRING INT64 FLOAT64 BOOL NUMERIC NUMERIC DATE",
        "CAST({} AS TIMESTAMP)",
        ("`", {"`": "\\`", "\\": "\\\\", "\n": "\\n", "\r": "\\r"}),
        {"'": "\\'", "\\": "\\\\", "\n": "\\n"},
        "LEFT(TO_HEX(MD5({})), 1)",
    ),
    "databricks": Warehouse(
        "SET TIME ZONE {zone};\nCREATE OR REPLACE TEMPORARY VIEW {table}_rows AS {select};\n"
        "CREATE TABLE IF NOT EXISTS stille_{table} USING PARQUET PARTITIONED BY (part) LOCATION "
        "{into} AS SELECT * FROM {table}_rows WHERE FALSE;\n"
        "INSERT OVERWRITE TABLE stille_{table} SELECT * FROM {table}_rows;",
        "STRING BIGINT DOUBLE BOOLEAN DECIMAL(24,6) DECIMAL(24,6) DATE",
        "CAST({} AS TIMESTAMP)",
        ("`", {"`": "``"}),
        {"'": "\\'", "\\": "\\\\", "\n": "\\n"},
    ),
    "postgresql": Warehouse(
        "SET DateStyle TO 'ISO, YMD';\nSET TIME ZONE {zone};\n\\o {into}\n"
        "COPY ({select}) TO STDOUT WITH (FORMAT csv, HEADER, ENCODING 'UTF8');\n\\o",
        "TEXT BIGINT FLOAT8 TEXT DECIMAL(24,6) DECIMAL(24,6) DATE",  # a boolean of its own is t
        part="LEFT(MD5(CONVERT_TO({}, 'UTF8')), 1)",
        ending=".csv",
    ),
    "duckdb": Warehouse(
        "SET TimeZone = {zone};\n"
        "COPY ({select}) TO {into} (FORMAT parquet, PARTITION_BY (part), OVERWRITE);",
        texts={"'": "''"},
    ),
}


def unload(settings: Settings, dialect: str, into: str, names: Sequence[str], schema: str) -> str:
    """SQL that writes the named tables, or all that are configured, below the place ``into``.

    A table's own schema gives way to ``schema``, if not empty. Raises ``ConfigError`` for unknown
    names and two columns of one name, ``ContractError`` for what is refused in files too.
    """
    given = [name for name, source in settings.sources.items() if source.path or source.database]
    tables = [name for name, table in TABLES.items() if not table.derived]
    for name, allowed in ((dialect, list(WAREHOUSES)), *((name, tables) for name in names)):
        if name not in allowed:
            raise ConfigError(f"{name!r}: use one of {', '.join(allowed)}{nearest(name, allowed)}")
    sources = {**dict.fromkeys(names, Source(format="parquet", static=True)), **settings.sources}
    every, kind = settings.model_copy(update={"sources": sources}), WAREHOUSES[dialect]
    return "\n\n".join(_unload(every, kind, TABLES[n], into, schema) for n in names or given)


def _unload(settings: Settings, kind: Warehouse, table: Table, into: str, schema: str) -> str:
    source, company = settings.sources[table.name], settings.company.timezone
    zone = source.timezone or ("UTC" if FORMATS[source.kind].zone == "UTC" else company)
    dated = source.known_delay_days is None or source.duplicates in ("last", "versions")
    own = [c.name for c in table.columns if c.required or not source.columns]
    own += [KNOWN_AT.name] if dated else []
    mapped = {*source.filters, *(each.column for each in source.attributes.values())}
    mapped |= {name for origin in source.columns.values() for name in origin.read}
    read = bind(table, source, dict.fromkeys([*own, *mapped], "VARCHAR"), table.name).bindings
    # A cast would hide what reading knows better: forms of text, and times of another zone.
    forms = settings.dialect_of(table.name).model_dump(exclude=_LAYOUT)
    typed = forms == Dialect().model_dump(exclude=_LAYOUT) and zone in ("UTC", company)
    typed &= not any(b.column.type == "instant" and b.origin.columns for b in read)
    hidden = set() if typed else {*_TYPES, "instant"} - {"text"}
    hidden |= set() if source.timezone in (None, company) else {"date"}
    plain = {
        b.column.name: (b.origin.column, b.column.type)
        for b in read
        if b.column.type not in hidden and b.column in (*table.columns, KNOWN_AT)
        if b.origin.column and b.origin == ColumnMap(column=b.origin.column)
    }
    others = [name for b in read if b.column.name not in plain for name in b.origin.read]
    raw = dict.fromkeys([*others, *source.filters])
    plain = {target: origin for target, origin in plain.items() if origin[0] not in raw}
    for twice in {name.lower() for name in raw} & {"part", *plain}:
        raise ConfigError(f"sources.{table.name}: the file would have two columns called {twice}")
    quoted, text = partial(_quoted, *kind.names), partial(_quoted, "'", kind.texts)
    stored = {name: quoted(kind.fold(name)) for name in own} | {n: quoted(n) for n in mapped}
    casts = {t: f"CAST({{}} AS {to})" for t, to in zip(_TYPES, kind.types.split(), strict=True)}
    casts["instant"] = kind.instant
    columns = [f"{casts[t].format(stored[n])} AS {quoted(c)}" for c, (n, t) in plain.items()]
    as_it_stands = "-- as it stands: the mapping in the configuration applies\n  "
    columns += [f"{as_it_stands}{stored[name]} AS {quoted(name)}" for name in raw]
    key = next((b.origin.column for b in read if b.column.name == "customer_id"), None)
    customer = f"COALESCE({casts['text'].format(stored[key])}, '')" if key else "''"
    columns.append(f"{kind.part.format(customer)} AS {quoted('part')}")
    place = source.database or (source if FORMATS[source.kind].has_tables else None)
    names = ((place and place.table) or kind.fold(table.name)).split(".")
    names = [*schema.split("."), names[-1]] if schema else names
    file, listed = f"{table.name}{kind.ending}", ",\n  ".join(columns)
    sql = kind.sql.format(
        table=table.name,
        zone=text(zone),
        into=text(f"{into.rstrip('/')}/{file}"),
        select=f"SELECT\n  {listed}\nFROM {'.'.join(map(quoted, names))}",
        folders="GENERATE_ARRAY(0, 15)" if key else "[13]",
    )
    stay = ", ".join(name for name in source.columns if name not in plain)
    known = {b.column.name for b in read}
    left = ", ".join(c.name for c in (*table.columns, KNOWN_AT) if c.name not in known)
    return (
        f"-- sources.{table.name}: path {file}, timezone {'UTC' if typed else zone}; columns that "
        f"stay: {stay or 'none'}; not selected: {left or 'none'}\n{sql}"
    )


def _quoted(mark: str, escapes: Mapping[str, str], text: str) -> str:
    return mark + "".join(escapes.get(letter, letter) for letter in text) + mark
