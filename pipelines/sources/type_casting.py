"""Row validation in SQL: typed contract columns, and the first rule that each row breaks."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from features.contract import DUCKDB_TYPES, Column, Table
from features.timeline import days_later_sql
from pipelines.config.sources import Dialect, Source
from pipelines.runtime.duckdb_connection import identifier, literal, literals
from pipelines.runtime.escaping import ESCAPE
from pipelines.sources.binding import Binding
from pipelines.sources.date_forms import midnight
from pipelines.sources.durations import day_before
from pipelines.sources.forms import TEXT, Forms, as_text
from pipelines.sources.number_forms import THREE_DECIMALS
from pipelines.sources.parsing import clean, read, rename
from pipelines.sources.personal_data import WHOSE
from pipelines.sources.readable_part import Part

SKIPPED = "rows_with"
_TENURE = Column("tenure", "How long something has lasted.", "number")
# What a spreadsheet runs, controls, and signs that turn the direction of text round.
_NO_ID = rf"{ESCAPE}|[\p{{Cc}}\p{{Cf}}\p{{Zl}}\p{{Zp}}]"
ALWAYS = "TIMESTAMP '1970-01-01'"


def part_select(
    part: Part, bindings: Sequence[Binding], source: Source, forms: Forms, as_shown: Set[str]
) -> str:
    """One file as _row, _skip, and for each binding what ``row_rule`` needs and its value.

    ``_none`` names the columns whose date stands for none, ``_decimals`` says whether a number of
    the row shows that the decimal sign parts no thousands, ``_doubt`` is the rule of one that does
    not. ``as_shown`` are the day columns whose instants show their day.
    """
    raw, parsed, final = [], [], []
    empty: dict[str, str] = {}
    doubts: dict[str, str] = {}
    decimals = []
    for i, binding in enumerate(bindings):
        column, name = binding.column, binding.column.name
        expression, stored, own = _origin(part, binding, forms)
        tenure = binding.origin.tenure
        reading = read(
            *(f"r{i}", f"p{i}", column if tenure is None else _TENURE, stored, own),
            duration=binding.origin.duration,
            as_shown=name in as_shown,
        )
        raw.append(f"{expression} as r{i}")
        parsed.append(f"{reading.parsed} as p{i}")
        faults = dict(reading.faults)
        if (column.type != "money" or stored != TEXT) and THREE_DECIMALS in faults:
            doubts[name] = faults.pop(THREE_DECIMALS)
        if reading.decimals is not None:
            decimals.append(f"coalesce({reading.decimals}, false)")
        given = f"r{i} is not null"
        if reading.empty is not None:
            empty[name] = f"coalesce({reading.empty}, false)"
            given += f" and not {empty[name]}"
        value = reading.value if tenure is None else day_before(reading.value, *tenure)
        if forms.pseudonyms and name in WHOSE:
            value = f"pseudonym({value})"
        if binding.as_days:
            value = f"cast(date_diff('day', DATE '1970-01-01', {value}) as DOUBLE)"
        fault = _case({f"{name}: {rule}": when for rule, when in faults.items()})
        final.append(f"{given} as g{i}, {fault} as f{i}, {value} as {identifier(name)}")
    skip = " or ".join(_left_out(part, source, forms)) or "false"
    inner = f"select {part.row} as _row, {skip} as _skip, {', '.join(raw)} from {part.relation}"
    marks = [
        f"{_names(empty)} as _none",
        f"{' or '.join(decimals) or 'false'} as _decimals",
        f"{_case({f'{name}: {THREE_DECIMALS}': when for name, when in doubts.items()})} as _doubt",
    ]
    return (
        f"select _row, _skip, {', '.join([*final, *marks])} "
        f"from (select *, {', '.join(parsed)} from ({inner}))"
    )


def _case(rules: Mapping[str, str]) -> str:
    """SQL for the first text whose condition holds; null when none does."""
    cases = " ".join(f"when {when} then {literal(rule)}" for rule, when in rules.items())
    return f"case {cases} end" if cases else "cast(null as VARCHAR)"


def _names(conditions: Mapping[str, str]) -> str:
    """SQL for the names whose condition holds, comma-separated; null for the many rows of none."""
    if not conditions:
        return "cast(null as VARCHAR)"
    named = ", ".join(f"case when {when} then {literal(n)} end" for n, when in conditions.items())
    return f"case when {' or '.join(conditions.values())} then concat_ws(',', {named}) end"


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
        # A constant's point is its decimal sign.
        own = Dialect(thousands="_")
        plain = Forms(own, forms.company_zone, forms.company_zone, forms.money_unit)
        value = "cast(null as VARCHAR)" if origin.value is None else literal(origin.value)
        return value, "VARCHAR", plain
    values = [(clean(part.expressions[n], part.columns[n], forms), n) for n in origin.read]
    (value, name), *others = values
    stored = part.columns[name]
    if others:
        value = f" || {literal(origin.join)} || ".join(
            f"({as_text(value, part.columns[name])})" for value, name in values
        )
        stored = "VARCHAR"
    if not origin.values:
        return value, stored, forms
    # Such values have the contract's words, or kept the source's.
    given, own = forms.dialect, Dialect()
    words = {
        "true_values": (*given.true_values, *own.true_values),
        "false_values": (*given.false_values, *own.false_values),
    }
    renamed = replace(forms, dialect=given.model_copy(update=words))
    return rename(value, stored, origin.values), "VARCHAR", renamed


def raw_select(part: Part, index: int, names: Sequence[str]) -> str:
    """One file's named columns as text, with (_file, _row): what the quarantine shows.

    A column that the file lacks is null.
    """
    shown = [
        f"{as_text(part.expressions[name], part.columns[name])} as {identifier(name)}"
        if name in part.columns
        else f"cast(null as VARCHAR) as {identifier(name)}"
        for name in names
    ]
    columns = ", ".join([f"{index} as _file", f"{part.row} as _row", *shown])
    return f"select {columns} from {part.relation}"


def row_rule(table: Table, bindings: Sequence[Binding]) -> str:
    """SQL for the first rule a row breaks on its own, as ``column: what``; null when none."""
    cases = ["when _skip then " + literal(SKIPPED)]
    for i, binding in enumerate(bindings):
        cases.append(f"when f{i} is not null then f{i}")
        cases += _column_rules(binding.column, f"g{i}")
    if table.name == "customers":
        unusable = f"regexp_matches(customer_id, {literal(_NO_ID)}) or strlen(customer_id) > 200"
        cases.append(f"when {unusable} then 'customer_id: cannot stand in a list'")
    names = {binding.column.name for binding in bindings}
    if table.name == "invoices":
        corrects = "corrects_invoice_id is null" if "corrects_invoice_id" in names else "true"
        rule = literal("amount: negative without a corrected invoice")
        cases.append(f"when amount < 0 and {corrects} then {rule}")
    return f"case {' '.join(cases)} end"


def _column_rules(column: Column, present: str) -> list[str]:
    name = identifier(column.name)
    broken = {"unreadable": f"{present} and {name} is null"}
    if column.required:
        broken["missing"] = f"{name} is null"
    if column.allowed:
        broken["not allowed"] = f"{name} not in ({literals(column.allowed)})"
    if column.minimum is not None:
        broken["below minimum"] = f"{name} < {column.minimum}"
    if column.maximum is not None:
        broken["above maximum"] = f"{name} > {column.maximum}"
    return [f"when {c} then {literal(f'{column.name}: {rule}')}" for rule, c in broken.items()]


def contract_columns(
    table: Table, bindings: Sequence[Binding], zone: str, delay_days: int
) -> tuple[str, ...]:
    """SQL for every column of the snapshot: contract, attributes, ``event_at``, ``known_at``.

    A column the source lacks is null; a customer without ``joined_on`` has always been there.
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
    later = days_later_sql(event, delay_days, zone)
    known = f"greatest(coalesce({mapped}, {later}), {event})"
    return (*columns, f"{event} as _event_at", f"{known} as _known_at")


def attribute_names(bindings: Sequence[Binding]) -> list[str]:
    return [b.column.name for b in bindings if b.column.name.startswith("attr_")]


def _event_at(table: Table, names: set[str], zone: str) -> str:
    moments = [
        identifier(name)
        if table.column(name).type == "instant"
        else midnight(identifier(name), zone)
        for name in table.event_at
        if name in names
    ]
    earliest = moments[0] if len(moments) == 1 else f"least({', '.join(moments)})"
    return f"coalesce({earliest if moments else 'null'}, {ALWAYS})"
