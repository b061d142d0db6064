"""Two units in one month: values that lie a power of ten away from where a column's values lie."""

from collections import Counter
from collections.abc import Iterable, Sequence

BANDS = 50
FEWEST = 20
_FEWEST_STRANGE = 10
_DECADES = (-3, -2, -1, 1, 2, 3)

Counts = Counter[int]


def mixed_share(newest: Counts, before: Sequence[Counts]) -> float:
    """How much larger the share of strange values is in the newest month than it ever was.

    Counts are by band of the logarithm, ``BANDS`` a decade. A value is strange when a power of
    ten (10 to 1,000 or its inverse) of it lies among the middle nine tenths of the values
    before, and it does not lie among the middle 98 % itself. Months of fewer than ``FEWEST``
    values are not compared with; 0 for fewer than ten strange values.
    """
    usual: Counts = sum(before, Counter())
    middle, core = _between(usual, 0.05), _between(usual, 0.01)

    def strange(counts: Counts) -> int:
        return sum(n for band, n in counts.items() if _is_strange(band, middle, core))

    found = strange(newest)
    if found < _FEWEST_STRANGE:
        return 0.0
    shares = [strange(month) / month.total() for month in before if month.total() >= FEWEST]
    return round(max(0.0, found / newest.total() - max(shares, default=0.0)), 6)


def _is_strange(band: int, middle: tuple[int, int], core: tuple[int, int]) -> bool:
    if core[0] <= band <= core[1]:
        return False
    return any(middle[0] <= band - decades * BANDS <= middle[1] for decades in _DECADES)


def _between(counts: Counts, tail: float) -> tuple[int, int]:
    """The bands that leave ``tail`` of the values out at each end."""
    return _first(sorted(counts), counts, tail), _first(sorted(counts)[::-1], counts, tail)


def _first(bands: Iterable[int], counts: Counts, tail: float) -> int:
    left, band = tail * counts.total(), 0
    for band in bands:
        left -= counts[band]
        if left < 0:
            break
    return band
