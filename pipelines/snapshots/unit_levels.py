"""Unit changes: medians and mixtures from a histogram of logarithms.

A unit that changes (øre for kroner) moves values by a power of ten. Counts in bands of the
logarithm take the same memory for any number of rows and give the same figure in any order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from pipelines.runtime.duckdb_connection import Connection, identifier

MONTHS = 12
BANDS = 50
FEWEST = 20
_FEWEST_STRANGE = 10
_DECADES = (-3, -2, -1, 1, 2, 3)
_FACTORS = (0.001, 0.01, 0.1, 10.0, 100.0, 1000.0)
_NEAR = 1.35

Counts = Counter[int]
Level = tuple[float | None, float | None, float | None]
"""``median``, ``jump`` and ``mixed`` of a ``ColumnProfile``; ``mixed`` by ``mixed_share``."""
UNKNOWN: Level = (None, None, None)


def level_of(connection: Connection, rows: str, column: str, by_month: bool) -> Level:
    """Measure a column of ``rows``, which is SQL with ``event_at``.

    There is no jump unless the newest month of at least ``FEWEST`` values has as many before it.
    """
    counted = connection.execute(
        f"select cast(date_trunc('month', event_at) as VARCHAR) as month, "
        f"cast(floor(log10({identifier(column)}) * {BANDS}) as INTEGER) as band, count(*) "
        f"from {rows} where {identifier(column)} > 0 group by 1, 2 order by 1, 2"
    ).fetchall()
    if not counted:
        return UNKNOWN
    months: dict[str, Counts] = defaultdict(Counter)
    for month, band, rows_there in counted:
        months[month][band] += rows_there
    overall = median(months.values())
    large = [month for month, bands in months.items() if bands.total() >= FEWEST]
    if not by_month or not large:
        return overall, None, None
    newest = large[-1]
    before = [bands for month, bands in months.items() if month < newest][-MONTHS:]
    if sum(bands.total() for bands in before) < FEWEST:
        return overall, None, None
    jump = median([months[newest]]) / median(before)
    return overall, jump, mixed_share(months[newest], before)


def median(counts: Iterable[Counts]) -> float:
    """The value in the middle of counts by band, to within the width of a band (5 %)."""
    bands: Counts = sum(counts, Counter())
    return float(10 ** ((_quantiles(bands, 0.5)[0] + 0.5) / BANDS))


def unit_factor(ratio: float | None) -> float | None:
    """The power of ten (10 to 1,000, or its inverse) that a ratio is near, or None.

    >>> unit_factor(104.0), unit_factor(2.0)
    (100.0, None)
    """
    if ratio is None or ratio <= 0:
        return None
    near = (factor for factor in _FACTORS if 1 / _NEAR < ratio / factor < _NEAR)
    return next(near, None)


def mixed_share(newest: Counts, before: Sequence[Counts]) -> float:
    """How much larger the share of strange values is in the newest month than it ever was.

    A value is strange when a power of ten (10 to 1,000 or its inverse) of it lies among the middle
    nine tenths of the values before, and it does not lie among the middle 98 % itself. Months of
    fewer than ``FEWEST`` values are not compared with; 0 for fewer than ten strange values.
    """
    usual: Counts = sum(before, Counter())
    least, low, high, most = _quantiles(usual, 0.01, 0.05, 0.95, 0.99)

    def is_strange(band: int) -> bool:
        moved = (band - decades * BANDS for decades in _DECADES)
        return not least <= band <= most and any(low <= each <= high for each in moved)

    def strange(counts: Counts) -> int:
        return sum(n for band, n in counts.items() if is_strange(band))

    found = strange(newest)
    if found < _FEWEST_STRANGE:
        return 0.0
    shares = [strange(month) / month.total() for month in before if month.total() >= FEWEST]
    return round(max(0.0, found / newest.total() - max(shares, default=0.0)), 6)


def _quantiles(counts: Counts, *shares: float) -> list[int]:
    """The bands in which these shares of the values end."""
    bands, weights = [*counts], [*counts.values()]
    return [*map(int, np.quantile(bands, shares, weights=weights, method="inverted_cdf"))]
