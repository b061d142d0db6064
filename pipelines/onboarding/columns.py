"""Column sampling: what the texts of a column may be, and how they are written.

Only for drafting a configuration that a person confirms; a run never guesses.
"""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

FEW = 30
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y%m%d", "%d.%m.%y")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M:%S%z", " %H:%M:%S.%f", "T%H:%M:%S.%f")
_TRUTHS = (
    *(("True.", "False."), (" True.", " False."), ("1.0", "0.0")),
    *(("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("1", "0"), ("t", "f")),
    *(("ja", "nei"), ("Ja", "Nei"), ("J", "N"), ("ja", "nej"), ("Ja", "Nej")),
    *(("yes", "no"), ("Yes", "No"), ("Y", "N")),
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}([ .,'\u00a0\u202f])\d{3}(?:\1\d{3})*|\d+)([.,]\d+)?")


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """One column: what it may hold, and how. ``form`` is a date's or an instant's.

    ``counts`` are its distinct values, most frequent first, when there are few; ``distinct`` is
    how many there are, ``non_null`` how many rows have one. ``doubtful`` when several forms fit.
    """

    kinds: frozenset[str]
    form: str = ""
    decimal: str = ""
    thousands: str = ""
    fraction: bool = False
    truth: tuple[str, str] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    doubtful: bool = False
    distinct: int = 0
    non_null: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(sorted(self.counts))


def sample_column(values: Sequence[str]) -> ColumnSample:
    """What a column of text may hold, by all the values given."""
    if not values:
        return ColumnSample(frozenset({"text"}))
    counted = Counter(values)
    found = _of_words(counted)
    few = dict(counted.most_common()) if len(counted) <= FEW else {}
    return replace(found, counts=few, distinct=len(counted), non_null=len(values))


def _of_words(counted: Counter[str]) -> ColumnSample:
    truth = next((pair for pair in _TRUTHS if set(counted) <= set(pair)), None)
    kinds = {"text"} | ({"boolean"} if truth else set())
    every = (f"{day}{clock}" for day, clock in product(_DATES, _CLOCKS))
    forms = [form for form in every if all(_reads(value, form) for value in counted)]
    if forms:
        moment = "instant" if "%H" in forms[0] else "date"
        doubtful = {"%d/%m/%Y", "%m/%d/%Y"} <= {form[:8] for form in forms}
        return ColumnSample(frozenset(kinds | {moment}), forms[0], doubtful=doubtful)
    signs = _signs(counted)
    if signs is None:
        return ColumnSample(frozenset(kinds), truth=truth)
    decimal, thousands, fraction = signs
    kinds |= {"number"} if fraction else {"number", "integer"}
    doubtful = thousands in (".", ",") and not fraction
    return ColumnSample(frozenset(kinds), "", decimal, thousands, fraction, truth, {}, doubtful)


def _reads(value: str, form: str) -> bool:
    try:
        read = time.strptime(value, form)
    except ValueError:
        return False
    # Eight digits may be a key; a day of business lies in these years.
    return "%Y%m%d" not in form or (len(value) >= 8 and 1990 <= read.tm_year <= 2060)


def _signs(counted: Counter[str]) -> tuple[str, str, bool] | None:
    """Decimal and thousands sign and whether there are fractions; None when not all numbers."""
    matches = [_NUMBER.fullmatch(value) for value in counted]
    if not all(matches):
        return None
    groups = {m.group(1) for m in matches if m is not None and m.group(1)}
    decimals = {m.group(2)[0] for m in matches if m is not None and m.group(2)}
    # In 12.5 the point is a decimal sign, so it is one in 1.234 of the same column too.
    groups -= decimals
    if len(groups) > 1 or len(decimals) > 1:
        return None
    thousands = next(iter(groups), "")
    decimal = next(iter(decimals), "," if thousands in (".", "\u00a0", "\u202f") else ".")
    return decimal, " " if thousands in ("\u00a0", "\u202f") else thousands, bool(decimals)
