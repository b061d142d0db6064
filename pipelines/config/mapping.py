"""Validation of the sources: column mapping against the data contract, look-ahead in attributes.

A register shows what holds today, for every as-of date, so learning from it is learning from the
future. A column becomes a feature as it stands only when it is declared static, and its history is
read when it is not.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from features.contract import FORBIDDEN_COLUMNS, TABLES, Column, Table
from features.errors import ConfigError
from pipelines.config import sources as declared
from pipelines.config.file import Problem, nearest
from pipelines.config.sources import Dialect, Source

EXTRA_COLUMNS = ("known_at",)
_ATTRIBUTE = re.compile("[a-z][a-z0-9_]*")
SYNTHESISED_BY_LEVELS = ("change_id", "old_price", "notified_on")
HISTORY = "master_data"
SEGMENT = "segment"
TRACKED = TABLES[HISTORY].column("attribute").allowed
_WRITTEN = {"boolean": "true or false", "date": "YYYY-MM-DD", "instant": "YYYY-MM-DD HH:MM:SS"}
_READERS: Mapping[str, Callable[[str], object]] = {
    "boolean": (*Dialect().true_values, *Dialect().false_values).index,
    **{"date": date.fromisoformat, "instant": datetime.fromisoformat},
    **dict.fromkeys(("integer", "number", "money", "price"), Decimal),
}
"""What reads a constant of a column's type, and refuses another."""
_LEFT = f"its history is read from sources.{HISTORY}"


def declaration_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Unknown tables, columns and values, paths out of the data folder, undeclared attributes."""
    if isinstance(document.get("sources"), dict):
        yield from _tables(document["sources"])
        yield from _undeclared(_section(document["sources"], "customers"))
    for key in ("rows_of", "day_rows", "freshness_days"):
        for name in _section(_section(document, "quality"), key):
            if name not in TABLES:
                guess = nearest(str(name), TABLES)
                yield Problem(("quality", key, str(name)), f"unknown table{guess}")


def _section(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """What the types say is a mapping; empty where it is none, as the types then say."""
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _tables(sources: Mapping[str, Any]) -> Iterator[Problem]:
    for table in TABLES.values():
        if table.required and table.name not in sources:
            yield Problem(("sources", table.name), "required, and not given")
    for name, source in sources.items():
        place = ("sources", str(name))
        if name not in TABLES:
            guess = nearest(str(name), TABLES)
            given = ", ".join(table.name for table in TABLES.values() if not table.derived)
            yield Problem(place, f"unknown table; the contract has: {given}{guess}")
        elif TABLES[name].derived:
            yield Problem(place, f"never given: {TABLES[name].doc}")
        elif isinstance(source, dict):
            yield from _source(place, TABLES[name], source)


def _source(place: tuple[str, ...], table: Table, source: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _origin(place, source)
    if source.get("levels") and table.name != "price_changes":
        yield Problem((*place, "levels"), "only price_changes can be given as price levels")
    if source.get("attributes") and table.name != "customers":
        yield Problem((*place, "attributes"), "only customers have attributes")
    once = not table.may_have_versions or source.get("levels")
    if once and source.get("duplicates") == "versions":
        allowed = ", ".join(other.name for other in TABLES.values() if other.may_have_versions)
        yield Problem(
            (*place, "duplicates"),
            f"{table.name} is read as a whole, and no row of it can be taken back: give each row "
            f"once; tables that may have versions: {allowed}",
        )
    for name in _section(source, "attributes"):
        if not _ATTRIBUTE.fullmatch(str(name)):
            message = "an attribute's name is lower-case letters, digits and underscores"
            yield Problem((*place, "attributes", str(name)), message)
    for column, origin in _section(source, "columns").items():
        yield from _column((*place, "columns", str(column)), table, str(column), origin)
        if source.get("levels") and column in SYNTHESISED_BY_LEVELS:
            yield Problem((*place, "columns", str(column)), "made from the levels; not mapped")


def _origin(place: tuple[str, ...], source: Mapping[str, Any]) -> Iterator[Problem]:
    path, database = source.get("path"), source.get("database")
    if (path is None) == (database is None):
        yield Problem(place, "give either path (files) or database (uri, table)")
    if source.get("joins") and (place[-1] != "customers" or database is not None):
        yield Problem((*place, "joins"), "only files of customers are joined with others")
    if database is not None:
        for key in ("format", "header_row", "table"):
            if source.get(key) is not None:
                yield Problem((*place, key), f"only files have a {key}; see database.table")
    elif isinstance(path, str):
        yield from _within(place, path, source)


def _within(place: tuple[str, ...], path: str, source: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of what is named within a file."""
    given, table = source.get("format"), source.get("table")
    kind = cast(declared.FileKind, given) if given in declared.FORMATS else declared.file_kind(path)
    if declared.FORMATS[kind].has_tables and table is None:
        yield Problem((*place, "table"), "required: which table of the file")
    archive = kind == "csv" and path.endswith(".zip")
    if table is not None and not (declared.FORMATS[kind].has_tables or kind == "excel" or archive):
        message = "only DuckDB and SQLite files, workbooks and archives have tables"
        yield Problem((*place, "table"), message)
    if source.get("header_row") is not None and kind not in ("csv", "excel"):
        yield Problem((*place, "header_row"), "only text files and sheets have a header row")


def _column(place: tuple[str, ...], table: Table, name: str, origin: Any) -> Iterator[Problem]:
    # A forbidden column is the data contract's matter and refused there, with its reason.
    if name.lower() in FORBIDDEN_COLUMNS or name in EXTRA_COLUMNS:
        return
    known = [column.name for column in table.columns]
    if name not in known:
        allowed = ", ".join((*known, *EXTRA_COLUMNS))
        yield Problem(place, f"unknown column; allowed: {allowed}{nearest(name, known)}")
    elif isinstance(origin, dict):
        if (table.name, name) != ("customers", "segment") and {"static", "mutable"} & set(origin):
            yield Problem(place, "only attributes and the segment are static or mutable")
        durations = {f"{unit}_before" for unit in declared.DURATIONS}
        if table.column(name).type != "date" and durations & set(origin):
            yield Problem(place, "only a date can be given as a duration")
        yield from _values(place, table.column(name), origin)


def _values(place: tuple[str, ...], column: Column, origin: Mapping[str, Any]) -> Iterator[Problem]:
    targets = list(_section(origin, "values").values())
    if origin.get("value") is not None:
        targets.append(origin["value"])
    elif "value" in origin and column.required:
        yield Problem(place, "required: no row may be without it")
    constant = origin.get("value")
    if constant is not None and not _reads(declared.constant_text(constant), column):
        written = _WRITTEN.get(column.type, "a number with a decimal point")
        message = f"found {constant!r}; a constant is written as {written}"
        yield Problem((*place, "value"), message)
    if origin.get("duration") is not None and column.unit != "s":
        yield Problem((*place, "duration"), "only a column of seconds is a duration")
    for target in targets:
        if column.allowed and target not in column.allowed:
            guess = nearest(str(target), column.allowed)
            allowed = ", ".join(column.allowed)
            yield Problem(place, f"found {target!r}; allowed: {allowed}{guess}")
    if origin.get("row_number") and column.name == "customer_id":
        yield Problem(place, "a row number cannot tell which customer a row belongs to")


def _reads(constant: str, column: Column) -> bool:
    """Whether a constant is a value of the column; it is read in the contract's own forms."""
    try:
        _READERS.get(column.type, str)(constant)
    except (ValueError, ArithmeticError):
        return False
    return True


def _undeclared(customers: Mapping[str, Any]) -> Iterator[Problem]:
    """Attributes, and a segment that is mapped, of which nobody says whether they can change."""
    declarable = [("attributes", *each) for each in _section(customers, "attributes").items()]
    segment = _section(customers, "columns").get(SEGMENT)
    if segment is not None:
        entry = segment if isinstance(segment, dict) else {"column": segment}
        declarable.append(("columns", SEGMENT, entry))
    for section, name, attribute in declarable:
        if not isinstance(attribute, dict):
            continue
        place = ("sources", "customers", section, str(name))
        static, mutable = attribute.get("static") is True, attribute.get("mutable") is True
        if static and mutable:
            yield Problem(place, "static and mutable exclude each other")
        if not (static or mutable or customers.get("static") is True):
            column = attribute.get("column")
            yield Problem(
                place,
                f"can {column!r} change after the day it is first written? If never: "
                f"static: true. If it can: mutable: true, and give its history in sources.{HISTORY}"
                f" ({', '.join(TRACKED)}), or drop the column with its reason",
            )


def left_to_history(sources: Mapping[str, Source]) -> Mapping[str, Source]:
    """The sources without the mutable attributes whose history the company gives."""
    if HISTORY not in sources:
        return sources
    customers = sources["customers"]
    left = [each for each in _mutable(customers) if each[1] in TRACKED]
    sections: dict[str, dict[str, Any]] = {
        "attributes": {**customers.attributes},
        "columns": {**customers.columns},
    }
    for section, name, _ in left:
        sections[section].pop(name, None)
    dropped = {**customers.dropped, **dict.fromkeys((column for *_, column in left), _LEFT)}
    changed = customers.model_copy(update={**sections, "dropped": dropped})
    return {**sources, "customers": changed}


def _mutable(customers: Source) -> Iterator[tuple[str, str, str]]:
    """(section, name, source column) of what is overwritten."""
    for name, attribute in customers.attributes.items():
        if attribute.mutable:
            yield "attributes", name, attribute.column
    segment = customers.columns.get(SEGMENT)
    if segment is not None and segment.mutable:
        yield from (("columns", SEGMENT, column) for column in segment.read)


def refuse_mutable(sources: Mapping[str, Source]) -> None:
    """Raise ``ConfigError`` naming each column that would tell the model its own future."""
    lack = {True: f"sources.{HISTORY} is not given", False: "no history can be given for it"}
    columns = [
        f"  {column!r} (sources.customers.{section}.{name}): {lack[name in TRACKED]}"
        for section, name, column in _mutable(sources["customers"])
    ]
    if columns:
        raise ConfigError(
            "a column that is overwritten shows at every past day what holds now, so a model "
            "would learn from the future:\n" + "\n".join(columns) + "\n"
            f"give its history in sources.{HISTORY} ({', '.join(TRACKED)}), or move the column to "
            "sources.customers.dropped, then run: stille check"
        )
