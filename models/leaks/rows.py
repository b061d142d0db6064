"""Leaks and limits; rows and binned columns, with cross-fitted AUC by halves of customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from models.dataset.array_types import Days, Floats, Index, Labels, Mask, Matrix
from models.dataset.examples import Examples
from models.dataset.splits import customer_share

Kind = Literal[
    "knows_label",
    "measured_at_exit",
    "leavers_only",
    "after_as_of",
    "adds_up",
    "only_together",
    "fades",
    "id_order",
    "row_order",
    "changes",
]
SINGLE_DATE = "single_date"
FLAT = "attr_"
_QUANTILES = np.r_[0.002, 0.01, np.linspace(0, 1, 21)[1:-1], 0.99, 0.998]
_QUANTILE_ROWS = 20_000
SMOOTHING = 20.0
_SIDE = 2_500
ALARM = 0.80
"""AUC that no honest column reaches alone: published models reach 0.52 to 0.77 with them all."""
HONEST = 0.70
"""What the lower bound of an AUC above the alarm must exceed besides."""
GAIN = 0.10
"""How far a pair must surpass its parts, and the oldest months the newest, in AUC."""
SIGNIFICANCE = 0.002
"""Chance of a false finding over all columns, for each kind of check."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One suspected leak.

    ``column`` is a feature, ``a + b`` or ``a - b`` for two that act together, ``a changes`` for
    one that was not to change, ``customer_id`` or ``row_order``; it is also the key to override.
    ``evidence`` holds the numbers behind ``message``, its ``auc`` being the most that the column
    reaches. A finding that does not refuse is there for a person to know. One with ``undated`` is
    of a column without dates where all rows have one as-of date: the key ``SINGLE_DATE``
    overrides it too.
    """

    kind: Kind
    column: str
    evidence: Mapping[str, float]
    message: str
    refuses: bool = True
    undated: bool = False

    @property
    def strength(self) -> float:
        """How well it ranks leavers, as an AUC: the order in which findings are told."""
        return max(self.evidence["auc"], 0.5 + self.evidence.get("clumping", 0.0) / 2)

    def override(self, reasons: Mapping[str, str]) -> str | None:
        """The reason, of those by key, why a person lets it through.

        >>> Leak("knows_label", "a", {"auc": 0.9}, "").override({"a": "asked the owner"})
        'asked the owner'
        """
        return reasons.get(self.column) or (reasons.get(SINGLE_DATE) if self.undated else None)


@dataclass(frozen=True, slots=True)
class LeakRows:
    """Examples and everything that the checks need and no column decides, shape (n,) each.

    ``customer`` numbers the customers in order, ``half`` halves them, ``day`` numbers the as-of
    dates, ``left`` is true on every row of a customer with a positive anywhere. ``leavers`` and
    ``stayers`` count customers: rows of one customer say the same thing over and over.
    """

    examples: Examples
    customer: Index
    half: Index
    day: Index
    days: Days
    left: Mask
    leavers: int
    stayers: int

    @staticmethod
    def of(examples: Examples, most: int) -> "LeakRows":
        """All rows, or those of a share of the customers when there are more than ``most``."""
        if len(examples) > most:
            share = customer_share(examples.customer_id, "leaks")
            examples = examples.take(share < most / len(examples))
        ids = examples.customer_id
        customer = np.cumsum(np.r_[False, ids[1:] != ids[:-1]])
        days, day = np.unique(examples.as_of, return_inverse=True)
        left = np.bincount(customer, weights=examples.y) > 0
        half = (customer_share(ids, "leak halves") < 0.5).astype(np.intp)
        stayers, leavers = np.bincount(left, minlength=2).tolist()
        return LeakRows(examples, customer, half, day, days, left[customer], leavers, stayers)

    def even(self) -> "LeakRows":
        """At most 2,500 positives and as many other rows, evenly through the customers."""
        keep = np.zeros(len(self.y), dtype=bool)
        for label in (0, 1):
            which = np.flatnonzero(self.y == label)
            keep[which[:: max(1, -(-len(which) // _SIDE))]] = True
        return LeakRows.of(self.examples.take(keep), len(self.y))

    @property
    def y(self) -> Labels:
        return self.examples.y

    def customers_with(self, pattern: Mask, leaver: Mask | None = None) -> tuple[int, int]:
        """Customers with a row in ``pattern``, and how many of them are ``gone`` at the first.

        By default those are gone who leave at any time.
        """
        customers = self.customer[pattern]
        first = np.flatnonzero(np.diff(customers, prepend=-1))
        leaver = self.left if leaver is None else leaver
        return len(first), int(leaver[pattern][first].sum())

    def constant(self, values: Matrix) -> bool:
        """Whether no customer's value ever changes, though customers have several rows."""
        same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
        again = self.customer[1:] == self.customer[:-1]
        return bool(again.any() and same[again].all())

    def auc_of(self, values: Floats) -> float:
        """AUC of a number, in bins; the unknown are a bin of their own."""
        return Binned.of(self, bins_of(values.astype(np.float32), category=False)).auc()


@dataclass(frozen=True, slots=True)
class Binned:
    """A column as bins: ``code`` (n,) and the leaving rate's rank of each (half, bin).

    A bin's rate is learned on the other half of the customers, so a useless column reaches an
    AUC of one half and no more. ``counts`` is (half, bin, group) with the groups of ``LeakRows``:
    0 rows of customers who stayed, 1 other rows of leavers, 2 positives.
    """

    code: Index
    counts: Floats
    rank: Index

    @staticmethod
    def of(rows: LeakRows, code: Index) -> "Binned":
        group = np.where(rows.y == 1, 2, rows.left.astype(np.intp))
        return Binned.counted(rows.half, code, group, int(code.max(initial=0)) + 1)

    @staticmethod
    def counted(half: Index, code: Index, group: Index, bins: int) -> "Binned":
        """The same of rows whose groups are given, of which each is one of ``bins``."""
        cell = (half * bins + code) * 3 + group
        counts = np.bincount(cell, minlength=6 * bins).reshape(2, bins, 3).astype(np.float64)
        positive, every = counts[..., 2], counts.sum(axis=2)
        base = positive.sum() / max(every.sum(), 1.0)
        rate = (positive[::-1] + SMOOTHING * base) / (every[::-1] + SMOOTHING)
        rank = np.unique(rate, return_inverse=True)[1].reshape(rate.shape)
        return Binned(code, counts, np.asarray(rank, dtype=np.intp))

    def auc(self, *, against_leavers: bool = True) -> float:
        """AUC of positives against all other rows, or only against customers who stayed."""
        negative = self.counts[..., :2].sum(axis=2) if against_leavers else self.counts[..., 0]
        return area(_by_rank(self.counts[..., 2], self.rank), _by_rank(negative, self.rank))


def bins_of(values: Matrix, *, category: bool) -> Index:
    """Bin numbers (n,): a category's codes, a number's quantile bins; missing comes last."""
    known = ~np.isnan(values)
    if category:
        last = int(np.nanmax(values, initial=-1)) + 1
        return np.where(known, values, last).astype(np.intp)
    sample = values[known]
    sample = sample[:: max(1, len(sample) // _QUANTILE_ROWS)]
    edges = np.unique(np.quantile(sample, _QUANTILES, method="lower")) if len(sample) else sample
    return np.where(known, np.searchsorted(edges, values), len(edges) + 1).astype(np.intp)


def area(positive: Floats, negative: Floats) -> float:
    """AUC from counts by stratum and rising rank, (s, r) each; ties count half. NaN if empty."""
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = float((positive.sum(axis=1) * negative.sum(axis=1)).sum())
    return float((positive * below).sum()) / pairs if pairs else float("nan")


def error(auc: float, leavers: int, stayers: int) -> float:
    """Standard error (Hanley and McNeil 1982) of an AUC learned and measured on halves.

    Both halves of a useless column err alike, as each is ranked by the other's chance: they
    count as one.
    """
    a, b = max(leavers / 2, 1), max(stayers / 2, 1)
    both, one = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    return float(np.sqrt((auc * (1 - auc) + (a - 1) * both + (b - 1) * one) / (a * b)))


def limit(tests: int) -> float:
    """Standard errors that chance passes in none of ``tests`` with 1 - ``SIGNIFICANCE``.

    >>> round(limit(2), 2)
    3.09
    """
    return -NormalDist().inv_cdf(SIGNIFICANCE / max(tests, 1))


def _by_rank(counts: Floats, rank: Index) -> Floats:
    size = int(rank.max()) + 1
    return np.array([np.bincount(*half, minlength=size) for half in zip(rank, counts, strict=True)])
