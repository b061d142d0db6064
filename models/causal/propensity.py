"""Hazard of treatment without a lot, from what the tables showed at the start of each month.

Rows of later months tell what a list knew then: who gets worse is treated, and the day on which a
label begins does not know of it (Robins and Finkelstein 2000).
"""

import lightgbm as lgb
import numpy as np

from models.boosters.hyperparameters import STEADY
from models.dataset.array_types import Days, Floats, Mask, Matrix, Texts, rows_of
from models.dataset.exposure import STEP_DAYS, Exposure
from models.dataset.feature_spec import FeatureSpec
from models.dataset.splits import customer_share

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
        label = treated[rows].astype(np.float32)
        data = lgb.Dataset(rows_of(x, rows), label, categorical_feature=list(spec.categories))
        booster = lgb.train(_PARAMS | {"num_threads": threads}, data, _ROUNDS)
        chance[~learn] = booster.predict(rows_of(x, ~learn), num_threads=threads)
    return chance
