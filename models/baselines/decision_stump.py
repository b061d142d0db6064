"""Decision stump: one split of one feature, a rule that a person could apply by hand."""

from collections.abc import Callable

import lightgbm as lgb
import numpy as np

from models.dataset.array_types import Floats, Index, Labels, Matrix
from models.dataset.examples import Examples

_SMOOTHING = 20.0
_PARAMS = {
    "objective": "binary",
    "num_leaves": 2,
    "learning_rate": 1.0,
    "min_data_in_leaf": 1,
    "min_data_per_group": 1,
    "min_sum_hessian_in_leaf": 0.0,
    "max_cat_to_onehot": 10_000,
    "cat_l2": 0.0,
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


def best_stump(train: Examples) -> tuple[str, Callable[[Matrix], Floats]]:
    """The rule in words, and matrix (n, f) → the rate of its side, (n,).

    LightGBM's first split, with one value of a category against the others and unknown values on
    the side that suits them; its leaves' rates are drawn to the base rate as by 20 more rows of it.
    """
    data = lgb.Dataset(train.x, train.y, categorical_feature=list(train.spec.categories))
    booster = lgb.train(_PARAMS, data, num_boost_round=1)

    def leaves(x: Matrix) -> Index:
        return np.asarray(booster.predict(x, pred_leaf=True), dtype=np.intp).reshape(-1)

    rate, base = leaf_rates(leaves(train.x), train.y, 2), float(train.y.mean())
    root = booster.dump_model()["tree_info"][0]["tree_structure"]
    if "split_feature" not in root:
        return f"every customer: {base:.2%}", lambda x: np.full(len(x), base)
    column = train.spec.columns[root["split_feature"]]
    unknown = " or unknown" if root["missing_type"] == "NaN" and root["default_left"] else ""
    cut = f"<= {float(root['threshold']):.4g}{unknown}"
    if column.kind == "category":
        cut = f"= {column.vocabulary[int(root['threshold'])]}"
    return f"{column.name} {cut}: {rate[0]:.2%}, otherwise {rate[1]:.2%}", lambda x: rate[leaves(x)]


def leaf_rates(leaf: Index, y: Labels, leaves: int) -> Floats:
    """The rate of each leaf, (leaves,), drawn to the base rate as by 20 more rows of it.

    ``leaf`` is the leaf of each row, (n,), from 0, with its label in ``y``.

    >>> y = np.array([1, 0, 0, 0], dtype=np.int8)
    >>> leaf_rates(np.array([0, 0, 1, 1]), y, 3).round(3).tolist()
    [0.273, 0.227, 0.25]
    """
    rows, left = np.bincount(leaf, minlength=leaves), np.bincount(leaf, y, leaves)
    return np.asarray((left + _SMOOTHING * y.mean()) / (rows + _SMOOTHING), dtype=np.float64)
