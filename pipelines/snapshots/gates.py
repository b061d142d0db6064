"""Gates on the company's tables: a figure outside its band stops the run until a person looks.

Each figure is held against the snapshot before, which was let through itself, or against the
table's own past.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from math import nan
from statistics import median
from zoneinfo import ZoneInfo

from features.errors import GateError
from pipelines.record import Gate
from pipelines.settings import Settings
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.levels import unit_factor
from pipelines.snapshots.profile import ColumnProfile

FEWEST_ROWS = 100
_WEEKS = 8
_JUMP = 7.0

Tables = Mapping[str, TableFacts]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure and the band it must lie in (inclusive; None is open; NaN never lies in it)."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


def measures(settings: Settings, as_of: date, now: Tables, before: Tables) -> list[Measure]:
    """Every figure of the tables that has a band; ``before`` is empty for a first snapshot."""
    return [*_own(settings, as_of, now), *_against(settings, now, before)]


def _own(settings: Settings, as_of: date, now: Tables) -> Iterator[Measure]:
    quality = settings.quality
    for name, days in quality.freshness_days.items():
        if name in now:
            age = _age(now[name], as_of, settings.company.timezone)
            yield Measure(f"{name}: days since the newest event", age, high=days)
    for name, band in quality.day_rows.items():
        if name in now:
            day = as_of - timedelta(days=1)
            share = _share_of_weekday(now[name].profile.days, day)
            yield Measure(
                f"{name}: rows of the day before against its weekday", share, band.low, band.high
            )


def _age(facts: TableFacts, as_of: date, zone: str) -> float:
    if facts.last_event is None:
        return nan
    newest = facts.last_event.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    return (as_of - newest).days


def _share_of_weekday(days: Mapping[str, int], day: date) -> float:
    weeks = (str(day - timedelta(weeks=week)) for week in range(1, _WEEKS + 1))
    usual = median(days.get(week, 0) for week in weeks)
    return days.get(str(day), 0) / usual if usual else nan


def _against(settings: Settings, now: Tables, before: Tables) -> Iterator[Measure]:
    for name, facts in now.items():
        old = before.get(name)
        if settings.quality.unit_jumps:
            yield from _jumps(name, facts, old)
        if old is None or max(old.rows, facts.rows) < FEWEST_ROWS:
            continue
        band = settings.rows_of(name)
        share = facts.rows / old.rows if old.rows else nan
        yield Measure(f"{name}: rows against the snapshot before", share, band.low, band.high)
        if min(old.rows, facts.rows) >= FEWEST_ROWS:
            yield from _columns(settings, name, facts, old)


def _columns(
    settings: Settings, table: str, facts: TableFacts, old: TableFacts
) -> Iterator[Measure]:
    quality = settings.quality
    for column, was in old.profile.columns.items():
        here = facts.profile.columns.get(column)
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


def _jumps(table: str, facts: TableFacts, old: TableFacts | None) -> Iterator[Measure]:
    for column, here in facts.profile.columns.items():
        was = old.profile.columns.get(column) if old is not None else None
        seen = unit_factor(was.jump) if was is not None else None
        factor = unit_factor(here.jump)
        if here.jump is not None:
            # A jump that the snapshot before already had was let through by a person.
            high = _JUMP if factor is not None and factor != seen else None
            yield Measure(
                f"{table}.{column}: newest month's median against those before",
                here.jump,
                high and 1 / high,
                high,
            )
        if was is not None and was.median and here.median:
            ratio = here.median / was.median
            high = _JUMP if unit_factor(ratio) is not None else None
            yield Measure(
                f"{table}.{column}: median against the snapshot before",
                ratio,
                high and 1 / high,
                high,
            )


def refusal(closed: Iterable[Gate], page: str) -> GateError:
    """What a person must look at, and how to let it through."""
    lines = "".join(f"\n  {_said(gate)}" for gate in closed)
    return GateError(
        f"the tables are not as they used to be:{lines}\nThe last snapshot and publication stand. "
        f"Look at {page} (stille check writes it). If the export is wrong, mend it and run again; "
        "if it is right, say so: stille check --accept. A band that is too narrow for good is "
        "changed under quality in the configuration."
    )


def _said(gate: Gate) -> str:
    value = "unknown" if gate.value is None else f"{gate.value:.4g}"
    low = "" if gate.low is None else f"at least {gate.low:.4g}"
    high = "" if gate.high is None else f"at most {gate.high:.4g}"
    return f"{gate.name}: {value} ({' and '.join(filter(None, (low, high)))})"
