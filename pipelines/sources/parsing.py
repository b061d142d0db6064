"""Type parsing in SQL: a source's values into the contract's types, by declared forms only.

An expression is null where the value does not convert; nothing is guessed. Money goes through
DECIMAL, never through a float.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from features.contract import DUCKDB_TYPES, Column
from pipelines.config.sources import Dialect, DurationForm
from pipelines.runtime.duckdb_connection import literal, literals
from pipelines.sources.date_forms import OUT_OF_RANGE, day, in_range, instant, stands_for_none
from pipelines.sources.durations import SECONDS, is_duration, seconds_in
from pipelines.sources.forms import NUMERIC, TEXT, Forms, as_text
from pipelines.sources.number_forms import THREE_DECIMALS, in_doubt, plain_notation

DIGITS_LOST = "digits lost"
"""The rule of an id that went through a floating-point number."""

_PLAIN = Dialect()
_FLOATS = ("FLOAT", "DOUBLE")
_INTEGERS = re.compile(r"^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$")
_NUMBERS = re.compile(r"^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$")
# What a spreadsheet or a float makes of a long id: 4.1E+11. Without a point or plus it may be one.
_EXPONENT = r"[0-9][.,][0-9]+[eE][+]?[0-9]+|[0-9]+[eE][+][0-9]+"
_EXACT = {"FLOAT": 2**24, "DOUBLE": 2**53}


@dataclass(frozen=True, slots=True)
class Reading:
    """SQL that reads one column: ``parsed`` over the raw value, the rest over the parsed one.

    ``value`` is of the contract's type, null where the value does not convert. ``empty`` is the
    condition of a value that stands for none, ``faults`` that of each further rule. ``decimals`` is
    that of a fraction which no thousands sign can have made, where the text leaves any doubt.
    """

    parsed: str
    value: str
    empty: str | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    decimals: str | None = None


def clean(expression: str, source_type: str, forms: Forms) -> str:
    """SQL for the raw value with null words (in text) and NaN (in floats) made null."""
    if source_type == TEXT:
        nulls = literals(forms.dialect.nulls)
        if not nulls:
            return expression
        return f"case when {expression} in ({nulls}) then null else {expression} end"
    if source_type in _FLOATS:
        # In a list: DuckDB believes a Parquet file's least and greatest value, and they omit NaN.
        return f"case when isnan(list_value({expression})[1]) then null else {expression} end"
    if source_type == NUMERIC:
        return f"nullif({expression}, 'nan')"
    return expression


def rename(expression: str, source_type: str, values: Mapping[str, str]) -> str:
    """SQL for the value's name in the contract; a value without an entry stays as it is.

    Letters are compared in composed form (NFC), as the configuration has them.
    """
    if not values:
        return expression
    text = as_text(expression, source_type)
    cases = " ".join(f"when {literal(old)} then {literal(new)}" for old, new in values.items())
    return f"case nfc_normalize({text}) {cases} else {text} end"


def read(
    raw: str,
    parsed: str,
    column: Column,
    stored: str,
    forms: Forms,
    *,
    duration: DurationForm | None = None,
    as_shown: bool = False,
) -> Reading:
    """How a column of the DuckDB type ``stored`` is read, of names for its raw and parsed value.

    ``duration`` is the declared form of seconds; ``as_shown`` takes a day column's instants for the
    days that they show.
    """
    if column.type == "text":
        return _text(raw, parsed, column, stored)
    if column.type == "boolean":
        if stored == "BOOLEAN":
            return Reading(raw, parsed)
        text, words = as_text(raw, stored), forms.dialect
        made = (
            f"case when {text} in ({literals(words.true_values)}) then true "
            f"when {text} in ({literals(words.false_values)}) then false end"
        )
        return Reading(made, parsed)
    if column.type in ("date", "instant"):
        is_day = column.type == "date"
        made = day(raw, stored, forms, as_shown=as_shown) if is_day else instant(raw, stored, forms)
        empty, usable = stands_for_none(parsed, forms, is_day=is_day), in_range(parsed)
        value = f"case when {usable} and not {empty} then {parsed} end"
        return Reading(made, value, empty, {OUT_OF_RANGE: f"not {usable} and not {empty}"})
    return _numeric(raw, parsed, column, stored, forms, duration)


def _text(raw: str, parsed: str, column: Column, stored: str) -> Reading:
    if not column.name.endswith("_id"):
        return Reading(as_text(raw, stored), parsed)
    if stored in _FLOATS:
        exact = f"{raw} = trunc({raw}) and abs({raw}) < {_EXACT[stored]}"
        whole = f"case when {exact} then cast(cast({raw} as BIGINT) as VARCHAR) end"
        return Reading(whole, parsed, faults={DIGITS_LOST: f"{raw} is not null and not ({exact})"})
    if stored not in (TEXT, NUMERIC) and not stored.startswith("DECIMAL"):
        return Reading(as_text(raw, stored), parsed)
    if stored != TEXT:
        # A whole number with decimals, as 12345.00 of a database's decimal type.
        text = as_text(raw, stored)
        return Reading(f"regexp_replace({text}, '^([0-9]+)[.]0+$', '\\1')", parsed)
    marked = f"contains({raw}, 'E') or contains({raw}, 'e')"
    lost = f"case when {marked} then regexp_full_match({raw}, '{_EXPONENT}') else false end"
    # A whole number that a float has been, as an empty cell in a column of integers makes it.
    whole = f"case when ends_with({raw}, '.0') then regexp_replace({raw}, '^([0-9]+)[.]0$', '\\1')"
    return Reading(f"{whole} else {raw} end", parsed, faults={DIGITS_LOST: lost})


def _numeric(
    raw: str, parsed: str, column: Column, stored: str, forms: Forms, duration: DurationForm | None
) -> Reading:
    """Numbers in text are parsed into plain notation, other values into numbers."""
    doubt: str | None = None
    fraction = ""
    if is_duration(stored):
        takes_seconds = column.unit == "s" or column.type == "number"
        made = f"round(epoch({raw}), 0)" if takes_seconds else "cast(null as DOUBLE)"
    elif stored in _FLOATS:
        made = _in_seconds(f"case when isfinite({raw}) then {raw} end", duration)
        # Another program may have read 1.005 of a text as a float before it came here.
        if column.type in ("money", "price"):
            doubt = in_doubt(f"cast({parsed} as VARCHAR)", forms.dialect)
        fraction = f"{parsed} <> trunc({parsed})"
    elif _NUMBERS.match(stored):
        made = _in_seconds(raw, duration)
    else:
        dialect = _PLAIN if stored == NUMERIC else forms.dialect
        target = "number" if duration in SECONDS else column.type
        made = plain_notation(as_text(raw, stored), target, dialect, forms.currency)
        if column.unit == "s":
            made = _in_seconds(made, duration)
            clock = seconds_in(as_text(raw, stored), duration)
            made = f"coalesce({made}, cast(cast(round({clock}, 0) as BIGINT) as VARCHAR))"
        doubt = in_doubt(parsed, dialect) if stored == TEXT and duration is None else None
        fraction = f"contains({parsed}, '.')"
    whole = _INTEGERS.match(stored) is not None and duration not in SECONDS
    value = _final(parsed, column, forms, whole=whole)
    if doubt is None:
        return Reading(made, value)
    return Reading(made, value, None, {THREE_DECIMALS: doubt}, f"{fraction} and not {doubt}")


def _in_seconds(number: str, duration: DurationForm | None) -> str:
    if duration not in SECONDS:
        return number
    seconds = f"round(try_cast({number} as DOUBLE) * {SECONDS[duration]}, 0)"
    return f"cast(cast({seconds} as BIGINT) as VARCHAR)"


def _final(number: str, column: Column, forms: Forms, *, whole: bool) -> str:
    """A number in the contract's type; ``whole`` for one of an integer type of DuckDB's."""
    if column.type == "number":
        return f"try_cast({number} as DOUBLE)"
    if column.type == "price":
        return f"try_cast({number} as {DUCKDB_TYPES['price']})"
    major = column.type == "money" and forms.money_unit == "major"
    if whole:  # the bounds of DECIMAL below, whose rounding takes fifty times as long
        by = 100 if major else 1
        most = min(10**18 - 1, (2**63 - 1) // by)
        inside = f"{number} between -{most} and {most}"
        return f"case when {inside} then cast({number} as BIGINT) * {by} end"
    exact = f"try_cast({number} as DECIMAL(24,6))"
    if major:
        return f"try_cast(round({exact} * 100, 0) as BIGINT)"
    rounded = f"round({exact}, 0)"
    return f"case when {exact} = {rounded} then try_cast({rounded} as BIGINT) end"
