"""Data-quality gates against a table's own history: freshness and daily volume.

Only days before the as-of date count, so that a date in the past is judged as it stood then.
"""

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from math import ceil, nan
from zoneinfo import ZoneInfo

from pipelines.config.sections import Quality, RowBand
from pipelines.snapshots.daily_volume import (
    Days,
    days_before,
    share_of_weekday,
    strangest_day,
    usual_silence,
)
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.gate_measure import FEWEST_ROWS, Measure, Tables

_DAY = timedelta(days=1)


def own_measures(quality: Quality, zone: str, as_of: date, now: Tables) -> Iterator[Measure]:
    """The figures of every table that depend on the as-of date."""
    for name, facts in now.items():
        days = days_before(facts.profile.days, as_of)
        yield from _freshness(quality, zone, name, facts, days, as_of)
        yield from _day_rows(quality, name, facts, days, as_of)


def _freshness(
    quality: Quality, zone: str, name: str, facts: TableFacts, days: Days, as_of: date
) -> Iterator[Measure]:
    high = quality.freshness_days.get(name)
    if name not in quality.freshness_days and quality.learned_days and facts.rows >= FEWEST_ROWS:
        usual = usual_silence(days)
        high = None if usual is None else usual + ceil(facts.profile.lag)
    if high is None:
        return
    newest = max(days, default=None) or _newest(facts, zone)
    yield Measure(
        f"{name}: days since the newest event",
        nan if newest is None else (as_of - newest).days,
        high=high,
        detail=f"newest {newest or 'none'}, expected {as_of - timedelta(days=high)} or later",
        own=True,
    )


def _newest(facts: TableFacts, zone: str) -> date | None:
    if facts.last_event is None:
        return None
    return facts.last_event.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def _day_rows(
    quality: Quality, name: str, facts: TableFacts, days: Days, as_of: date
) -> Iterator[Measure]:
    if name in quality.day_rows:
        yield from _declared(name, quality.day_rows[name], days, as_of - _DAY)
    elif quality.learned_days and days:
        last = min(as_of - _DAY - timedelta(days=ceil(facts.profile.lag)), max(days))
        band = quality.usual_day
        found = strangest_day(days, last, band.low, band.high)
        if found is not None:
            yield Measure(
                f"{name}: rows of a day against its weekday",
                round(found.share, 6),
                found.low,
                found.high,
                f"{days.get(found.day, 0):,} rows on {found.day}",
                own=True,
            )


def _declared(name: str, band: RowBand | None, days: Days, day: date) -> Iterator[Measure]:
    if band is not None:
        share = share_of_weekday(days, day)
        yield Measure(
            f"{name}: rows of the day before against its weekday",
            nan if share is None else share,
            band.low,
            band.high,
            f"{days.get(day, 0):,} rows on {day}",
            own=True,
        )
