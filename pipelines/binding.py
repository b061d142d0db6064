"""Which source column each contract column of a table is read from."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.errors import ContractError
from features.tables import FORBIDDEN_COLUMNS, Column, ColumnType, Table
from pipelines.configfile import nearest
from pipelines.mapping import SYNTHESISED_BY_LEVELS
from pipelines.settings import Attribute, ColumnMap, Source

KNOWN_AT = Column("known_at", "instant", "When the row could be known.")


@dataclass(frozen=True, slots=True)
class Binding:
    """One column of the contract, or attribute, and where its values come from."""

    column: Column
    origin: ColumnMap
    as_days: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """A table's bindings, the optional columns it lacks, and source columns never read."""

    bindings: tuple[Binding, ...]
    absent: tuple[str, ...]
    unread: tuple[str, ...]
    forbidden: tuple[str, ...]


def wanted_columns(table: Table, source: Source) -> tuple[Column, ...]:
    """Contract columns that a source may give; price levels give fewer than price changes."""
    made = SYNTHESISED_BY_LEVELS if source.levels else ()
    return (*(column for column in table.columns if column.name not in made), KNOWN_AT)


def attribute_column(name: str, attribute: Attribute) -> Column:
    """The snapshot column ``attr_<name>`` of an attribute."""
    if attribute.as_days:
        return Column(f"attr_{name}", "date", attribute.doc, unit="days since 1970-01-01")
    stored: ColumnType = "number" if attribute.type == "number" else "text"
    return Column(f"attr_{name}", stored, attribute.doc, unit=attribute.unit)


def bind(table: Table, source: Source, columns: Mapping[str, str], where: str) -> Bound:
    """Match the contract's columns with a file's (name → DuckDB type).

    Raises ``ContractError`` for a forbidden mapping, a missing column or a float key.
    """
    _refuse_forbidden(table, source)
    bindings = list(_contract_bindings(table, source, columns))
    for name, attribute in source.attributes.items():
        origin = ColumnMap(column=attribute.column, values=attribute.values)
        bindings.append(Binding(attribute_column(name, attribute), origin, attribute.as_days))
    _refuse_missing(table, source, bindings, columns, where)
    _refuse_float_keys(bindings, columns, where)
    read = {binding.origin.column for binding in bindings} | set(source.rows_with)
    bound = {binding.column.name for binding in bindings}
    made = {"change_id", "old_price"} if source.levels else set()
    unread = tuple(name for name in columns if name not in read)
    return Bound(
        bindings=tuple(bindings),
        absent=tuple(c.name for c in table.columns if c.name not in bound | made),
        unread=tuple(name for name in unread if name not in source.dropped),
        forbidden=tuple(name for name in unread if name.lower() in FORBIDDEN_COLUMNS),
    )


def _contract_bindings(
    table: Table, source: Source, columns: Mapping[str, str]
) -> tuple[Binding, ...]:
    found = []
    for column in wanted_columns(table, source):
        origin = source.columns.get(column.name)
        if origin is None and (column.name in columns or column.required):
            origin = ColumnMap(column=column.name)
        if origin is not None:
            found.append(Binding(column, origin))
    return tuple(found)


def _refuse_forbidden(table: Table, source: Source) -> None:
    named = [
        *((name, origin.column or "") for name, origin in source.columns.items()),
        *((name, attribute.column) for name, attribute in source.attributes.items()),
    ]
    for target, column in named:
        for name in (target, column):
            reason = FORBIDDEN_COLUMNS.get(name.lower())
            if reason is not None:
                raise ContractError(
                    f"sources.{table.name}: {target!r} is mapped from {column!r}, and {name!r} is "
                    f"a forbidden column: {reason}. Remove it from the mapping."
                )


def _refuse_missing(
    table: Table,
    source: Source,
    bindings: list[Binding],
    columns: Mapping[str, str],
    where: str,
) -> None:
    asked = [(b.column.name, b.origin.column) for b in bindings if b.origin.column is not None]
    asked += [("rows_with", name) for name in source.rows_with]
    missing = [(target, name) for target, name in asked if name not in columns]
    if missing:
        lines = "".join(
            f"\n  {name!r} (for {table.name}.{target}) is not there{nearest(str(name), columns)}"
            for target, name in missing
        )
        raise ContractError(
            f"{where}: columns differ from the contract:{lines}\n  the file has: "
            f"{', '.join(columns)}\nmend the export, or sources.{table.name}.columns in the config"
        )


def _refuse_float_keys(bindings: list[Binding], columns: Mapping[str, str], where: str) -> None:
    for binding in bindings:
        stored = columns.get(binding.origin.column or "", "")
        if binding.column.name.endswith("_id") and stored in ("FLOAT", "DOUBLE"):
            raise ContractError(
                f"{where}: {binding.origin.column!r} (for {binding.column.name}) is stored as "
                f"{stored}; long keys have already lost digits. Export it as text."
            )
