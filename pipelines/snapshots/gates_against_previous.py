"""Data-quality gates against the previous snapshot: rows, nulls, categories, units and keys."""

from collections.abc import Iterator
from math import nan

from features.contract import TABLES
from pipelines.config.sections import Quality
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.gate_measure import FEWEST_ROWS, Measure, PreviousTables, Tables
from pipelines.snapshots.profile import ColumnProfile
from pipelines.snapshots.unit_levels import unit_factor

_JUMP = 7.0
_MOST_ORPHANS = 0.5


def compared_measures(quality: Quality, now: Tables, known: PreviousTables) -> Iterator[Measure]:
    """Every figure that is held against ``known``, or judged by itself where that lacks it."""
    for name, facts in now.items():
        old = known.tables.get(name)
        if quality.unit_jumps:
            yield from _units(quality, name, facts, old, known.name)
        if facts.rows >= FEWEST_ROWS:
            yield from _empty(name, facts, old)
            yield from _orphans(quality, name, facts, old)
        if old is None or max(old.rows, facts.rows) < FEWEST_ROWS:
            continue
        band = quality.rows_of.get(name, quality.rows)
        share = facts.rows / old.rows if old.rows else nan
        high = None if known.growing else band.high
        yield Measure(f"{name}: rows against {known.name}", share, band.low, high)
        if min(old.rows, facts.rows) >= FEWEST_ROWS:
            yield from _columns(quality, name, facts, known)


def _columns(
    quality: Quality, table: str, facts: TableFacts, known: PreviousTables
) -> Iterator[Measure]:
    old = known.tables[table]
    for column, was in old.profile.columns.items():
        here = facts.profile.columns.get(column)
        if here is None and known.growing:
            # Whether the champion needs the column, the gates on the night's matrix know.
            continue
        share = 1.0 if here is None else here.nulls / facts.rows
        rise = round(share - was.nulls / old.rows, 6)
        yield Measure(
            f"{table}.{column}: rise of the share of nulls", rise, high=quality.max_null_rise
        )
        if was.values and here is not None and here.values:
            unknown = _unknown_share(here, was)
            high = quality.max_unknown_share
            yield Measure(f"{table}.{column}: share of words never seen before", unknown, high=high)


def _unknown_share(here: ColumnProfile, was: ColumnProfile) -> float:
    total = sum(here.values.values())
    known = sum(n for word, n in here.values.items() if word in was.values)
    return round(1 - known / total, 6)


def _empty(table: str, facts: TableFacts, old: TableFacts | None) -> Iterator[Measure]:
    """A given column without any value, where nothing known says that it was so before.

    The moment of values that count from the start without one may be empty.
    """
    moments = {column.revealed_by for column in TABLES[table].columns if column.at_once}
    for column, here in facts.profile.columns.items():
        before = old is not None and column in old.profile.columns
        if here.nulls < facts.rows or before or column in moments:
            continue
        yield Measure(
            f"{table}.{column}: rows with a value",
            0,
            low=1,
            detail=f"if it is empty for good, name its column in sources.{table}.dropped",
        )


def _orphans(
    quality: Quality, table: str, facts: TableFacts, old: TableFacts | None
) -> Iterator[Measure]:
    for what, count in facts.profile.orphans.items():
        column = what.partition(" ")[0]
        given = facts.rows - facts.profile.columns[column].nulls
        if given < FEWEST_ROWS:
            continue
        limit = quality.max_orphan_share
        if old is None or column not in old.profile.columns:
            high = max(_MOST_ORPHANS, limit)
        else:
            # What the tables before had already was let through.
            had = old.rows - old.profile.columns[column].nulls
            high = max(limit, 1.1 * old.profile.orphans.get(what, 0) / had if had else 0)
        yield Measure(f"{table}: share of {what}", round(count / given, 6), high=high)


def _units(
    quality: Quality, table: str, facts: TableFacts, old: TableFacts | None, since: str
) -> Iterator[Measure]:
    for column, here in facts.profile.columns.items():
        was = old.profile.columns.get(column) if old is not None else None
        yield from _jump(f"{table}.{column}", here, was)
        if was is not None and was.median and here.median:
            ratio = here.median / was.median
            high = _JUMP if unit_factor(ratio) is not None else None
            name = f"{table}.{column}: median against {since}"
            yield Measure(name, ratio, high and 1 / high, high)
        if here.mixed is not None and unit_factor(here.jump) is None:
            limit = quality.max_mixed_share
            had = was.mixed if was is not None else None
            yield Measure(
                f"{table}.{column}: share of the newest month in another unit",
                here.mixed,
                high=max(limit, 1.25 * (had or 0)),
            )


def _jump(name: str, here: ColumnProfile, was: ColumnProfile | None) -> Iterator[Measure]:
    if here.jump is None:
        return
    seen = unit_factor(was.jump) if was is not None else None
    factor = unit_factor(here.jump)
    # A jump that the tables before already had was let through by a person.
    high = _JUMP if factor is not None and factor != seen else None
    name = f"{name}: newest month's median against those before"
    yield Measure(name, here.jump, high and 1 / high, high)
