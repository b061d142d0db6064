"""Scorecards by subgroup: product line and month, months since training, customers never met.

In a split by time the same customer is in training and test rows. So the recipe is fitted once
more without some customers, and both models are compared on those customers' test rows. Parity of
the lists among groups is a question to ask, no finding of discrimination: reasons differ as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from features.timeline import LabelWindow
from models.dataset.array_types import Days, Floats, Labels, Mask, Texts
from models.dataset.examples import Examples
from models.dataset.splits import Fold, customer_share, possible_splits
from models.metrics.bootstrap import Interval, Rows, bootstrap
from models.metrics.logistic import log_losses
from models.metrics.observed_expected import ObservedExpected, outcome
from models.metrics.ranking import auc_difference, roc_auc
from models.metrics.scorecard import scorecard

LINE = "product_line="
_MONTH_DAYS = 30.4375


@dataclass(frozen=True, slots=True)
class SubgroupCalibration:
    """Leaving in one part of the test rows, beside what was expected of it.

    The ``outcome`` is named ``all``, ``product_line=…`` or ``month=YYYY-MM`` (of the as-of date).
    Slope and intercept are the scorecard's, None where the part has one class only.
    """

    outcome: ObservedExpected
    slope: Interval | None
    intercept: Interval | None


def calibration_by_subgroup(
    test: Examples, p: Floats, rows: Rows
) -> tuple[SubgroupCalibration, ...]:
    """All ``rows``, which are those of ``test``, then each product line and month, in order.

    ``p`` has shape (n,).
    """
    found = []
    for name, part in _parts(test):
        here, card = rows.take(part), _card(rows.take(part), p[part])
        line = card.get("calibration_slope"), card.get("calibration_intercept")
        found.append(SubgroupCalibration(outcome(name, here, p[part]), *line))
    return tuple(found)


def _parts(test: Examples) -> Iterator[tuple[str, Mask]]:
    yield "all", np.ones(len(test), dtype=bool)
    lines = test.product_line.astype(str)
    for line in np.unique(lines):
        yield f"{LINE}{line}", lines == line
    months = test.as_of.astype("datetime64[M]")
    for month in np.unique(months):
        yield f"month={month}", months == month


@dataclass(frozen=True, slots=True)
class DecayMonth:
    """Rows whose as-of dates lie ``months`` whole months after the last training label.

    ``card`` is empty where one class is absent.
    """

    months: int
    first_as_of: date
    last_as_of: date
    rows: int
    leavers: int
    card: dict[str, Interval]


def decay_fold(as_of: Days, y: Labels, window: LabelWindow, months: int, least: int) -> Fold | None:
    """Learn from what was complete ``months`` months before the end, judge on all since.

    Fewer months where the history is shorter, as long as each side has ``least`` of both
    classes; None where not even two months can be evaluated.
    """
    return next(possible_splits(as_of, y, window, range(months, 1, -1), least), None)


def last_label(as_of: Days, window: LabelWindow) -> date:
    """The last day on which a notice counted in the training rows' labels."""
    newest: date = as_of.max().item()
    return window.end(newest) - timedelta(days=1)


def performance_decay(
    test: Examples, p: Floats, learned_to: date, rows: Rows
) -> tuple[DecayMonth, ...]:
    """The scorecard of ``test`` scored ``p`` (n,), by months since ``learned_to``, oldest first.

    ``rows`` are those of ``test``.
    """
    days = (test.as_of - np.datetime64(learned_to, "D")).astype("int64")
    months = np.floor(days / _MONTH_DAYS).astype(int)

    def judge(month: int) -> DecayMonth:
        here = months == month
        as_of, part = test.as_of[here], rows.take(here)
        return DecayMonth(
            months=month,
            first_as_of=as_of.min().item(),
            last_as_of=as_of.max().item(),
            rows=len(part),
            leavers=int(part.y.sum()),
            card=_card(part, p[here]),
        )

    return tuple(map(judge, np.unique(months).tolist()))


def _card(rows: Rows, p: Floats) -> dict[str, Interval]:
    """The scorecard; empty where one class is absent."""
    return scorecard(rows, p) if 0 < int(rows.y.sum()) < len(rows) else {}


UNSEEN_SHARE = 0.25
TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class UnseenCustomersCheck:
    """The same rows evaluated by a model that learned from their customers and by one that did not.

    The differences are positive where the model that knew the customers is better, with paired
    intervals; that of the log loss is a share of the knowing model's. ``differs``
    when one of them is above 0.02 and its interval above 0.
    """

    rows: int
    customers: int
    leavers: int
    seen_auc: float
    unseen_auc: float
    seen_log_loss: float
    unseen_log_loss: float
    auc_difference: Interval
    loss_difference: Interval
    differs: bool


def without_customers(fold: Fold, customer_id: Texts) -> Fold:
    """The fold with about a quarter of the customers evaluated, and taught by the others only."""
    unseen = customer_share(customer_id, "grouped") < UNSEEN_SHARE
    return Fold(fold.train & ~unseen, fold.test & unseen, f"{fold.name}, unseen customers")


def check_unseen_customers(rows: Rows, p_seen: Floats, p_unseen: Floats) -> UnseenCustomersCheck:
    """Compare two models' probabilities for the same rows, both (n,)."""
    y = rows.y
    losses = np.stack([log_losses(y, p) for p in (p_seen, p_unseen)])

    def loss_gap(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((losses[1] @ weights.T) / (losses[0] @ weights.T) - 1)

    ranking = bootstrap(auc_difference(y, p_seen, p_unseen), rows)
    loss = bootstrap(loss_gap, rows)
    return UnseenCustomersCheck(
        rows=len(y),
        customers=len(np.unique(rows.customer_id.astype(str))),
        leavers=int(y.sum()),
        seen_auc=roc_auc(y, p_seen),
        unseen_auc=roc_auc(y, p_unseen),
        seen_log_loss=float(losses[0].mean()),
        unseen_log_loss=float(losses[1].mean()),
        auc_difference=ranking,
        loss_difference=loss,
        differs=any(each.value > TOLERANCE and each.low > 0 for each in (ranking, loss)),
    )


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
