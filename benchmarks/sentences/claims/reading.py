"""How a claim is declared, and how dates, money and counts that a sentence quotes are read."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import pandas as pd

from benchmarks.sentences.person import Person, Row

Claim = Callable[..., bool]
CLAIMS: list[tuple[re.Pattern[str], Claim]] = []
MINOR = 100
# Days of notice that a rise is due, where a company's configuration names no others.
NOTICE_DAYS = 30
_PARTS = {
    "DATE": r"(\d{1,2} [A-Z][a-z]+ \d{4})",
    "MONEY": r"((?:−)?(?:NOK|SEK|USD|EUR|€|US\$|\$)\s?[\d,]+(?:\.\d+)?)",
    "PCT": r"([\d,.]+)%",
    "N": r"([\d,.]+)",
    "DAYS": r"((?:over )?[\d,]+ (?:day|year)s?)",
}


def says(text: str) -> Callable[[Claim], Claim]:
    """Declare what a sentence claims; DATE, MONEY, PCT, N and DAYS stand for what it quotes."""
    pattern = re.sub(rf"\b(?:{'|'.join(_PARTS)})\b", lambda m: _PARTS[m[0]], text)

    def declare(claim: Claim) -> Claim:
        CLAIMS.append((re.compile(pattern), claim))
        return claim

    return declare


def holds(p: Person, text: str) -> bool | None:
    """Whether a sentence is true of the customer; None for one that nobody can read."""
    for pattern, claim in CLAIMS:
        if found := pattern.fullmatch(text):
            return bool(claim(p, *found.groups()))
    return None


def day(text: str) -> date:
    """The date that is written so."""
    return pd.to_datetime(text, format="%d %B %Y").date()


def money(text: str) -> float:
    """The amount that is written so, in major units."""
    return float(re.sub(r"[^\d.]", "", text))


def count(text: str) -> float:
    """The figure that is written so."""
    return float(text.replace(",", ""))


def half_up(value: float, digits: int = 0) -> float:
    """Rounded as people round."""
    scale = 10.0**digits
    return math.floor(value * scale + 0.5 + 1e-9) / scale


def same_days(text: str, days: float) -> bool:
    """Whether the days, or from two years on over how many years, are as written."""
    *over, number, unit = text.split()
    if unit == "years":
        years = count(number)
        return over == ["over"] and years * 365.25 + 0.75 < days < (years + 1) * 365.25 + 2
    return not over and count(number) == half_up(days)


def same_money(text: str, major: float) -> bool:
    """Whether the amount is the one written: to the cent, below one to four decimals."""
    return abs(money(text) - abs(float(major))) < (0.0051 if major >= 1 else 0.000051)


def same_share(text: str, share: float) -> bool:
    """Whether the percentage is the one written: whole ones from 10 on, of basis points."""
    return abs(count(text) - 100 * share) <= (0.505 if share >= 0.1 else 0.055)


def latest(p: Person, rows: Sequence[Row], text: str) -> bool:
    """Whether the latest of the rows happened on the day written."""
    return bool(rows) and max(map(p.day, rows)) == day(text)


def within(p: Person, moment: date | datetime, days: int) -> bool:
    """Whether it lies in the days before the as-of date."""
    first = p.clock.midnight(p.clock.as_of - timedelta(days))
    return first <= p.clock.instant(moment) < p.clock.now
