"""What a search may change in the recipe, and within which bounds."""

from collections.abc import Mapping
from types import MappingProxyType

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from models.recipe import Recipe

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


def suggested(trial: Trial) -> dict[str, float | int]:
    """A trial's changes to the recipe, to three digits: what is told can be set exactly."""
    return {name: _drawn(trial, name, bounds) for name, bounds in SPACE.items()}


def enqueued(recipe: Recipe) -> dict[str, float | int]:
    """The recipe itself as a first trial, each value moved within its bounds."""
    return {
        name: min(max(getattr(recipe, name), bounds.low), bounds.high)
        for name, bounds in SPACE.items()
    }


def _drawn(trial: Trial, name: str, bounds: BaseDistribution) -> float | int:
    if isinstance(bounds, IntDistribution):
        return trial.suggest_int(name, bounds.low, bounds.high, log=bounds.log)
    if isinstance(bounds, FloatDistribution):
        return float(f"{trial.suggest_float(name, bounds.low, bounds.high, log=bounds.log):.3g}")
    raise TypeError(f"{name} has no bounds to draw from")
