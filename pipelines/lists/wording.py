"""Locale-aware formatting of dates, money and figures (CLDR, by Babel).

Ordinary spaces only, as lists go to systems that mangle no-break ones; a minus is a minus sign.
Days are written as "over 2 years" from two years on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd
from babel import Locale, numbers
from babel.dates import format_date

FactType = Literal[
    "date", "money", "price", "ratio", "count", "days", "hours", "seconds", "number", "flag", "text"
]
FORMATS: Mapping[FactType, tuple[str, ...]] = {
    **{"date": ("date",), "money": ("money",), "price": ("price",), "text": ("text",), "flag": ()},
    **{"ratio": ("percent", "number"), "number": ("number",), "count": ("count",)},
    **{"days": ("days",), "hours": ("hours", "days"), "seconds": ("minutes",)},
}
_PARTS = {("hours", "days"): 24.0, ("seconds", "minutes"): 60.0}
_TWO_YEARS = 732


@dataclass(frozen=True, slots=True)
class Style:
    """How a language writes figures: Babel's locale, its patterns, and (one, many) of a unit.

    Of years the two stand before and after the number.

    ``currencies`` names those that Babel writes otherwise than the language's readers do.
    """

    locale: Locale
    money: str
    percent: str
    units: Mapping[str, tuple[str, str]]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)


def words(
    values: pd.Series, fact: str, kind: FactType, form: str, style: Style, currency: str
) -> pd.Series:
    """Write the values (none null) of one fact as ``form``; each distinct one is formatted once.

    ``money`` comes in minor units, ``price`` in major units, a ratio as 0.12 for 12 %.
    """
    codes, distinct = pd.factorize(values)
    formatted = np.array(list(map(_formatter(fact, kind, form, style, currency), distinct)), "O")
    return pd.Series(formatted[codes], index=values.index, dtype="str")


def _formatter(
    fact: str, kind: FactType, form: str, style: Style, currency: str
) -> Callable[[object], str]:
    if form == "text":
        names = style.values.get(fact, {})
        return lambda value: names.get(str(value), str(value))
    if form == "date":
        return lambda value: format_date(pd.Timestamp(str(value)), "long", locale=style.locale)
    if form in ("money", "price"):
        minor = numbers.get_currency_precision(currency) if form == "money" else 0
        return lambda value: _amount(Decimal(str(value)).scaleb(-minor), form, style, currency)
    part = _PARTS.get((kind, form), 1.0)
    return lambda value: _figure(float(str(value)) / part, form, style)


def _amount(value: Decimal, form: str, style: Style, currency: str) -> str:
    unit_price = form == "price" and abs(value) < 1
    value = round(value, 4 if unit_price else numbers.get_currency_precision(currency))
    whole = value == value.to_integral_value()
    pattern = style.money.replace(".00", "" if whole else ".00##" if unit_price else ".00")
    text = numbers.format_currency(
        value, currency, format=pattern, locale=style.locale, currency_digits=False
    )
    symbol = numbers.get_currency_symbol(currency, locale=style.locale)
    return _plain(text.replace(symbol, style.currencies.get(currency, symbol)))


def _figure(value: float, form: str, style: Style) -> str:
    if form == "percent":
        pattern = style.percent if abs(value) >= 0.1 else style.percent.replace("0", "0.#", 1)
        return _plain(numbers.format_percent(value, format=pattern, locale=style.locale))
    if form == "number":
        return _plain(
            numbers.format_decimal(round(value, 1), format="#,##0.#", locale=style.locale)
        )
    whole = int(np.floor(value + 0.5))
    if form == "days" and whole >= _TWO_YEARS:
        # More years than that have passed, whichever of them had a leap day.
        before, years = style.units["years"]
        return f"{before} {int((whole - 1.5) / 365.25)} {years}"
    text = _plain(numbers.format_decimal(whole, format="#,##0", locale=style.locale))
    if form == "count":
        return text
    one, many = style.units[form]
    return f"{text} {one if whole == 1 else many}"


def _plain(text: str) -> str:
    text = text.replace("\u00a0", " ").replace("\u202f", " ")
    return f"\u2212{text[1:]}" if text.startswith("-") else text
