"""Numbers in text: signs, thousands and the company's currency, into plain notation."""

import re
from collections.abc import Mapping

from features.contract import ColumnType
from pipelines.config.sources import Dialect
from pipelines.runtime.duckdb_connection import literal

THREE_DECIMALS = "three decimals"
"""The rule of a number such as 1.005, which a thousands sign may have made of 1005."""

# Typed spaces between thousands are no-break, narrow, thin and figure spaces in files.
_SPACES = " \u00a0\u202f\u2009\u2007"
_GROUPS: Mapping[str, str] = {" ": _SPACES, "'": "'\u2019"}
# The minus sign, which Norwegian and Swedish formats write, dashes, and full-width forms.
_MINUSES = "\u2212\u2013\u2012\u2010\u2011\ufe63\uff0d"
_KRONER = ("kr.", "kr")
_CURRENCY_WORDS: Mapping[str, tuple[str, ...]] = {
    **{"NOK": _KRONER, "SEK": _KRONER, "DKK": _KRONER},
    **{"EUR": ("\u20ac",), "GBP": ("\u00a3",), "USD": ("$",)},
}


def plain_notation(text: str, target: ColumnType, dialect: Dialect, currency: str) -> str:
    """SQL for the number as ``-1234.5``; null when it is not written in the declared form.

    A minus may be any of the signs that files have for it, stand behind, or be brackets; money and
    prices may carry the company's ``currency``, never another. Only a ``number`` may have an
    exponent: an amount that has one has lost its last digits.
    """
    shape = literal(_shape(target, dialect))
    usual = _usual_signs(text, currency if target in ("money", "price") else "")
    return (
        f"case when regexp_full_match({text}, {shape}) then {_plain(text, dialect)} "
        f"when regexp_full_match({usual}, {shape}) then {_plain(usual, dialect)} end"
    )


def in_doubt(plain: str, dialect: Dialect) -> str | None:
    """SQL condition for three digits after a sign that may part thousands; None where declared."""
    if dialect.thousands:
        return None
    grouped = f"regexp_full_match({plain}, '[+-]?[1-9][0-9]{{0,2}}[.][0-9]{{3}}')"
    return f"(case when contains({plain}, '.') then {grouped} else false end)"


def _shape(target: ColumnType, dialect: Dialect) -> str:
    whole = "[0-9]+"
    if dialect.thousands:
        whole = rf"([0-9]{{1,3}}({_group(dialect)}[0-9]{{3}})+|[0-9]+)"
    exponent = "([eE][+-]?[0-9]+)?" if target == "number" else ""
    return rf"[+-]?({whole}([{dialect.decimal}][0-9]+)?){exponent}"


def _group(dialect: Dialect) -> str:
    return f"[{_GROUPS.get(dialect.thousands, dialect.thousands)}]"


def _plain(text: str, dialect: Dialect) -> str:
    if dialect.thousands:
        text = f"regexp_replace({text}, {literal(_group(dialect))}, '', 'g')"
    return text if dialect.decimal == "." else f"replace({text}, {literal(dialect.decimal)}, '.')"


def _usual_signs(text: str, currency: str) -> str:
    """SQL for the text with an ASCII minus in front, and nothing around the number."""
    minuses = "-" * len(_MINUSES)
    text = f"trim(translate({text}, {literal(_MINUSES)}, {literal(minuses)}), {literal(_SPACES)})"
    changes = [(r"^\((.*)\)$", r"-\1"), ("^([^-+].*)-$", r"-\1"), (f"^([-+])[{_SPACES}]+", r"\1")]
    if currency:
        words = "|".join(map(re.escape, (*_CURRENCY_WORDS.get(currency, ()), currency)))
        named = f"[{_SPACES}]*(?i:{words})[{_SPACES}]*"
        around = (rf"^([-+(]?){named}|{named}(\)?-?)$", r"\1\2")
        # Whole amounts are written 100,- in Norway, 100:- in Sweden and 100.- elsewhere.
        changes = [around, (rf"([0-9])[.,:]-({named})?(\)?)$", r"\1\3"), *changes]
    for pattern, by in changes:
        text = f"regexp_replace({text}, {literal(pattern)}, {literal(by)}, 'g')"
    return text
