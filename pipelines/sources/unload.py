"""Unloading: SQL with which a company's warehouse writes its tables as files that Stille reads.

It is printed for the company's data engineer; no connection is made. Rows lie in folders
``part=a/``: the first hex digit of the MD5 of ``customer_id`` as UTF-8 text, "" for none.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from string import Formatter

from pydantic import RootModel, field_validator

from features.contract import TABLES, Table
from features.errors import ConfigError
from pipelines.config.file import nearest
from pipelines.config.sections import Section
from pipelines.config.settings import Settings
from pipelines.config.sources import FORMATS, ColumnMap, Dialect, Source
from pipelines.config.text_files import WAREHOUSES, load_checked
from pipelines.sources.binding import KNOWN_AT, bind

_LAYOUT = {"delimiter", "quote", "encoding", "nulls", "null_dates"}
_PLACES = {"table", "zone", "into", "select", "folders"}
_TYPES = ("text", "integer", "number", "boolean", "money", "price", "date")


class Warehouse(Section):
    """How one kind of warehouse writes rows; in ``configs/warehouses.yaml`` is what fields say."""

    sql: str
    types: str = "VARCHAR BIGINT DOUBLE BOOLEAN DECIMAL(24,6) DECIMAL(24,6) DATE"
    instant: str = "CAST({} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC'"
    names: tuple[str, Mapping[str, str]] = ('"', {'"': '""'})
    texts: Mapping[str, str] = {"'": "''", "\\": "\\\\", "\n": "\\n"}
    part: str = "LEFT(MD5({}), 1)"
    ending: str = "/"
    capitals: bool = False

    @field_validator("sql")
    @classmethod
    def _places_exist(cls, sql: str) -> str:
        if unknown := {name for _, name, *_ in Formatter().parse(sql) if name} - _PLACES:
            raise ValueError(f"nothing stands for {', '.join(sorted(unknown))}")
        return sql


def warehouses() -> Mapping[str, Warehouse]:
    """Every kind of warehouse by name; raises ``ConfigError`` listing what is wrong in the file."""
    return load_checked(WAREHOUSES, RootModel[Mapping[str, Warehouse]], "the warehouses").root


def unload(settings: Settings, dialect: str, into: str, names: Sequence[str], schema: str) -> str:
    """SQL that writes the named tables, or all that are configured, below the place ``into``.

    A table's own schema gives way to ``schema``, if not empty. Raises ``ConfigError`` for unknown
    names and two columns of one name, ``ContractError`` for what is refused in files too.
    """
    given = [name for name, source in settings.sources.items() if source.path or source.database]
    tables = [name for name, table in TABLES.items() if not table.derived]
    kinds = warehouses()
    for name, allowed in ((dialect, list(kinds)), *((name, tables) for name in names)):
        if name not in allowed:
            raise ConfigError(f"{name!r}: use one of {', '.join(allowed)}{nearest(name, allowed)}")
    sources = {**dict.fromkeys(names, Source(format="parquet", static=True)), **settings.sources}
    every, kind = settings.model_copy(update={"sources": sources}), kinds[dialect]
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
    fold = str.upper if kind.capitals else str
    stored = {name: quoted(fold(name)) for name in own} | {n: quoted(n) for n in mapped}
    casts = {t: f"CAST({{}} AS {to})" for t, to in zip(_TYPES, kind.types.split(), strict=True)}
    casts["instant"] = kind.instant
    columns = [f"{casts[t].format(stored[n])} AS {quoted(c)}" for c, (n, t) in plain.items()]
    as_it_stands = "-- as it stands: the mapping in the configuration applies\n  "
    columns += [f"{as_it_stands}{stored[name]} AS {quoted(name)}" for name in raw]
    key = next((b.origin.column for b in read if b.column.name == "customer_id"), None)
    customer = f"COALESCE({casts['text'].format(stored[key])}, '')" if key else "''"
    columns.append(f"{kind.part.format(customer)} AS {quoted('part')}")
    place = source.database or (source if FORMATS[source.kind].has_tables else None)
    names = ((place and place.table) or fold(table.name)).split(".")
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
