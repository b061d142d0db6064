"""Logistic regression on imputed, clipped, standardised and one-hot columns.

Unlike the boosters it needs every value known, bounded and on one scale.
"""

from collections.abc import Callable

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from models.dataset.array_types import Floats, Matrix
from models.dataset.examples import Examples
from models.dataset.splits import customer_share

_ROWS = 60_000
_CLIP = (0.01, 0.99)


def fit_logistic(train: Examples) -> tuple[Callable[[Matrix], Floats], int]:
    """A scorer, matrix (n, f) → probability (n,), and the number of rows that it was fitted on.

    Above 60,000 rows these are all rows of a share of the customers, chosen by their id's hash: the
    coefficients hardly move with more, and the time would.
    """
    sample = train
    if len(train) > _ROWS:
        sample = train.take(customer_share(train.customer_id, "logistic") < _ROWS / len(train))
    regression = LogisticRegression(C=0.1, solver="lbfgs", max_iter=2_000, tol=1e-4)
    model = make_pipeline(_design(sample), regression)
    model.fit(sample.x.astype(np.float64), sample.y)

    def probability(x: Matrix) -> Floats:
        return np.asarray(model.predict_proba(x.astype(np.float64))[:, 1], dtype=np.float64)

    return probability, len(sample)


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
