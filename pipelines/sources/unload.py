"""Unloading: SQL with which a company's warehouse writes its tables as files that Stille reads.

It is printed for the company's data engineer; no connection is made. Rows lie in folders
``part=ab/``: the first two hex digits of the MD5 of ``customer_id`` as UTF-8 text, "" for none.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from features.contract import TABLES, Table
from features.errors import ConfigError
from pipelines.config.errors import nearest
from pipelines.config.settings import Settings
from pipelines.config.sources import FORMATS, ColumnMap, Dialect, Source
from pipelines.sources.binding import KNOWN_AT, bind

_LAYOUT = {"delimiter", "quote", "encoding", "nulls", "null_dates"}
_TYPES = ("text", "integer", "number", "boolean", "money", "price", "date")


class Warehouse(NamedTuple):
    """How one kind of warehouse writes rows, in a session of the zone of what has none.

    ``types`` are those of ``_TYPES``, ``instant`` is the cast to UTC; ``names`` and ``texts`` are
    quoted and escaped so; ``fold`` is done to the names that nobody quotes.
    """

    types: str
    instant: str
    sql: str
    names: tuple[str, Mapping[str, str]] = ('"', {'"': '""'})
    texts: Mapping[str, str] = {"'": "''", "\\": "\\\\", "\n": "\\n"}
    part: str = "LEFT(MD5({}), 2)"
    ending: str = "/"
    fold: Callable[[str], str] = str

    def cast(self, name: str, kind: str) -> str:
        types = dict(zip(_TYPES, self.types.split(), strict=True))
        return self.instant.format(name) if kind == "instant" else f"CAST({name} AS {types[kind]})"


_AT_UTC = "CAST({} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC'"
_BACKSLASHES = {"'": "\\'", "\\": "\\\\", "\n": "\\n"}
WAREHOUSES = {
    "snowflake": Warehouse(
        "VARCHAR BIGINT DOUBLE BOOLEAN DECIMAL(24,6) DECIMAL(24,6) DATE",
        "CAST(CONVERT_TIMEZONE('UTC', CAST({} AS TIMESTAMP_TZ)) AS TIMESTAMP_NTZ(6))",
        "ALTER SESSION SET TIMEZONE = {zone};\nREMOVE {into};\nCOPY INTO {into} FROM ({select})\n"
        "PARTITION BY ('part=' || \"part\") FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;",
        fold=str.upper,
    ),
    "bigquery": Warehouse(
        "STRING INT64 FLOAT64 BOOL NUMERIC NUMERIC DATE",
        "CAST({} AS TIMESTAMP)",
        # An export has one folder; all are written, so that no row stays of a customer who is gone.
        "SET @@time_zone = {zone};\nCREATE OR REPLACE TEMP TABLE stille_{table} CLUSTER BY part AS "
        "{select};\nFOR folder IN (SELECT FORMAT('%02x', n) AS part FROM UNNEST({folders}) AS n) DO"
        "\nEXPORT DATA OPTIONS (uri = CONCAT({into}, 'part=', folder.part, '/*.parquet'), "
        "format = 'PARQUET', overwrite = TRUE) AS\n"
        "SELECT * EXCEPT (part) FROM stille_{table} WHERE part = folder.part;\nEND FOR;",
        ("`", {"`": "\\`", "\\": "\\\\", "\n": "\\n", "\r": "\\r"}),
        _BACKSLASHES,
        "LEFT(TO_HEX(MD5({})), 2)",
    ),
    "databricks": Warehouse(
        "STRING BIGINT DOUBLE BOOLEAN DECIMAL(24,6) DECIMAL(24,6) DATE",
        "CAST({} AS TIMESTAMP)",
        "SET TIME ZONE {zone};\nCREATE OR REPLACE TEMPORARY VIEW stille_{table} AS {select};\n"
        "CREATE TABLE IF NOT EXISTS {target} USING PARQUET PARTITIONED BY (part) LOCATION {into} "
        "AS SELECT * FROM stille_{table} WHERE FALSE;\n"
        "INSERT OVERWRITE TABLE {target} SELECT * FROM stille_{table};",
        ("`", {"`": "``"}),
        _BACKSLASHES,
    ),
    "postgresql": Warehouse(
        # It writes no Parquet. Booleans are text there, as their own form is t and f.
        "TEXT BIGINT FLOAT8 TEXT DECIMAL(24,6) DECIMAL(24,6) DATE",
        _AT_UTC,
        "SET DateStyle TO 'ISO, YMD';\nSET TIME ZONE {zone};\n\\o {into}\n"
        "COPY ({select}) TO STDOUT WITH (FORMAT csv, HEADER, ENCODING 'UTF8');\n\\o",
        part="LEFT(MD5(CONVERT_TO({}, 'UTF8')), 2)",
        ending=".csv",
    ),
    "duckdb": Warehouse(
        "VARCHAR BIGINT DOUBLE BOOLEAN DECIMAL(24,6) DECIMAL(24,6) DATE",
        _AT_UTC,
        "SET TimeZone = {zone};\n"
        "COPY ({select}) TO {into} (FORMAT parquet, PARTITION_BY (part), OVERWRITE);",
        texts={"'": "''"},
    ),
}


def unload(
    settings: Settings, dialect: str, into: str, names: Sequence[str] = (), schema: str = ""
) -> str:
    """SQL that writes each table, or all that are configured, below the place ``into``.

    A table stands where the configuration says, or under its name in the contract, in ``schema``
    if given. Raises ``ConfigError`` for what is unknown or would be two columns of one name, and
    ``ContractError`` for what is refused when files are read.
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
    own = [column.name for column in table.columns if column.required or not source.columns]
    if source.known_delay_days is None or source.duplicates in ("last", "versions"):
        own.append(KNOWN_AT.name)
    mapped = {*source.filters, *(each.column for each in source.attributes.values())}
    mapped |= {name for origin in source.columns.values() for name in origin.read}
    bound = bind(table, source, dict.fromkeys([*own, *mapped], "VARCHAR"), table.name)

    # A cast would hide what reading knows better: forms of text, and times of another zone.
    forms = settings.dialect_of(table.name).model_dump(exclude=_LAYOUT)
    joined = any(b.column.type == "instant" and b.origin.columns for b in bound.bindings)
    typed = forms == Dialect().model_dump(exclude=_LAYOUT) and not joined
    typed = typed and zone in ("UTC", company)
    casts = {*_TYPES, "instant"} if typed else {"text"}
    casts -= set() if source.timezone in (None, company) else {"date"}
    plain = {
        b.column.name: (b.origin.column, b.column.type)
        for b in bound.bindings
        if b.column.type in casts and b.column in (*table.columns, KNOWN_AT)
        if b.origin.column and b.origin == ColumnMap(column=b.origin.column)
    }
    read = [name for b in bound.bindings if b.column.name not in plain for name in b.origin.read]
    raw = dict.fromkeys([*read, *source.filters])
    plain = {target: each for target, each in plain.items() if each[0] not in raw}
    for twice in {name.lower() for name in raw} & {"part", *plain}:
        raise ConfigError(f"sources.{table.name}: the file would have two columns called {twice}")

    quoted, text = partial(_quoted, *kind.names), partial(_quoted, "'", kind.texts)
    stored = {name: quoted(kind.fold(name)) for name in own} | {n: quoted(n) for n in mapped}
    columns = [f"{kind.cast(stored[n], to)} AS {quoted(c)}" for c, (n, to) in plain.items()]
    columns += [f"{_STANDS}{stored[name]} AS {quoted(name)}" for name in raw]
    key = next((b.origin.column for b in bound.bindings if b.column.name == "customer_id"), None)
    hashed = f"COALESCE({kind.cast(stored[key], 'text')}, '')" if key else "''"
    columns.append(f"{kind.part.format(hashed)} AS {quoted('part')}")
    place = source.database or (source if FORMATS[source.kind].has_tables else None)
    names = ((place and place.table) or kind.fold(table.name)).split(".")
    names = [*schema.split("."), names[-1]] if schema else names
    file, listed = f"{table.name}{kind.ending}", ",\n  ".join(columns)
    stay = ", ".join(name for name in source.columns if name not in plain) or "none"
    sql = kind.sql.format(
        zone=text(zone),
        into=text(f"{into.rstrip('/')}/{file}"),
        select=f"SELECT\n  {listed}\nFROM {'.'.join(map(quoted, names))}",
        table=table.name,
        target=".".join(map(quoted, [*names[:-1], f"stille_{table.name}"])),
        folders="GENERATE_ARRAY(0, 255)" if key else "[212]",
    )
    read = {b.column.name for b in bound.bindings}
    left = ", ".join(c.name for c in (*table.columns, KNOWN_AT) if c.name not in read) or "none"
    return (
        f"-- sources.{table.name}: path {file}, timezone {'UTC' if typed else zone}; columns that "
        f"stay: {stay}; not selected: {left}\n{sql}"
    )


_STANDS = "-- as it stands: the mapping in the configuration applies\n  "


def _quoted(mark: str, escapes: Mapping[str, str], text: str) -> str:
    return mark + "".join(escapes.get(letter, letter) for letter in text) + mark
