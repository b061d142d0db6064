"""Histories cut short: tables that have lost what came before a day."""

from collections.abc import Mapping
from datetime import date, timedelta

from pipelines.snapshots.facts import TableFacts

# A table, and the one whose rows are followed by rows of it within a few weeks.
_FOLLOWS: Mapping[str, str] = {"payments": "invoices"}
_WITHIN = timedelta(days=60)
# A purge spares single old rows, such as those of an open dispute.
_SPARED = 0.01


def short_histories(tables: Mapping[str, TableFacts]) -> dict[str, date]:
    """The first local day of each table whose rows begin later than they should.

    Payments that begin more than 60 days after the invoices were lost, or purged, before: which
    earlier invoices were paid is not known.
    """
    begins = {
        name: _begin(tables[name].profile.days)
        for pair in _FOLLOWS.items()
        for name in pair
        if name in tables and tables[name].profile.days
    }
    return {
        name: begins[name]
        for name, leader in _FOLLOWS.items()
        if {name, leader} <= set(begins) and begins[name] - begins[leader] > _WITHIN
    }


def _begin(days: Mapping[str, int]) -> date:
    """The day up to which more than the spared share of rows had happened."""
    spared = _SPARED * sum(days.values())
    for day in sorted(days):
        spared -= days[day]
        if spared < 0:
            break
    return date.fromisoformat(day)
