"""Spline regression: logistic regression on cubic splines.

What it lacks against the boosters is what interactions of features are worth.
"""

from collections.abc import Callable

from sklearn.preprocessing import SplineTransformer

from models.baselines.logistic_regression import fit_logistic
from models.dataset.array_types import Floats, Matrix
from models.dataset.examples import Examples


def spline_regression(train: Examples) -> Callable[[Matrix], Floats]:
    """Fit cubic splines of each number beside its missing flag and the one-hot categories.

    Knots are even between the 1st and 99th percentile, outside of which the curves are flat.
    Returns matrix (n, f) → probability (n,).
    """
    splines = SplineTransformer(
        n_knots=4,
        degree=3,
        knots="uniform",
        extrapolation="constant",
        include_bias=False,
        sparse_output=True,
    )
    return fit_logistic(train, splines)[0]
