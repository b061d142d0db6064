"""Row validation in SQL: typed contract columns, and the first rule that each row breaks."""

from collections.abc import Sequence
from datetime import datetime

from features.contract import DUCKDB_TYPES, Column, Table
from pipelines.config.sources import Dialect, Source
from pipelines.runtime.duckdb_connection import identifier, literal, literals, local_to_utc
from pipelines.sources.binding import Binding
from pipelines.sources.parsing import Forms, as_text, clean, convert, day_before, rename
from pipelines.sources.personal_data import WHOSE
from pipelines.sources.readable_part import Part

SKIPPED = "rows_with"
ALWAYS = "TIMESTAMP '1970-01-01'"


def part_select(
    part: Part, index: int, bindings: Sequence[Binding], source: Source, forms: Forms
) -> str:
    """One file as (_file, _row, _skip, for each binding its raw value and contract value)."""
    raw, final = [], []
    for i, binding in enumerate(bindings):
        expression, stored, own = _origin(part, binding, forms)
        raw.append(f"{expression} as r{i}")
        value = convert(f"r{i}", binding.column.type, stored, own)
        if binding.origin.duration is not None:
            value = day_before(f"r{i}", *binding.origin.duration, stored, own)
        if forms.pseudonyms and binding.column.name in WHOSE:
            value = f"pseudonym({value})"
        if binding.as_days:
            value = f"cast(date_diff('day', DATE '1970-01-01', {value}) as DOUBLE)"
        final.append(f"r{i} is not null as g{i}, {value} as {identifier(binding.column.name)}")
    skip = " or ".join(_left_out(part, source, forms)) or "false"
    inner = f"select {part.row} as _row, {skip} as _skip, {', '.join(raw)} from {part.relation}"
    return f"select {index} as _file, _row, _skip, {', '.join(final)} from ({inner})"


def _left_out(part: Part, source: Source, forms: Forms) -> list[str]:
    """SQL conditions of which one is enough to leave a row out."""
    values = {
        name: clean(part.expressions[name], part.columns[name], forms) for name in source.filters
    }
    missing = [f"({values[name]}) is null" for name in source.rows_with]
    return missing + [
        f"coalesce({as_text(values[name], part.columns[name])} in ({literals(unwanted)}), false)"
        for name, unwanted in source.rows_without.items()
    ]


def _origin(part: Part, binding: Binding, forms: Forms) -> tuple[str, str, Forms]:
    origin = binding.origin
    if origin.row_number:
        return f"cast({part.row} as VARCHAR)", "VARCHAR", forms
    if not origin.read:
        plain = Forms(Dialect(), forms.company_zone, forms.company_zone, forms.money_unit)
        return literal(origin.value), "VARCHAR", plain
    values = [(clean(part.expressions[n], part.columns[n], forms), n) for n in origin.read]
    (value, name), *others = values
    stored = part.columns[name]
    if others:
        value = f" || {literal(origin.join)} || ".join(
            f"({as_text(value, part.columns[name])})" for value, name in values
        )
        stored = "VARCHAR"
    return rename(value, stored, origin.values), "VARCHAR" if origin.values else stored, forms


def raw_select(part: Part, index: int, names: Sequence[str]) -> str:
    """One file's named columns as text, with (_file, _row): what the quarantine shows."""
    shown = [
        f"{as_text(part.expressions[name], part.columns[name])} as {identifier(name)}"
        for name in names
    ]
    columns = ", ".join([f"{index} as _file", f"{part.row} as _row", *shown])
    return f"select {columns} from {part.relation}"


def row_rule(table: Table, bindings: Sequence[Binding]) -> str:
    """SQL for the first rule a row breaks on its own, as ``column: what``; null when none."""
    cases = ["when _skip then " + literal(SKIPPED)]
    for i, binding in enumerate(bindings):
        cases += _column_rules(binding.column, f"g{i}")
    names = {binding.column.name for binding in bindings}
    if table.name == "invoices":
        corrects = "corrects_invoice_id is null" if "corrects_invoice_id" in names else "true"
        rule = literal("amount: negative without a corrected invoice")
        cases.append(f"when amount < 0 and {corrects} then {rule}")
    return f"case {' '.join(cases)} end"


def _column_rules(column: Column, present: str) -> list[str]:
    name = identifier(column.name)
    rules = [f"when {present} and {name} is null then {literal(column.name + ': unreadable')}"]
    if column.required:
        rules.append(f"when {name} is null then {literal(column.name + ': missing')}")
    if column.allowed:
        allowed = literals(column.allowed)
        rules.append(
            f"when {name} not in ({allowed}) then {literal(column.name + ': not allowed')}"
        )
    if column.minimum is not None:
        rule = literal(column.name + ": below minimum")
        rules.append(f"when {name} < {column.minimum:g} then {rule}")
    return rules


def contract_columns(
    table: Table, bindings: Sequence[Binding], zone: str, delay_days: int
) -> tuple[str, ...]:
    """SQL for every column of the snapshot: contract, attributes, ``event_at``, ``known_at``.

    A column the source lacks is null. A row of ``customers`` without ``joined_on`` has always
    been there (1970-01-01).
    """
    names = {binding.column.name for binding in bindings}
    columns = [
        identifier(column.name)
        if column.name in names
        else f"cast(null as {DUCKDB_TYPES[column.type]}) as {identifier(column.name)}"
        for column in table.columns
    ]
    columns += [identifier(name) for name in attribute_names(bindings)]
    event = _event_at(table, names, zone)
    mapped = "known_at" if "known_at" in names else "cast(null as TIMESTAMP)"
    known = f"greatest(coalesce({mapped}, {event} + interval {delay_days} day), {event})"
    return (*columns, f"{event} as _event_at", f"{known} as _known_at")


def attribute_names(bindings: Sequence[Binding]) -> list[str]:
    """The snapshot columns of attributes."""
    return [b.column.name for b in bindings if b.column.name.startswith("attr_")]


def _event_at(table: Table, names: set[str], zone: str) -> str:
    moments = [
        identifier(name)
        if table.column(name).type == "instant"
        else local_to_utc(f"cast({identifier(name)} as TIMESTAMP)", zone)
        for name in table.event_at
        if name in names
    ]
    earliest = moments[0] if len(moments) == 1 else f"least({', '.join(moments)})"
    return f"coalesce({earliest if moments else 'null'}, {ALWAYS})"


def future_rule(limit: datetime | None) -> str:
    """SQL case for events at or after ``limit`` (naive UTC); empty without a limit."""
    if limit is None:
        return ""
    return f"when _event_at >= TIMESTAMP {literal(limit)} then 'event_at: in the future'"
