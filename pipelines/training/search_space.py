"""Hyperparameter search space.

Only what steers the size of the trees and their averaging: the rest follows the number of rows.
"""

from collections.abc import Mapping
from types import MappingProxyType

from optuna.distributions import FloatDistribution, IntDistribution

from models.boosters.hyperparameters import Recipe

SPACE: Mapping[str, FloatDistribution | IntDistribution] = MappingProxyType(
    {
        "learning_rate": FloatDistribution(0.01, 0.1, log=True),
        "num_leaves": IntDistribution(4, 63, log=True),
        "max_depth": IntDistribution(2, 8),
        "min_data_in_leaf": IntDistribution(10, 200, log=True),
        "bagging_fraction": FloatDistribution(0.5, 1.0),
        "feature_fraction": FloatDistribution(0.2, 1.0),
        "lambda_l2": FloatDistribution(0.1, 50.0, log=True),
    }
)


def rounded(params: Mapping[str, float | int]) -> dict[str, float | int]:
    """A trial's changes to the recipe, to three digits, so that they can be configured exactly."""
    return {
        name: float(f"{value:.3g}") if isinstance(SPACE[name], FloatDistribution) else value
        for name, value in params.items()
    }


def clipped(recipe: Recipe) -> dict[str, float | int]:
    """The recipe itself as a first trial, each value moved within its bounds."""
    return {
        name: min(max(getattr(recipe, name), bounds.low), bounds.high)
        for name, bounds in SPACE.items()
    }
