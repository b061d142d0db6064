"""Lag-test leak detection: a signal that rises too steeply towards the notice.

What is known a month earlier ranks a little less well, also where all is honest: news fades. What
was made by the notice is there shortly before it only, and nearly certain on its day.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np

from models.boosters.hyperparameters import Recipe
from models.dataset.array_types import Days, Floats, Index, Mask, Matrix
from models.dataset.examples import Examples
from models.dataset.splits import customer_folds, customer_share
from models.leaks.rows import FLAT, Binned, Leak, LeakLimits, LeakRows, bins_of

_RECIPE = Recipe(learning_rate=0.1, num_leaves=8, min_data_in_leaf=20, max_bin=31, threads=1)
_ROUNDS = 60
_ROWS = 10_000
_LAG, _SHORTEST, _LONGEST = 30, 21, 45
_FEWEST_LEAVERS = 50
_ERRORS = 2.0
_CANDIDATES = 5
_LISTED = 5


def lag_findings(
    rows: LeakRows,
    tables: Mapping[str, Sequence[str]],
    limits: LeakLimits,
    told: Collection[str] = (),
) -> tuple[Leak, ...]:
    """A finding when leavers, soon before they leave, are far better known than a month earlier.

    A small model (boosters, out of fold) ranks customers within each as-of date by what the matrix
    held then, and another by what it held at the date about a month before, on the same rows.
    Compared are the places of those who leave soonest: the last row of each that has the label 1.
    Continued for another month, the rise must not come near certainty (``limits.notice``).

    The table, or the column without one, is named that explains most of the rise when it alone is
    a month late: ``tables`` maps columns to those that they are made of. Columns ``told`` of
    before are left out.
    """
    then = _earlier(rows)
    now = np.flatnonzero(_sampled(rows, then >= 0))
    here = LeakRows.of(rows.examples.take(now), len(now))
    here.examples.x[:, [name in told for name in here.examples.spec.names]] = np.nan
    test = _LagTest(here, rows.examples.x[then[now]], _soonest(here))
    if test.soonest.sum() < _FEWEST_LEAVERS:
        return ()
    near, before = test.places(here.examples.x), test.places(test.late)
    rise = 2 * near - before
    reached, noise = float(rise.mean()), float(rise.std()) / np.sqrt(len(rise))
    if reached < limits.notice or reached - _ERRORS * noise < limits.notice_low:
        return ()
    days = int(np.median(here.days[here.day] - rows.examples.as_of[then[now]]).astype(int))
    name, column, alone = test.culprit(tables)
    late = float(near.mean() - test.places(test.with_late(name, tables)).mean())
    evidence = {
        "auc": float(near.mean()),
        "auc_before": float(before.mean()),
        "lag_days": days,
        "auc_on_the_day": reached,
        "fall_by_this": late,
    }
    message = (
        f"{name}: those who leave soonest are ranked with an AUC of {near.mean():.2f}, but with "
        f"{before.mean():.2f} by what was known {days} days earlier, and {late:.2f} of that is lost "
        f"when {name} alone is so late (most of all {column}: {alone[0]:.2f}, {alone[1]:.2f} "
        "before). News fades, but not so fast: it was most likely written, or dated back, because "
        "they left"
    )
    return (Leak("fades", name, evidence, message),)


def lag_blind_spot(examples: Examples) -> str:
    """What the lag test could not see, in a sentence; empty when it saw all."""
    rows = LeakRows.of(examples, len(examples))
    then = _earlier(rows) >= 0
    if _soonest(rows)[then].sum() < _FEWEST_LEAVERS:
        return (
            f"The lag test needs {_FEWEST_LEAVERS} leavers at as-of dates {_SHORTEST} to {_LONGEST}"
            " days apart, so what knows a notice shortly before it could not be told from news."
        )
    names = examples.spec.names
    flat = [at for at, name in enumerate(names) if name.startswith(FLAT)]
    still = [names[at] for at in flat if rows.constant(examples.x[:, at])]
    if not still:
        return ""
    more = f" and {len(still) - _LISTED} more" if len(still) > _LISTED else ""
    return (
        f"The lag test cannot see columns that never change for a customer: "
        f"{', '.join(still[:_LISTED])}{more}."
    )


def _earlier(rows: LeakRows) -> Index:
    return earlier(rows.customer, rows.days, rows.day)


def earlier(customer: Index, days: Days, day: Index) -> Index:
    """Position (n,) of the same customer's row about a month before each row, or -1.

    ``customer`` (n,) and ``day`` (n,), a place in ``days``, rise together: sorted rows. Of the
    dates 21 to 45 days before, the one nearest to 30 days counts.

    >>> days = np.array(["2024-01-01", "2024-02-01", "2024-06-01"], dtype="datetime64[D]")
    >>> earlier(np.array([0, 0, 1, 0]), days, np.array([0, 1, 1, 2])).tolist()
    [-1, 0, -1, -1]
    """
    apart = np.subtract.outer(days, days).astype(int)
    far = np.where((apart >= _SHORTEST) & (apart <= _LONGEST), np.abs(apart - _LAG), _LAG)
    wanted = np.where(far.min(axis=1) < _LAG, far.argmin(axis=1), -1)[day]
    key = customer * len(days) + day
    at = np.minimum(np.searchsorted(key, customer * len(days) + wanted), len(key) - 1)
    found = (wanted >= 0) & (customer[at] == customer) & (day[at] == wanted)
    return np.where(found, at, -1)


@dataclass(frozen=True, slots=True)
class _LagTest:
    """Rows, their matrix as it was a month earlier (n, f), and the rows of those leaving soonest."""

    rows: LeakRows
    late: Matrix
    soonest: Mask

    def places(self, x: Matrix) -> Floats:
        """Share of the stayers of the same date below each leaver, by boosters out of fold."""
        score = np.empty(len(x))
        for fold in customer_folds(self.rows.examples.customer_id, 3, "lag"):
            data = lgb.Dataset(x[fold.train], self.rows.y[fold.train])
            booster = lgb.train(_RECIPE.params(seed=1), data, _ROUNDS)
            score[fold.test] = booster.predict(x[fold.test], raw_score=True)
        return self._places(score)

    def culprit(self, tables: Mapping[str, Sequence[str]]) -> tuple[str, str, tuple[float, float]]:
        """The table or column whose lag costs most, its column that fades most, and its AUCs."""
        names, alone = self.rows.examples.spec.names, self._alone()
        order = sorted(range(len(names)), key=lambda at: alone[at][1] - alone[at][0])
        groups: dict[str, int] = {}
        for at in order:
            for group in tables.get(names[at], (names[at],)):
                if len(groups) < _CANDIDATES:
                    groups.setdefault(group, at)
        costs = {name: self.places(self.with_late(name, tables)).mean() for name in groups}
        worst = min(costs, key=lambda name: costs[name])
        return worst, names[groups[worst]], alone[groups[worst]]

    def with_late(self, group: str, tables: Mapping[str, Sequence[str]]) -> Matrix:
        """The matrix with the columns of one table, or one column, a month late."""
        names = self.rows.examples.spec.names
        chosen = [at for at, name in enumerate(names) if group in tables.get(name, (name,))]
        x = self.rows.examples.x.copy()
        x[:, chosen] = self.late[:, chosen]
        return x

    def _alone(self) -> list[tuple[float, float]]:
        found = []
        for at, column in enumerate(self.rows.examples.spec.columns):
            category, both = column.kind == "category", (self.rows.examples.x, self.late)
            aucs = []
            for x in both:
                binned = Binned.of(self.rows, bins_of(x[:, at], category=category))
                every = np.arange(len(x))
                aucs.append(self._places(binned.row_rank(self.rows, every)).mean())
            found.append((aucs[0], aucs[1]))
        return found

    def _places(self, score: Floats | Index) -> Floats:
        places = np.empty(len(score))
        for day in range(len(self.rows.days)):
            on = self.rows.day == day
            stayers = np.sort(score[on & (self.rows.y == 0)])
            sides = [np.searchsorted(stayers, score[on], side) for side in ("left", "right")]
            places[on] = (sides[0] + sides[1]) / (2 * max(len(stayers), 1))
        return places[self.soonest]


def _sampled(rows: LeakRows, kept: Mask) -> Mask:
    """Rows of a share of the customers: of those who leave and of those who stay, so many each."""
    share = customer_share(rows.examples.customer_id, "lag sample")
    chosen = np.zeros(len(share), dtype=bool)
    for group in (kept & rows.left, kept & ~rows.left):
        chosen[group] = share[group] < _ROWS / max(int(group.sum()), 1)
    return chosen


def _soonest(rows: LeakRows) -> Mask:
    """Each leaver's last row with the label 1: a row a customer, in order."""
    last = np.zeros(len(rows.y), dtype=bool)
    positive = np.flatnonzero(rows.y == 1)
    last[positive[np.diff(rows.customer[positive], append=-1) != 0]] = True
    return last
