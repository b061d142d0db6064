"""Daily volume: usual silence and usual rows of a weekday, and where a table's history begins."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate, pairwise
from statistics import median

from pipelines.snapshots.facts import TableFacts

WEEKS = 8
FEWEST_A_DAY, FEWEST_BEFORE_A_RUSH = 30, 10
LEAST_SILENCE = 3
# A year and the weeks by which Easter moves.
_PAST = timedelta(days=420)
_SPAN = timedelta(weeks=WEEKS)
_DAYS_ENOUGH, _REGULAR_ENOUGH, _RECENT_DAYS = 100, 9, 7
_RARE, _MARGIN, _FEWEST_SHARES = 3, 2.0, 50

Days = Mapping[date, int]


def days_before(days: Mapping[str, int], as_of: date) -> Days:
    """Counts by day (ISO text), of the days before ``as_of`` only."""
    read = ((date.fromisoformat(day), rows) for day, rows in days.items())
    return {day: rows for day, rows in sorted(read) if day < as_of}


def usual_silence(days: Days) -> int | None:
    """How many days old the newest event may be, without any delay of its rows.

    Twice the longest pause between days with rows, at least ``LEAST_SILENCE``. None for a past
    under eight weeks, or with under 100 days with rows (nine that come at regular intervals).
    """
    if not days:
        return None
    newest = max(days)
    seen = sorted(day for day in days if day > newest - _PAST)
    if newest - seen[0] < _SPAN:
        return None
    gaps = [(later - earlier).days for earlier, later in pairwise(seen)]
    regular = max(gaps) <= 2 * median(gaps)
    if len(seen) < (_REGULAR_ENOUGH if regular else _DAYS_ENOUGH):
        return None
    return max(LEAST_SILENCE, 2 * max(gaps))


def strangest_day(
    days: Days, last: date, low: float, high: float
) -> tuple[date, float, float, float] | None:
    """The day, of the seven up to ``last``, whose rows are the farthest from its weekday's.

    With its rows over the median of its weekday, and the band that the table's past allows. Only
    days whose weekday had a median of ``FEWEST_A_DAY`` rows in the eight weeks before, or of
    ``FEWEST_BEFORE_A_RUSH`` when the day had more. The band ``low`` to ``high`` gives way where
    more than two days of the year before lay outside it, as holidays do. None when no day can be
    evaluated.
    """
    recent = _shares(days, [last - timedelta(days=back) for back in range(_RECENT_DAYS)])
    first = last - timedelta(days=_RECENT_DAYS)
    year = sorted(_shares(days, [first - timedelta(days=back) for back in range(365)]).values())
    if not recent or len(year) < _FEWEST_SHARES:
        return None
    low = low if year[_RARE - 1] >= low else 0.0
    high = max(high, year[-_RARE] * _MARGIN)

    def strangeness(day: date) -> float:
        below = low / recent[day] if recent[day] else (float("inf") if low else 0.0)
        return max(below, recent[day] / high)

    day = max(recent, key=strangeness)
    return day, recent[day], low, high


def share_of_weekday(days: Days, day: date) -> float | None:
    """A day's rows over the median of its weekday in the eight weeks before; None without one."""
    usual = _usual(days, day)
    return days.get(day, 0) / usual if usual else None


def _usual(days: Days, day: date) -> float:
    return median(days.get(day - timedelta(weeks=week), 0) for week in range(1, WEEKS + 1))


def _shares(days: Days, dates: Sequence[date]) -> dict[date, float]:
    start = min(days, default=date.max)
    usual = {day: _usual(days, day) for day in dates if day - _SPAN >= start}
    return {
        day: days.get(day, 0) / n
        for day, n in usual.items()
        if n >= (FEWEST_BEFORE_A_RUSH if days.get(day, 0) > n else FEWEST_A_DAY)
    }


# A table, and the one whose rows are followed by rows of it within a few weeks.
_FOLLOWS: Mapping[str, str] = {"payments": "invoices"}
_WITHIN = timedelta(days=60)
_STEADY_DAYS, _SPARED = 30, 0.01


def history_begins(days: Days, as_of: date) -> date | None:
    """First day from which a table tells what happened, as far as is known at ``as_of``.

    A week before the first day with rows, or before the first that a purge left, of a table with
    rows on every second day or more; the as-of date itself before there is any row. None for other
    tables: that they were silent before their first row may be what happened.
    """
    if not days:
        return as_of
    for first in (min(days), _first_kept(days)):
        seen = sum(day >= first for day in days)
        if seen >= max(_STEADY_DAYS, (as_of - first).days / 2):
            return first - timedelta(weeks=1)
    return None


def short_histories(tables: Mapping[str, TableFacts]) -> dict[str, date]:
    """The first local day of each table whose rows begin later than they should.

    Payments from before a day more than 60 days after the first invoices were lost or purged.
    """
    counted = {n: days_before(facts.profile.days, date.max) for n, facts in tables.items()}
    begins = {name: _first_kept(days) for name, days in counted.items() if days}
    return {
        name: begins[name]
        for name, leader in _FOLLOWS.items()
        if {name, leader} <= set(begins) and begins[name] - begins[leader] > _WITHIN
    }


def _first_kept(days: Days) -> date:
    """The first day of all rows but the oldest hundredth, as a purge spares single old rows."""
    ordered, spared = sorted(days), _SPARED * sum(days.values())
    rows = accumulate(days[day] for day in ordered)
    return next(day for day, sofar in zip(ordered, rows, strict=True) if sofar > spared)
