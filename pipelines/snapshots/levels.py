"""Medians that need no sorting, and how far a unit that was changed moves them.

A column whose unit changes (øre for kroner, Wh for kWh) moves by a power of ten. Values are
counted in bands of their logarithm, which takes the same memory for any number of rows and gives
the same figure in any order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from pipelines.database import identifier
from pipelines.snapshots.mixture import BANDS, FEWEST, Counts, mixed_share

MONTHS = 12
_FACTORS = (0.001, 0.01, 0.1, 10.0, 100.0, 1000.0)
_NEAR = 1.35


@dataclass(frozen=True, slots=True)
class Level:
    """Where a column's positive values lie.

    ``median`` is that of all, ``jump`` the newest month's over that of the months before, and
    ``mixed`` the share of the newest month that may be in another unit (``mixed_share``).
    """

    median: float | None = None
    jump: float | None = None
    mixed: float | None = None


def level_of(
    connection: duckdb.DuckDBPyConnection, rows: str, column: str, by_month: bool
) -> Level:
    """Measure a column of ``rows``, which is SQL with ``event_at``.

    The newest month is the newest with at least ``FEWEST`` values; there is no jump without as
    many in the twelve months before it.
    """
    counted = connection.execute(
        f"select cast(date_trunc('month', event_at) as VARCHAR) as month, "
        f"cast(floor(log10({identifier(column)}) * {BANDS}) as INTEGER) as band, count(*) "
        f"from {rows} where {identifier(column)} > 0 group by 1, 2 order by 1, 2"
    ).fetchall()
    if not counted:
        return Level()
    months: dict[str, Counts] = defaultdict(Counter)
    for month, band, rows_there in counted:
        months[month][band] += rows_there
    overall = median(months.values())
    large = [month for month, bands in months.items() if bands.total() >= FEWEST]
    if not by_month or not large:
        return Level(overall)
    newest = large[-1]
    names = list(months)
    before = [months[name] for name in names[: names.index(newest)][-MONTHS:]]
    if sum(bands.total() for bands in before) < FEWEST:
        return Level(overall)
    jump = median([months[newest]]) / median(before)
    return Level(overall, jump, mixed_share(months[newest], before))


def median(counts: Iterable[Counts]) -> float:
    """The value in the middle of counts by band, to within the width of a band (5 %)."""
    bands: Counts = sum(counts, Counter())
    half, seen = bands.total() / 2, 0
    for band in sorted(bands):
        seen += bands[band]
        if seen >= half:
            return float(10 ** ((band + 0.5) / BANDS))
    raise ValueError("no values")


def unit_factor(ratio: float | None) -> float | None:
    """The power of ten (10 to 1,000, or its inverse) that a ratio is near, or None."""
    if ratio is None or ratio <= 0:
        return None
    near = (factor for factor in _FACTORS if 1 / _NEAR < ratio / factor < _NEAR)
    return next(near, None)
