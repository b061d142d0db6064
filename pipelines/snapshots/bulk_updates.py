"""Bulk updates of ``known_at``: many old rows that a migration or a first load touched at once.

Until that day such rows would count for nothing at any past date, although the company had them.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import duckdb

LATE_DAYS = 60
_WITHIN = 15
_WORTH_KEEPING = 0.05


def bulk_updates(
    connection: duckdb.DuckDBPyConnection, accepted: str, rows: int
) -> dict[str, float]:
    """``peaks`` of the accepted rows that were known more than ``LATE_DAYS`` after their event.

    A customer without a day of joining has no event that could be late.
    """
    late = connection.execute(
        f"select cast(known_at as date), count(*) from {accepted} "
        f"where known_at > event_at + interval {LATE_DAYS} day and event_at > '1970-01-01' "
        "group by 1"
    ).fetchall()
    return peaks(dict(late), rows)


def peaks(late: Mapping[date, int], rows: int) -> dict[str, float]:
    """Share of all ``rows`` that is late and known about a day, for days (UTC) that stand out.

    ``late`` counts late rows by the day they were known; 15 days about a day belong to it.

    >>> peaks({date(2024, 11, 1): 600, date(2024, 11, 4): 30, date(2023, 1, 9): 8}, 1000)
    {'2024-11-01': 0.63}
    """
    span = [timedelta(days=n) for n in range(-_WITHIN, _WITHIN + 1)]
    shares = {}
    for day, count in sorted(late.items()):
        about = [late.get(day + step, 0) for step in span]
        if count == max(about) and sum(about) >= _WORTH_KEEPING * rows:
            shares[str(day)] = round(sum(about) / rows, 6)
    return shares
