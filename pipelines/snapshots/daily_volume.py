"""Daily volume: usual silence and usual rows of a weekday, from a table's own past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

WEEKS = 8
FEWEST_A_DAY, FEWEST_BEFORE_A_RUSH = 30, 10
LEAST_SILENCE = 3
# A year and the weeks by which Easter moves.
_PAST = timedelta(days=420)
_SPAN = timedelta(weeks=WEEKS)
_DAYS_ENOUGH, _REGULAR_ENOUGH, _RECENT_DAYS = 100, 9, 7
_RARE, _MARGIN, _FEWEST_SHARES = 3, 2.0, 50

Days = Mapping[date, int]


@dataclass(frozen=True, slots=True)
class DayRows:
    """Rows of one day over the median of its weekday, and what the table's past allows."""

    day: date
    share: float
    low: float
    high: float


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


def strangest_day(days: Days, last: date, low: float, high: float) -> DayRows | None:
    """The day, of the seven up to ``last``, whose rows are the farthest from its weekday's.

    Only days whose weekday had a median of ``FEWEST_A_DAY`` rows in the eight weeks before, or of
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
    return DayRows(day, recent[day], low, high)


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
