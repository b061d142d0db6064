"""Schema matching of one file: the source columns of each contract column."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.contract import Column, ColumnType, Table
from pipelines.config.columns import Attribute, ColumnMap
from pipelines.config.mapping import SYNTHESISED_BY_LEVELS
from pipelines.config.sources import Source
from pipelines.sources.binding_rules import (
    KNOWN_AT,
    Binding,
    refuse_float_keys,
    refuse_forbidden,
    refuse_missing,
    refuse_undeclared_segment,
    refuse_unknown_delay,
    refuse_unordered_versions,
)
from pipelines.sources.personal_data import why_forbidden


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
        return Column(f"attr_{name}", attribute.doc, "date", unit="days since 1970-01-01")
    stored: ColumnType = "number" if attribute.type == "number" else "text"
    return Column(f"attr_{name}", attribute.doc, stored, unit=attribute.unit)


def bind(table: Table, source: Source, columns: Mapping[str, str], where: str) -> Bound:
    """Match the contract's columns with a file's (name → DuckDB type).

    Raises ``ContractError`` for a forbidden mapping, a missing column, a float key, or rows of
    which nobody says when they become known.
    """
    refuse_forbidden(table, source)
    bindings = list(_contract_bindings(table, source, columns))
    for name, attribute in source.attributes.items():
        origin = ColumnMap(column=attribute.column, values=attribute.values)
        bindings.append(Binding(attribute_column(name, attribute), origin, attribute.as_days))
    refuse_missing(table, source, bindings, columns, where)
    refuse_unknown_delay(table, source, bindings, where)
    refuse_unordered_versions(table, source, bindings, where)
    refuse_undeclared_segment(table, source, bindings, where)
    refuse_float_keys(bindings, columns, where)
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


def _contract_bindings(
    table: Table, source: Source, columns: Mapping[str, str]
) -> tuple[Binding, ...]:
    found = []
    for column in wanted_columns(table, source):
        origin = source.columns.get(column.name)
        named = column.name in columns and column.name not in source.dropped
        if origin is None and (named or column.required):
            origin = ColumnMap(column=column.name)
        if origin is not None:
            found.append(Binding(column, origin))
    return tuple(found)
