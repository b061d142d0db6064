"""Schema matching of one file: the source columns of each contract column, or why it is refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.contract import Column, ColumnType, Table
from features.errors import ContractError
from pipelines.config.file import nearest
from pipelines.config.mapping import SYNTHESISED_BY_LEVELS
from pipelines.config.sources import FORMATS, Attribute, ColumnMap, Dialect, Source
from pipelines.sources.date_forms import has_zone
from pipelines.sources.personal_data import why_forbidden

KNOWN_AT = Column("known_at", "When the row could be known.", "instant")


@dataclass(frozen=True, slots=True)
class Binding:
    """One column of the contract, or attribute, and where its values come from."""

    column: Column
    origin: ColumnMap
    as_days: bool = False


def _refuse_forbidden(table: Table, source: Source) -> None:
    named = [
        *((name, column) for name, o in source.columns.items() for column in o.read or ("",)),
        *((name, attribute.column) for name, attribute in source.attributes.items()),
    ]
    for target, column in named:
        for name in (target, column):
            if (reason := why_forbidden(name)) is not None:
                raise ContractError(
                    f"sources.{table.name}: {target!r} is mapped from {column!r}, and {name!r} is "
                    f"a forbidden column: {reason}. Remove it from the mapping."
                )


def _faults(
    table: Table, source: Source, bindings: list[Binding], columns: Mapping[str, str]
) -> Iterator[str]:
    """What is missing in a file, or what its mapping leaves open."""
    origins = {binding.column.name: binding.origin for binding in bindings}
    read = [(target, name) for target, origin in origins.items() for name in origin.read]
    asked = [*read, *(("rows_with", name) for name in source.rows_with)]
    asked += [("rows_without", name) for name in source.rows_without]
    missing = [(target, name) for target, name in asked if name not in columns]
    if missing:
        lines = "".join(
            f"\n  {name!r} (for {table.name}.{target}) is not there{nearest(str(name), columns)}"
            for target, name in missing
        )
        yield (
            f"columns differ from the contract:{lines}\n  the file has: {', '.join(columns)}\n"
            f"mend the export, or sources.{table.name}.columns in the config"
        )
    dated = KNOWN_AT.name in origins
    if not dated and source.known_delay_days is None:
        yield (
            f"when does a row of {table.name} become known? It has no known_at, and "
            f"sources.{table.name}.known_delay_days is not given. Map the column that tells when "
            "a row was written (columns: {known_at: …}), or declare the days between an event "
            "and its row: known_delay_days: 0 when it is there the same moment."
        )
    if source.duplicates in ("last", "versions"):
        # The last row of a key tells what was not known at first, so it too needs the day it came.
        advice = f"or give each row once, without sources.{table.name}.duplicates"
        if not dated:
            yield (
                f"{table.name} has rows that replace each other (duplicates: {source.duplicates}), "
                "and no known_at says when each was written. Map the column that tells it "
                f"(columns: {{known_at: …}}), {advice}."
            )
        if any(key in origins and origins[key].row_number for key in table.key):
            yield (
                f"{table.name} has versions, and its key is a row number, which no two rows share. "
                f"Map the key ({', '.join(table.key)}), {advice}."
            )
    segment = origins.get("segment") if table.name == "customers" else None
    if segment and not (source.static or segment.static or segment.mutable):
        yield (
            "can a customer's segment change after the day it is first written? If never: "
            "sources.customers.columns.segment: {column: …, static: true}. If it can: "
            "mutable: true, and give its history in sources.master_data."
        )
    for target, name in read:
        joined = target.endswith("_id") and len(origins[target].read) > 1
        if joined and columns[name] in ("FLOAT", "DOUBLE"):
            yield (
                f"{name!r} (for {target}) is stored as {columns[name]}; long keys have already "
                "lost digits. Export it as text."
            )


def refuse_no_zone(
    table: Table,
    source: Source,
    dialect: Dialect,
    columns: Mapping[str, str],
    bindings: Sequence[Binding],
) -> None:
    """Raise ``ContractError`` for a database's naive instants when no zone is declared."""
    if source.timezone is not None or FORMATS[source.kind].zone is not None:
        return
    for binding in bindings:
        read = binding.origin.read
        stored = columns[read[0]] if len(read) == 1 else "VARCHAR" if read else ""
        naive = stored.startswith("TIMESTAMP") and "TIME ZONE" not in stored
        naive = naive or (stored == "VARCHAR" and not has_zone(dialect.instant))
        if binding.column.type == "instant" and naive:
            named = " with ".join(map(repr, read))
            raise ContractError(
                f"{table.name}: {named} (for {binding.column.name}) has no time "
                f"zone in the database. Declare the zone it is written in: "
                f"sources.{table.name}.timezone, for example Europe/Oslo or UTC."
            )


@dataclass(frozen=True, slots=True)
class Bound:
    """A table's bindings, the optional columns it lacks, and source columns never read."""

    bindings: tuple[Binding, ...]
    absent: tuple[str, ...]
    unread: tuple[str, ...]
    forbidden: tuple[str, ...]


def bind(table: Table, source: Source, columns: Mapping[str, str], where: str) -> Bound:
    """Match the contract's columns with a file's (name → DuckDB type).

    Price levels give fewer columns than price changes. An attribute becomes ``attr_<name>``.
    Raises ``ContractError`` for a forbidden mapping, a missing column, a key joined of floats,
    rows of which nobody says when they become known, versions that nothing puts in order or no
    key joins, or a register's segment that may have been overwritten.
    """
    _refuse_forbidden(table, source)
    bindings = []
    for column in (*table.columns, KNOWN_AT):
        origin = source.columns.get(column.name)
        named = column.name in columns and column.name not in source.dropped
        if origin is None and (named or column.required):
            origin = ColumnMap(column=column.name)
        if origin is not None and not (source.levels and column.name in SYNTHESISED_BY_LEVELS):
            bindings.append(Binding(column, origin))
    for name, attribute in source.attributes.items():
        origin = ColumnMap(column=attribute.column, values=attribute.values)
        bindings.append(Binding(_attribute_column(name, attribute), origin, attribute.as_days))
    for fault in _faults(table, source, bindings, columns):
        raise ContractError(f"{where}: {fault}")
    read = {name for binding in bindings for name in (*binding.origin.read, *source.filters)}
    bound = {binding.column.name for binding in bindings}
    made = {"change_id", "old_price"} if source.levels else set()
    unread = tuple(name for name in columns if name not in read)
    return Bound(
        bindings=tuple(bindings),
        absent=tuple(c.name for c in table.columns if c.name not in bound | made),
        unread=tuple(name for name in unread if name not in source.dropped),
        forbidden=tuple(name for name in unread if why_forbidden(name) is not None),
    )


def _attribute_column(name: str, attribute: Attribute) -> Column:
    least, most = attribute.range or (None, None)
    stored: ColumnType = "number" if attribute.type == "number" else "text"
    unit = attribute.unit
    if attribute.as_days:
        stored, unit = "date", "days since 1970-01-01"
    return Column(f"attr_{name}", attribute.doc, stored, unit=unit, minimum=least, maximum=most)
