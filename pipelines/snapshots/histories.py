"""Where a table's history begins: what happened before that day nobody knows."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import accumulate

from pipelines.snapshots.daily_volume import Days, days_before
from pipelines.snapshots.facts import TableFacts

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
