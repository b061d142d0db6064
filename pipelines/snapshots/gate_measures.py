"""Measures of the data-quality gates: tables against those before and against their own past.

Only days before the as-of date count, so that a past date is evaluated as it stood then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, nan

from features.contract import TABLES
from features.timeline import local_day
from pipelines.config.sections import Quality
from pipelines.config.settings import Settings
from pipelines.snapshots import daily_volume
from pipelines.snapshots.daily_volume import Days
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.profiling import LATE_DAYS, ColumnProfile, OrderCount
from pipelines.snapshots.unit_levels import unit_factor

_JUMP = 7.0
_MOST_AT_ONCE = 0.2
_MOST_ORPHANS = 0.5
FEWEST_ROWS = 100
Tables = Mapping[str, TableFacts]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure and the band it must lie in (inclusive; None is open; NaN never lies in it).

    ``detail`` is what a person needs beside it. ``own`` is a figure of the table alone: the same
    one, let through once, needs no second look.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    detail: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class PreviousTables:
    """Tables that were right, by what they are called: the snapshot before, or the champion's.

    Where they are ``growing``, how many rows there are more says nothing.
    """

    tables: Tables
    name: str = "the snapshot before"
    growing: bool = False


NO_PREVIOUS_TABLES = PreviousTables({})


def measures(
    settings: Settings, as_of: date, now: Tables, previous: PreviousTables = NO_PREVIOUS_TABLES
) -> list[Measure]:
    """Every figure of the tables that has a band."""
    first = min(settings.training.first_as_of, as_of)
    return [
        *own_measures(settings.quality, settings.company.timezone, as_of, now),
        *_compared_measures(settings, now, previous),
        *(m for name in now for m in _bulk(name, now[name], previous.tables.get(name), first)),
    ]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A table now and as it was before, null where it was not there."""

    table: str
    now: TableFacts
    old: TableFacts | None

    def before(self, column: str) -> ColumnProfile | None:
        """The column as it was; None where it was not there."""
        return None if self.old is None else self.old.profile.columns.get(column)


def _compared_measures(
    settings: Settings, now: Tables, previous: PreviousTables
) -> Iterator[Measure]:
    quality = settings.quality
    for name, facts in now.items():
        old = previous.tables.get(name)
        each = _Pair(name, facts, old)
        if quality.unit_jumps:
            yield from _units(quality, each, previous.name)
        if facts.rows >= FEWEST_ROWS:
            yield from _empty(settings, each)
            yield from _orphans(quality, each)
            yield from _disorder(quality, each)
        if old is None or max(old.rows, facts.rows) < FEWEST_ROWS:
            continue
        band = quality.rows_of.get(name, quality.rows)
        share = facts.rows / old.rows if old.rows else nan
        high = None if previous.growing else band.high
        yield Measure(f"{name}: rows against {previous.name}", share, band.low, high)
        if min(old.rows, facts.rows) >= FEWEST_ROWS:
            yield from _columns(quality, name, facts, old, growing=previous.growing)


def _columns(
    quality: Quality, table: str, facts: TableFacts, old: TableFacts, *, growing: bool
) -> Iterator[Measure]:
    for column, was in old.profile.columns.items():
        here = facts.profile.columns.get(column)
        if here is None and growing:
            # Whether the champion needs the column, the gates on the night's matrix know.
            continue
        share = 1.0 if here is None else here.nulls / facts.rows
        rise, high = round(share - was.nulls / old.rows, 6), quality.max_null_rise
        yield Measure(f"{table}.{column}: rise of the share of nulls", rise, high=high)
        if was.values and here is not None and here.values:
            both = sum(n for word, n in here.values.items() if word in was.values)
            unknown = round(1 - both / sum(here.values.values()), 6)
            high = quality.max_unknown_share
            yield Measure(f"{table}.{column}: share of words never seen before", unknown, high=high)


def _empty(settings: Settings, each: _Pair) -> Iterator[Measure]:
    """A given column without any value, where nothing known says that it was so before.

    The moment of values that count from the start may be empty, and what is declared null is.
    """
    table, source = each.table, settings.sources.get(each.table)
    usual = {column.revealed_by for column in TABLES[table].columns if column.at_once}
    usual |= {name for name, given in source.columns.items() if given.none} if source else set()
    detail = f"if it is empty for good, name its column in sources.{table}.dropped"
    for column, here in each.now.profile.columns.items():
        if here.nulls == each.now.rows and column not in usual and not each.before(column):
            yield Measure(f"{table}.{column}: rows with a value", 0, low=1, detail=detail)


def _orphans(quality: Quality, each: _Pair) -> Iterator[Measure]:
    limit = quality.max_orphan_share
    for what, count in each.now.profile.orphans.items():
        column = what.partition(" ")[0]
        given = each.now.rows - each.now.profile.columns[column].nulls
        if given < FEWEST_ROWS:
            continue
        was, old, high = each.before(column), each.old, max(_MOST_ORPHANS, limit)
        if was is not None and old is not None:
            high = _let_through(limit, old.profile.orphans.get(what, 0), old.rows - was.nulls)
        yield Measure(f"{each.table}: share of {what}", round(count / given, 6), high=high)


def _let_through(limit: float, rows: int, of: int) -> float:
    """The limit of a share, or a little above what the tables before had, which was let through."""
    return max(limit, 1.1 * rows / of if of else 0)


def _bulk(table: str, facts: TableFacts, old: TableFacts | None, first: date) -> Iterator[Measure]:
    """Old rows that were all known at once, later than the first date that is learned from."""
    later = {day: share for day, share in facts.profile.bulk.items() if day > str(first)}
    if facts.rows < FEWEST_ROWS or not later:
        return
    day = max(later, key=lambda each: later[each])
    had = 0.0 if old is None else old.profile.bulk.get(day, 0.0)
    what = f"share of rows known about one day, over {LATE_DAYS} days after they happened"
    detail = (
        f"known_at is {day}, as after a migration or a first load: at earlier dates these rows "
        f"count for nothing. If the company had them before, take known_at out of "
        f"sources.{table}.columns (name its column in dropped) and declare known_delay_days"
    )
    yield Measure(f"{table}: {what}", later[day], None, max(_MOST_AT_ONCE, 1.1 * had), detail)


def _disorder(quality: Quality, each: _Pair) -> Iterator[Measure]:
    before = {} if each.old is None else each.old.profile.orders
    for what, dates in each.now.profile.orders.items():
        if dates.of < FEWEST_ROWS:
            continue
        had = before.get(what, OrderCount(0, 0))
        high = _let_through(quality.max_disorder_share, had.rows, had.of)
        detail = f"{dates.rows:,} of {dates.of:,} rows, first in {dates.first}"
        share = round(dates.rows / dates.of, 6)
        yield Measure(f"{each.table}: share of {what}", share, None, high, detail)


def _units(quality: Quality, each: _Pair, since: str) -> Iterator[Measure]:
    for column, here in each.now.profile.columns.items():
        was, name = each.before(column), f"{each.table}.{column}"
        if here.jump is not None:
            seen = unit_factor(was.jump) if was is not None else None
            # A jump that the tables before already had was let through by a person.
            high = _JUMP if unit_factor(here.jump) not in (None, seen) else None
            what = f"{name}: newest month's median against those before"
            yield Measure(what, here.jump, high and 1 / high, high)
        if was is not None and was.median and here.median:
            ratio = here.median / was.median
            high = _JUMP if unit_factor(ratio) is not None else None
            yield Measure(f"{name}: median against {since}", ratio, high and 1 / high, high)
        if here.mixed is not None and unit_factor(here.jump) is None:
            had = was.mixed if was is not None else None
            high = max(quality.max_mixed_share, 1.25 * (had or 0))
            what = f"{name}: share of the newest month in another unit"
            yield Measure(what, here.mixed, high=high)


def own_measures(quality: Quality, zone: str, as_of: date, now: Tables) -> Iterator[Measure]:
    """The figures of every table that depend on the as-of date."""
    for name, facts in now.items():
        days = daily_volume.days_before(facts.profile.days, as_of)
        yield from _freshness(quality, zone, name, facts, days, as_of)
        yield from _day_rows(quality, name, facts, days, as_of)


def _freshness(
    quality: Quality, zone: str, name: str, facts: TableFacts, days: Days, as_of: date
) -> Iterator[Measure]:
    high = quality.freshness_days.get(name)
    if name not in quality.freshness_days and quality.learned_days and facts.rows >= FEWEST_ROWS:
        usual = daily_volume.usual_silence(days)
        high = None if usual is None else usual + ceil(facts.profile.lag)
    if high is None:
        return
    newest = max(days, default=None)
    if newest is None and facts.last_event is not None:
        newest = local_day(facts.last_event, zone)
    age = nan if newest is None else (as_of - newest).days
    detail = f"newest {newest or 'none'}, expected {as_of - timedelta(days=high)} or later"
    yield Measure(f"{name}: days since the newest event", age, None, high, detail, own=True)


def _day_rows(
    quality: Quality, name: str, facts: TableFacts, days: Days, as_of: date
) -> Iterator[Measure]:
    day, which, declared = as_of - timedelta(days=1), "the day before", quality.day_rows.get(name)
    if declared is not None:
        share, low, high = daily_volume.share_of_weekday(days, day), declared.low, declared.high
    elif name in quality.day_rows or not (quality.learned_days and days):
        return
    else:
        last = min(day - timedelta(days=ceil(facts.profile.lag)), max(days))
        band = quality.usual_day
        found = daily_volume.strangest_day(days, last, band.low, band.high)
        if found is None:
            return
        day, share, low, high = found
        share, which = round(share, 6), "a day"
    figure, detail = nan if share is None else share, f"{days.get(day, 0):,} rows on {day}"
    what = f"{name}: rows of {which} against its weekday"
    yield Measure(what, figure, low, high, detail, own=True)
