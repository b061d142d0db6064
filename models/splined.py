"""Logistic regression on smooth curves: what remains to be gained when no features interact."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer

from models.arrays import Floats, Matrix
from models.examples import Examples
from models.linear import Design
from models.splits import customer_share

_ROWS = 60_000
_KNOTS, _DEGREE = 4, 3


def splined(train: Examples) -> Callable[[Matrix], Floats]:
    """Fit cubic splines of each number beside its missing flag and the one-hot categories.

    Knots are even between the 1st and 99th percentile, outside of which the curves are flat. Above
    60,000 rows all rows of a share of the customers are used, chosen by their id's hash.
    Returns matrix (n, f) → probability (n,).
    """
    kept = train
    if len(train) > _ROWS:
        kept = train.take(customer_share(train.customer_id, "logistic") < _ROWS / len(train))
    design = Design.learn(kept)
    curves = SplineTransformer(
        n_knots=_KNOTS,
        degree=_DEGREE,
        knots="uniform",
        extrapolation="constant",
        include_bias=False,
        sparse_output=True,
    )
    numbers = len(design.numbers)
    curves.fit(design.columns(kept.x)[:, :numbers])

    def columns(x: Matrix) -> csr_matrix:
        plain = design.columns(x)
        return csr_matrix(hstack([curves.transform(plain[:, :numbers]), plain]))

    model = LogisticRegression(C=0.1, solver="lbfgs", max_iter=2_000, tol=1e-4)
    model.fit(columns(kept.x), kept.y)
    return lambda x: np.asarray(model.predict_proba(columns(x))[:, 1], dtype=np.float64)
