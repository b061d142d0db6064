"""Parity: the share of each group's customers to whom a list does something, with its interval.

A difference is a question to ask, no finding of discrimination: groups differ in reasons as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from scipy.stats import binomtest

from models.metrics.bootstrap import Interval

SMALLEST_GROUP = 20
"""Customers below which a group is not told of: it could show who somebody is."""


@dataclass(frozen=True, slots=True)
class GroupShares:
    """Shares of one group of ``kind`` by outcome; without figures where the group is too small.

    ``differs`` names the outcomes whose interval leaves out the share of everybody.
    """

    kind: str
    group: str | None
    customers: int | None
    shares: dict[str, Interval]
    differs: tuple[str, ...] = ()


def parity(groups: pd.DataFrame, outcomes: pd.DataFrame) -> Iterator[GroupShares]:
    """Shares of everybody (kind and group ``all``), then of each group, kinds in order.

    ``groups`` (n, kinds) has text, null where it is not known, which is a group of its own;
    ``outcomes`` (n, k) is bool, of the same rows. Intervals are Wilson's score intervals (Wilson
    1927; Brown, Cai and DasGupta 2001), which hold where few customers or none have the outcome:
    of 95 %, for all groups of a kind together (Bonferroni).

    >>> groups = pd.DataFrame({"segment": ["a"] * 40 + ["b"] * 60 + ["c"]})
    >>> called = pd.DataFrame({"called": [True] * 30 + [False] * 71})
    >>> for each in parity(groups, called):
    ...     print(each.group, each.customers, *(f"{s:.2f}" for s in each.shares.values()))
    all 101 0.30 (0.22 to 0.39)
    a 40 0.75 (0.57 to 0.87)
    b 60 0.00 (0.00 to 0.08)
    c None
    """
    everybody = _shares(outcomes)
    yield GroupShares("all", "all", len(outcomes), everybody)
    for kind, names in groups.items():
        parts = [*outcomes.groupby(names, dropna=False, sort=True)]
        large = sum(len(rows) >= SMALLEST_GROUP for _, rows in parts)
        for name, rows in parts:
            group = None if pd.isna(name) else str(name)
            if len(rows) < SMALLEST_GROUP:
                yield GroupShares(str(kind), group, None, {})
                continue
            shares = _shares(rows, large)
            differs = (o for o, s in shares.items() if not s.low <= everybody[o].value <= s.high)
            yield GroupShares(str(kind), group, len(rows), shares, tuple(differs))


def _shares(outcomes: pd.DataFrame, comparisons: int = 1) -> dict[str, Interval]:
    size, error = len(outcomes), 0.05 / comparisons
    return {str(name): wilson(int(n), size, error) for name, n in outcomes.sum().items()}


def wilson(hits: int, size: int, error: float = 0.05) -> Interval:
    """The share of ``hits`` in ``size`` > 0, with its two-sided 1 − ``error`` score interval."""
    test = binomtest(hits, size)
    low, high = test.proportion_ci(1 - error, method="wilson")
    return Interval(float(test.statistic), float(low), float(high))
