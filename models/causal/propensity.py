"""Propensity bands: rows that were about equally likely to be treated."""

import lightgbm as lgb
import numpy as np

from models.dataset.array_types import Floats, Index, Mask, rows_of
from models.dataset.examples import Examples
from models.dataset.splits import customer_share

_EDGES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95)
_ROUNDS = 40
_FEWEST = 50
_ROWS = 10_000
_PARAMS = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 7,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.4,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "deterministic": True,
    "force_col_wise": True,
    "seed": 1,
    "verbosity": -1,
}


def treatment_bands(examples: Examples, treated: Mask, threads: int = 2) -> Index:
    """Bands of rows by how likely they were to be treated, from what was known before, (n,).

    Each half of the customers is ranked by a small model of about 10,000 rows of the other half,
    so that nobody's own treatment decides the band. One band for all when too few were treated to
    tell.
    """
    half = customer_share(examples.customer_id, "treated") < 0.5
    if min(_either(treated, half), _either(treated, ~half)) < _FEWEST:
        return np.zeros(len(treated), dtype=np.int64)
    chance = np.empty(len(treated))
    for learn in (half, ~half):
        chance[~learn] = _chance(examples, treated, learn, threads)
    return np.searchsorted(_EDGES, chance, side="right")


def _either(treated: Mask, rows: Mask) -> int:
    count = int(treated[rows].sum())
    return min(count, int(rows.sum()) - count)


def _chance(examples: Examples, treated: Mask, learn: Mask, threads: int) -> Floats:
    rows = np.flatnonzero(learn)
    rows = rows[:: max(1, len(rows) // _ROWS)]
    data = lgb.Dataset(
        rows_of(examples.x, rows),
        label=treated[rows].astype(np.float32),
        categorical_feature=list(examples.spec.categories),
    )
    booster = lgb.train(_PARAMS | {"num_threads": threads}, data, _ROUNDS)
    chances = booster.predict(rows_of(examples.x, ~learn), num_threads=threads)
    return np.asarray(chances, dtype=np.float64)
