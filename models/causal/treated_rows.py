"""Choice of the rows that show what happens to customers left alone.

A saved customer counts as a stayer, so learning from the treated teaches that high risk is low; and
leaving them out alone teaches that nobody gets worse, as those who do are treated. Rows are
repeated by the weights of ``models.dataset.exposure``, so that all that learns from them, judges
by them or counts them is weighted alike. Without a lot, the hazard of treatment is learned from
what the tables showed at the start of each month: rows of later months tell what a list knew then
(Robins and Finkelstein 2000).
"""

from dataclasses import dataclass
from typing import Literal

import lightgbm as lgb
import numpy as np

from features.errors import GateError
from models.boosters.hyperparameters import STEADY
from models.dataset.array_types import Days, Floats, Index, Labels, Mask, Matrix, Texts, rows_of
from models.dataset.exposure import STEP_DAYS, Exposure, whole_times
from models.dataset.feature_spec import FeatureSpec
from models.dataset.splits import customer_share

Feedback = Literal["weight", "ignore"]

_FEWEST_LEAVERS = 40.0


@dataclass(frozen=True, slots=True)
class UntreatedRows:
    """Rows to learn from, in ascending order, and how they were weighted.

    A row that counts for several appears as often. Of the ``treated`` rows, ``without_lot`` were
    treated where no lot spared anybody; ``held_out`` were spared. ``effective_rows`` and
    ``effective_leavers`` are how many equally weighted ones would say as much.
    """

    rows: Index
    treated: int
    without_lot: int
    held_out: int
    held_out_weight: float
    largest_weight: float
    effective_rows: float
    effective_leavers: float


def select_untreated(exposure: Exposure, days: int | Index, y: Labels) -> UntreatedRows:
    """The rows untreated for ``days`` or until their own end, by weight; ``y`` (n,) is the label.

    Raises ``GateError`` when the leavers that remain say less than 40 would.
    """
    until, weight = exposure.until(days), exposure.weights(days)
    treated = exposure.treated_after < until
    held_out = (exposure.held_out_after < until) & ~treated
    found = UntreatedRows(
        rows=np.repeat(np.arange(len(y)), whole_times(weight, y)),
        treated=int(treated.sum()),
        without_lot=int((treated & ~exposure.by_lot).sum()),
        held_out=int(held_out.sum()),
        held_out_weight=float(weight[held_out].mean()) if held_out.any() else 1.0,
        largest_weight=float(weight.max(initial=0.0)),
        effective_rows=_effective(weight),
        effective_leavers=_effective(weight[y == 1]),
    )
    if treated.any() and found.effective_leavers < _FEWEST_LEAVERS:
        raise GateError(
            f"{found.treated} of {len(y)} rows were treated before their label was complete; the "
            f"leavers among the others say as much as {found.effective_leavers:.0f}, and "
            f"{_FEWEST_LEAVERS:.0f} are needed. Hold out more customers (list.holdout_share), "
            "take in a longer history, or set training.feedback to ignore to learn from treated "
            "customers as if nothing had been done."
        )
    return found


def _effective(weight: Floats) -> float:
    """Kish's effective sample size."""
    square = float((weight**2).sum())
    return float(weight.sum() ** 2 / square) if square > 0 else 0.0


_ROUNDS = 100
_FEWEST = 50
_ROWS = 100_000
_DAYS = 2**20
_PARAMS = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "lambda_l2": 1.0,
    "max_bin": 63,
    **STEADY,
    "seed": 1,
}


def treatment_hazard(
    x: Matrix,
    spec: FeatureSpec,
    customer_id: Texts,
    as_of: Days,
    exposure: Exposure,
    days: int,
    threads: int = 2,
) -> Matrix:
    """Cumulative hazard of rows (n,) sorted by (customer, as-of date), by 30, 60, … ``days``.

    A month's chance of a treatment without a lot is learned from the matrix row at its start, on
    each half of the customers for the other half, so that nobody's own treatment decides it. A
    row's hazard runs over the customer's later rows, the last of which holds on.
    """
    dates = np.unique(as_of)
    gaps = np.append(np.diff(dates).astype(np.int64), STEP_DAYS)
    gap = gaps[np.searchsorted(dates, as_of)]
    treated = ~exposure.by_lot & (exposure.treated_after < exposure.until(gap))
    daily = -np.log1p(-_chance(x, spec, customer_id, treated, threads)) / gap
    code, day = np.unique(customer_id.astype(str), return_inverse=True)[1], as_of.astype(np.int64)
    key = code * _DAYS + day
    before = np.concatenate([[0.0], np.cumsum(daily[:-1] * np.diff(day))])
    found = []
    for passed in range(STEP_DAYS, days + STEP_DAYS, STEP_DAYS):
        at = np.searchsorted(key, key + passed, side="right") - 1
        found.append(before[at] + daily[at] * (day + passed - day[at]) - before)
    return np.asfortranarray(np.column_stack(found), dtype=np.float32)


def _chance(
    x: Matrix, spec: FeatureSpec, customer_id: Texts, treated: Mask, threads: int
) -> Floats:
    """Chance of each row to be treated (n,); one for all when too few were treated to tell."""
    half = customer_share(customer_id, "treated") < 0.5
    if min(int(treated[half].sum()), int(treated[~half].sum())) < _FEWEST:
        return np.full(len(treated), min(float(treated.mean()), 0.5))
    chance = np.empty(len(treated))
    for learn in (half, ~half):
        rows = np.flatnonzero(learn)
        rows = rows[:: max(1, len(rows) // _ROWS)]
        data = lgb.Dataset(
            rows_of(x, rows),
            label=treated[rows].astype(np.float32),
            categorical_feature=list(spec.categories),
        )
        booster = lgb.train(_PARAMS | {"num_threads": threads}, data, _ROUNDS)
        chance[~learn] = booster.predict(rows_of(x, ~learn), num_threads=threads)
    return chance
