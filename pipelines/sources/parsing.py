"""Type parsing in SQL: a source's values into the contract's types, by declared forms only.

Every expression is null where the value does not convert; nothing raises and nothing is
guessed. Money goes through DECIMAL, never through a float.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from features.contract import DUCKDB_TYPES, ColumnType
from pipelines.config.sources import DURATIONS, Dialect
from pipelines.runtime.duckdb_connection import literal, literals, local_to_utc

TEXT = "VARCHAR"
# A database's exact decimal, which arrives as text in plain notation whatever the dialect.
NUMERIC = "NUMERIC"
_PLAIN = Dialect()
_FLOATS = ("FLOAT", "DOUBLE")
_NUMBERS = re.compile(r"^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$")


@dataclass(frozen=True, slots=True)
class Forms:
    """How one source writes its values: dialect, zone of naive instants and of days, unit.

    With ``pseudonyms`` the ids that say who a row is about are replaced.
    """

    dialect: Dialect
    zone: str
    company_zone: str
    money_unit: Literal["major", "minor"]
    pseudonyms: bool = False


def clean(expression: str, source_type: str, forms: Forms) -> str:
    """SQL for the raw value with null words (in text) and NaN (in floats) made null."""
    if source_type == TEXT:
        nulls = literals(forms.dialect.nulls)
        return (
            f"case when {expression} in ({nulls}) then null else {expression} end"
            if (nulls)
            else expression
        )
    if source_type in _FLOATS:
        return f"case when isnan({expression}) then null else {expression} end"
    if source_type == NUMERIC:
        return f"nullif({expression}, 'nan')"
    return expression


def rename(expression: str, source_type: str, values: Mapping[str, str]) -> str:
    """SQL for the value's name in the contract; a value without an entry stays as it is."""
    if not values:
        return expression
    text = as_text(expression, source_type)
    cases = " ".join(f"when {literal(old)} then {literal(new)}" for old, new in values.items())
    return f"case {text} {cases} else {text} end"


def as_text(expression: str, source_type: str) -> str:
    """SQL for the value as text."""
    return expression if source_type in (TEXT, NUMERIC) else f"cast({expression} as VARCHAR)"


def convert(expression: str, target: ColumnType, source_type: str, forms: Forms) -> str:
    """SQL of the contract's type for ``target``; null where the value does not convert."""
    if target == "text":
        return as_text(expression, source_type)
    if target == "boolean":
        return _boolean(expression, source_type, forms.dialect)
    if target == "date":
        return _date(expression, source_type, forms)
    if target == "instant":
        return _instant(expression, source_type, forms)
    return _numeric(expression, target, source_type, forms)


def _boolean(expression: str, source_type: str, dialect: Dialect) -> str:
    if source_type == "BOOLEAN":
        return expression
    text = as_text(expression, source_type)
    return (
        f"case when {text} in ({literals(dialect.true_values)}) then true "
        f"when {text} in ({literals(dialect.false_values)}) then false end"
    )


def _date(expression: str, source_type: str, forms: Forms) -> str:
    if source_type == "DATE":
        return expression
    if source_type == "TIMESTAMP WITH TIME ZONE":
        return f"cast(timezone({literal(forms.company_zone)}, {expression}) as DATE)"
    if source_type.startswith("TIMESTAMP"):
        return f"cast({expression} as DATE)"
    text = as_text(expression, source_type)
    return f"cast(try_strptime({text}, {literal(forms.dialect.date)}) as DATE)"


def day_before(expression: str, unit: str, day: date, source_type: str, forms: Forms) -> str:
    """SQL of the day that lies a duration before ``day``; null below 0 or above 150 years.

    Whole units that have passed tell when something began to a unit only: the latest such day
    is taken, and at the latest the day before ``day``, as the rows show what had begun.
    """
    number = convert(expression, "number", source_type, forms)
    months = DURATIONS[unit]
    most = 150 * 12 / months if months else 150 * 366
    back = (
        f"to_months(cast(floor({number}) as INTEGER) * {months}) + to_days(cast(floor("
        f"({number} - floor({number})) * {months * 365.25 / 12}) as INTEGER))"
        if months
        else f"to_days(cast(floor({number}) as INTEGER))"
    )
    given = f"DATE {literal(day)}"
    return (
        f"case when {number} between 0 and {most:g} "
        f"then cast(least({given} - ({back}), {given} - interval 1 day) as DATE) end"
    )


def _instant(expression: str, source_type: str, forms: Forms) -> str:
    if source_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {expression})"
    if source_type.startswith("TIMESTAMP"):
        return local_to_utc(f"cast({expression} as TIMESTAMP)", forms.zone)
    if source_type == "DATE":
        return local_to_utc(f"cast({expression} as TIMESTAMP)", forms.company_zone)
    text = as_text(expression, source_type)
    parsed = f"try_strptime({text}, {literal(forms.dialect.instant)})"
    if "%z" in forms.dialect.instant:
        return f"timezone('UTC', {parsed})"
    return local_to_utc(parsed, forms.zone)


def _numeric(expression: str, target: ColumnType, source_type: str, forms: Forms) -> str:
    if _NUMBERS.match(source_type):
        number = expression
        if source_type in _FLOATS:
            number = f"case when isfinite({expression}) then {expression} end"
    else:
        dialect = _PLAIN if source_type == NUMERIC else forms.dialect
        number = _digits(as_text(expression, source_type), target, dialect)
    if target == "number":
        return f"try_cast({number} as DOUBLE)"
    if target == "price":
        return f"try_cast({number} as {DUCKDB_TYPES['price']})"
    exact = f"try_cast({number} as DECIMAL(24,6))"
    if target == "money" and forms.money_unit == "major":
        return f"try_cast(round({exact} * 100, 0) as BIGINT)"
    whole = f"round({exact}, 0)"
    return f"case when {exact} = {whole} then try_cast({whole} as BIGINT) end"


def _digits(text: str, target: ColumnType, dialect: Dialect) -> str:
    """The number in plain notation, or null when it is not written in the declared form."""
    # A typed space between thousands is often a no-break space in the file.
    group = r"[ \x{a0}\x{202f}]" if dialect.thousands == " " else _escaped(dialect.thousands)
    whole = rf"([0-9]{{1,3}}({group}[0-9]{{3}})+|[0-9]+)" if dialect.thousands else "[0-9]+"
    exponent = "([eE][+-]?[0-9]+)?" if target == "number" else ""
    shape = f"[+-]?({whole}({_escaped(dialect.decimal)}[0-9]+)?){exponent}"
    plain = text
    if dialect.thousands:
        plain = f"regexp_replace({plain}, {literal(group)}, '', 'g')"
    if dialect.decimal != ".":
        plain = f"replace({plain}, {literal(dialect.decimal)}, '.')"
    return f"case when regexp_full_match({text}, {literal(shape)}) then {plain} end"


def _escaped(sign: str) -> str:
    return f"[{sign}]" if sign else ""
