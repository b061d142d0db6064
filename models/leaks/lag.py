"""Lag-test leak detection: a signal that rises too steeply towards the notice.

News fades: what is known a month earlier ranks a little less well, also where all is honest. What
was made by the notice is there shortly before it only, and is nearly certain on its day.
"""

from collections.abc import Collection, Mapping, Sequence

import lightgbm as lgb
import numpy as np

from models.boosters.hyperparameters import Recipe
from models.dataset.array_types import Days, Floats, Index, Mask, Matrix
from models.dataset.examples import Examples
from models.dataset.splits import customer_folds, customer_share
from models.leaks.rows import Leak, LeakRows

_RECIPE = Recipe(learning_rate=0.1, num_leaves=8, min_data_in_leaf=20, max_bin=31, threads=1)
_ROUNDS = 60
_ROWS = 5_000
_LAG, _SHORTEST, _LONGEST = 30, 21, 45
_FEWEST_LEAVERS = 50
_ERRORS = 2.0
_CANDIDATES = 5
# On the day of leaving: the AUC that the rise towards it must not foretell, and the least of its
# lower bound. 50 clean simulated companies foretell 0.68 to 0.93.
_NOTICE, _NOTICE_LOW = 0.95, 0.90


def lag_findings(
    rows: LeakRows, tables: Mapping[str, Sequence[str]], skip: Collection[str] = ()
) -> tuple[Leak, ...]:
    """A finding when leavers, soon before they leave, are far better known than a month earlier.

    Small boosters, out of fold, rank customers within each as-of date by what the matrix held
    then, and others by what it held about a month before, on the same rows. Compared are the last
    rows with the label 1 of each leaver. The rise, continued for another month, must not come near
    certainty. Named is the table, or the column without one, of which most is
    lost when it alone is a month late; ``tables`` maps columns to those they are made of. Columns
    to ``skip`` are left out.
    """
    then = earlier(rows.customer, rows.days, rows.day)
    if _too_few(rows, then):
        return ()
    now = np.flatnonzero(_sampled(rows, then >= 0))
    here = LeakRows.of(rows.examples.take(now), len(now))
    x, late, names = here.examples.x, rows.examples.x[then[now]], here.examples.spec.names
    x[:, [name in skip for name in names]] = np.nan
    near, gains = _places(here, x)
    before = _places(here, late)[0]
    rise = 2 * near - before
    reached, noise = float(rise.mean()), float(rise.std()) / len(rise) ** 0.5
    if reached < _NOTICE or reached - _ERRORS * noise < _NOTICE_LOW:
        return ()
    groups: dict[str, str] = {}
    for at in np.argsort(-gains, kind="stable"):
        for group in tables.get(names[at], (names[at],)):
            if len(groups) < _CANDIDATES:
                groups.setdefault(group, names[at])
    lost = {}
    for group in groups:
        chosen = [group in tables.get(name, (name,)) for name in names]
        lost[group] = float((near - _places(here, np.where(chosen, late, x))[0]).mean())
    worst = max(lost, key=lambda group: lost[group])
    days = int(np.median((here.examples.as_of - rows.examples.as_of[then[now]]).astype(int)))
    auc, auc_before = float(near.mean()), float(before.mean())
    evidence = {"auc": auc, "auc_before": auc_before, "lag_days": days, "auc_on_the_day": reached}
    message = (
        f"{worst} makes leavers known too suddenly: soon before they leave they are ranked with "
        f"an AUC of {auc:.2f}, by what was known {days} days earlier with {auc_before:.2f}, and "
        f"{lost[worst]:.2f} is lost when {worst} alone is so late (above all {groups[worst]}). "
        "News fades, but not so fast: it was most likely written, or dated back, because they left"
    )
    return (Leak("fades", worst, {**evidence, "fall_by_this": lost[worst]}, message),)


def lag_blind_spot(examples: Examples) -> str:
    """Why the lag test cannot be made, in a sentence; empty when it can."""
    rows = LeakRows.of(examples, len(examples))
    if not _too_few(rows, earlier(rows.customer, rows.days, rows.day)):
        return ""
    return (
        f"The lag test needs {_FEWEST_LEAVERS} leavers at as-of dates {_SHORTEST} to {_LONGEST} "
        "days after other ones: what knows a notice shortly before it was not told from news."
    )


def _too_few(rows: LeakRows, then: Index) -> bool:
    return bool(_soonest(rows)[then >= 0].sum() < _FEWEST_LEAVERS)


def earlier(customer: Index, days: Days, day: Index) -> Index:
    """Position (n,) of the same customer's row about a month before each row, or -1.

    ``customer`` (n,) and ``day`` (n,), a place in ``days``, rise together: sorted rows. Of the
    dates 21 to 45 days before, the one nearest to 30 days counts.

    >>> days = np.array(["2024-01-01", "2024-02-01", "2024-06-01"], dtype="datetime64[D]")
    >>> earlier(np.array([0, 0, 0, 1]), days, np.array([0, 1, 2, 1])).tolist()
    [-1, 0, -1, -1]
    """
    apart = np.subtract.outer(days, days).astype(int)
    far = np.where((apart >= _SHORTEST) & (apart <= _LONGEST), np.abs(apart - _LAG), _LAG)
    wanted = np.where(far.min(axis=1) < _LAG, far.argmin(axis=1), -1)[day]
    key = customer * len(days) + day
    at = np.minimum(np.searchsorted(key, customer * len(days) + wanted), len(key) - 1)
    return np.where((customer[at] == customer) & (day[at] == wanted), at, -1)


def _sampled(rows: LeakRows, kept: Mask) -> Mask:
    """Rows of a share of the customers: of those who leave and of those who stay, so many each."""
    share, chosen = customer_share(rows.examples.customer_id, "lag sample"), np.zeros_like(kept)
    for group in (kept & rows.left, kept & ~rows.left):
        chosen[group] = share[group] < _ROWS / max(int(group.sum()), 1)
    return chosen


def _soonest(rows: LeakRows) -> Mask:
    """Each leaver's last row with the label 1."""
    last, positive = np.zeros(len(rows.y), dtype=bool), np.flatnonzero(rows.y == 1)
    last[positive[np.diff(rows.customer[positive], append=-1) != 0]] = True
    return last


def _places(rows: LeakRows, x: Matrix) -> tuple[Floats, Floats]:
    """Soonest leavers' places, the share of the date's stayers below, and the gains (f,)."""
    score, gains = np.empty(len(x)), np.zeros(x.shape[1])
    for fold in customer_folds(rows.examples.customer_id, 3, "lag"):
        data = lgb.Dataset(x[fold.train], rows.y[fold.train])
        booster = lgb.train(_RECIPE.params(seed=1), data, _ROUNDS)
        score[fold.test] = booster.predict(x[fold.test], raw_score=True)
        gains += booster.feature_importance("gain")
    places = np.empty(len(x))
    for day in range(len(rows.days)):
        on = rows.day == day
        stayers = np.sort(score[on & (rows.y == 0)])
        below, not_above = (np.searchsorted(stayers, score[on], side) for side in ("left", "right"))
        places[on] = (below + not_above) / (2 * max(len(stayers), 1))
    return places[_soonest(rows)], gains
