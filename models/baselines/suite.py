"""Baselines: base rate, rules by hand, logistic regression, price.

A rule is one split of one feature, or the field's one-line rule: the months to the next date of the
contract, as customers leave around it. Logistic regression, unlike the boosters, needs every
value known, bounded and on one scale: columns are imputed, clipped, standardised, one-hot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from models.boosters.hyperparameters import STEADY
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Index, Labels, Matrix
from models.dataset.examples import Examples
from models.dataset.feature_spec import realign
from models.dataset.splits import customer_share
from models.metrics.logistic import log_losses

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
    **STEADY,
    "num_threads": 1,
}
_STEP, _STEPS, _YEAR = 30.0, 24, 365.25
_DATES: Mapping[str, tuple[str, Callable[[Matrix], Matrix]]] = {
    "days_to_renewal": ("the contract's renewal", lambda days: days),
    "binding_days_left": ("the end of binding", lambda days: days),
    "tenure_days": ("the anniversary of joining", lambda days: -days % _YEAR),
}


def best_stump(train: Examples) -> tuple[str, Callable[[Matrix], Floats]]:
    """The rule in words, and matrix (n, f) → the rate of its side, (n,).

    LightGBM's first split, with one value of a category against the others and unknown values on
    the side that suits them; rates are those of ``leaf_rates``.
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
    """The rates (leaves,) by ``leaf`` and ``y``, (n,), drawn to the base rate as by 20 more rows.

    >>> y = np.array([1, 0, 0, 0], dtype=np.int8)
    >>> leaf_rates(np.array([0, 0, 1, 1]), y, 3).round(3).tolist()
    [0.273, 0.227, 0.25]
    """
    rows, left = np.bincount(leaf, minlength=leaves), np.bincount(leaf, y, leaves)
    return np.asarray((left + _SMOOTHING * y.mean()) / (rows + _SMOOTHING), dtype=np.float64)


def next_date_rule(train: Examples) -> tuple[str, Callable[[Matrix], Floats]] | None:
    """The date that tells most, in words, and matrix (n, f) → the rate of its step, (n,).

    The dates are the next renewal, the end of binding and the next anniversary of joining, where
    the matrix has them; the one with the least training log loss is taken, or None. A step is 30
    days, from 23 of them on all together, and unknown dates are one of their own. Its rate, so
    that nothing has to be said of the direction, is that of the training rows, drawn to the base
    rate as a stump's.
    """
    names = train.spec.names
    found = []
    for name in (name for name in _DATES if name in names):
        steps = _steps(train.x, names.index(name), name)
        rates = leaf_rates(steps, train.y, _STEPS + 1)
        found.append((float(log_losses(train.y, rates[steps]).mean()), name, rates))
    if not found:
        return None
    _, best, rate = min(found, key=lambda each: each[0])
    words = f"months to {_DATES[best][0]}"
    return words, lambda x: rate[_steps(x, names.index(best), best)]


def _steps(x: Matrix, column: int, name: str) -> Index:
    """The step of each row, (n,): 0 to 23, and 24 where the date is unknown."""
    days = _DATES[name][1](x[:, column].astype(np.float64))
    steps = np.clip(np.nan_to_num(days, nan=0.0) // _STEP, 0, _STEPS - 1).astype(np.intp)
    return np.where(np.isnan(days), _STEPS, steps)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A simple model: its name, what it does in words, and matrix (n, f) → probability (n,)."""

    name: str
    description: str
    probability: Callable[[Matrix], Floats]


def price_only(train: Examples, fit: Callable[[Examples], ChurnModel]) -> Baseline | None:
    """The model's own recipe on the price features alone; None without any.

    Price alone is not enough (S3): how much the rest adds should stay visible. It is calibrated
    by the common line, since a baseline is asked without product lines.
    """
    part = train.part(lambda column: column.family == "price")
    if part is None:
        return None
    model = fit(part)
    return Baseline(
        "price_only",
        f"the recipe on the {len(part.spec.columns)} price features",
        lambda x: model.probability(realign(x, train.spec, part.spec)),
    )


def baselines(train: Examples) -> tuple[Baseline, ...]:
    """Base rate, one rule, logistic regression and, where there is a date, the next one."""
    rate, date = float(train.y.mean()), next_date_rule(train)
    return (
        Baseline("base_rate", f"every customer: {rate:.2%}", lambda x: np.full(len(x), rate)),
        Baseline("one_rule", *best_stump(train)),
        logistic(train),
        *([Baseline("next_date", *date)] if date else []),
    )


_ROWS = 60_000
_CLIP = (0.01, 0.99)


def logistic(train: Examples) -> Baseline:
    """Logistic regression on all rows, or on those of a share of the customers.

    Above 60,000 rows it is a share, chosen by their id's hash: the coefficients hardly move with
    more, and the time would.
    """
    sample = train
    if len(train) > _ROWS:
        sample = train.take(customer_share(train.customer_id, "logistic") < _ROWS / len(train))
    regression = LogisticRegression(C=0.1, solver="lbfgs", max_iter=2_000, tol=1e-4)
    model = make_pipeline(_design(sample), regression)
    model.fit(sample.x.astype(np.float64), sample.y)

    def probability(x: Matrix) -> Floats:
        return np.asarray(model.predict_proba(x.astype(np.float64))[:, 1], dtype=np.float64)

    return Baseline("logistic", f"logistic regression on {len(sample):,} rows", probability)


def _design(train: Examples) -> ColumnTransformer:
    """Numbers, flags of missing ones, one-hot categories.

    A number is imputed by its median and clipped to its 1st and 99th percentile. Numbers that do
    not vary within these are left out, and so are categories without a value.
    """
    columns = train.spec.columns
    is_number = np.array([column.kind == "number" for column in columns], dtype=bool)
    numbers = np.flatnonzero(is_number & ~np.isnan(train.x).all(axis=0))
    values = train.x[:, numbers].astype(np.float64)
    missing = np.isnan(values)
    median, low, high = np.nanquantile(values, (0.5, *_CLIP), axis=0)
    varies = np.clip(np.where(missing, median, values), low, high).std(axis=0) > 1e-9
    bounds = {"a_min": low[varies], "a_max": high[varies]}
    clip = FunctionTransformer(np.clip, kw_args=bounds)
    scaled = make_pipeline(SimpleImputer(strategy="median"), clip, StandardScaler())
    categories = [i for i in train.spec.categories if columns[i].vocabulary]
    codes = [np.arange(len(columns[i].vocabulary)) for i in categories]
    one_hot = OneHotEncoder(categories=codes, handle_unknown="ignore", sparse_output=False)
    parts = [
        ("numbers", scaled, numbers[varies]),
        ("missing", FunctionTransformer(np.isnan), numbers[missing.any(axis=0)]),
        ("categories", one_hot, categories),
        ("constant", FunctionTransformer(np.zeros_like), [0]),
    ]
    return ColumnTransformer(parts, sparse_threshold=0)
