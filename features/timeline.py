"""As-of date, observation window, lead and horizon: half-open day arithmetic.

Every date here is a local calendar day, and days are counted on the calendar: one on which the
clocks change has 23 or 25 hours. ``midnight_utc`` is the only place where a day becomes an
instant.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class LabelWindow:
    """Days between the as-of date and the label window, and the window's length.

    ``delay_days``: how long after its day a notice may come to be known.

    >>> window = LabelWindow(lead_days=14, horizon_days=90)
    >>> str(window.start(date(2024, 1, 1))), str(window.end(date(2024, 1, 1)))
    ('2024-01-15', '2024-04-14')
    >>> window.complete(date(2024, 1, 1), today=date(2024, 4, 14))
    True
    """

    lead_days: int
    horizon_days: int
    delay_days: int = 0

    def start(self, as_of: date) -> date:
        """First day on which a notice counts."""
        return as_of + timedelta(days=self.lead_days)

    def end(self, as_of: date) -> date:
        """First day on which a notice no longer counts."""
        return self.start(as_of) + timedelta(days=self.horizon_days)

    def complete(self, as_of: date, today: date) -> bool:
        """Whether every notice of the window could be known before ``today``'s midnight."""
        return self.end(as_of) + timedelta(days=self.delay_days) <= today


def midnight_utc(day: date, zone: str) -> datetime:
    """The naive UTC instant of local midnight; the earlier one when a clock change repeats it.

    >>> midnight_utc(date(2024, 7, 1), "Europe/Oslo")
    datetime.datetime(2024, 6, 30, 22, 0)
    """
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone), fold=0)
    return local.astimezone(UTC).replace(tzinfo=None)


def local_day(instant: datetime, zone: str) -> date:
    """The local day of a naive UTC instant.

    >>> local_day(datetime(2024, 6, 30, 22), "Europe/Oslo")
    datetime.date(2024, 7, 1)
    """
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def days_later(instant: datetime, days: int, zone: str) -> datetime:
    """The naive UTC instant at the same local time, ``days`` calendar days later.

    >>> days_later(datetime(2024, 10, 26, 22), 1, "Europe/Oslo")  # the midnight of a day of 25 h
    datetime.datetime(2024, 10, 27, 23, 0)
    """
    if not days:
        return instant
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) + timedelta(days=days)
    return local.replace(fold=0).astimezone(UTC).replace(tzinfo=None)


def days_later_sql(instant: str, days: int, zone: str) -> str:
    """DuckDB's SQL for ``days_later`` of a naive UTC timestamp expression.

    Where a clock change repeats the local time it is the later one: the day is the same.
    """
    if not days:
        return instant
    local = f"timezone('{zone}', timezone('UTC', {instant})) + interval {days} day"
    return f"timezone('UTC', timezone('{zone}', {local}))"


def month_starts(first: date, last: date) -> tuple[date, ...]:
    """First days of months within ``[first, last]``.

    >>> [str(day) for day in month_starts(date(2023, 12, 2), date(2024, 2, 1))]
    ['2024-01-01', '2024-02-01']
    """
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    starts = (date(month // 12, month % 12 + 1, 1) for month in months)
    return tuple(start for start in starts if first <= start <= last)


def day_of(name: str) -> date | None:
    """The ISO date that a file or folder is named after; None for another name.

    >>> day_of("2026-03-02"), day_of("current")
    (datetime.date(2026, 3, 2), None)
    """
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
