"""Challengers: other ways to learn, compared with the recipe, and what a win of each means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import lightgbm as lgb
import numpy as np

from models.baselines.logistic_regression import spline_regression
from models.baselines.out_of_fold import Scorer
from models.boosters.hyperparameters import STEADY, Recipe, with_changes
from models.churn.fit import fit
from models.dataset.examples import Examples


@dataclass(frozen=True, slots=True)
class Challenger:
    """One way to learn.

    ``changes`` are the recipe's fields, and the settings under ``training`` of the same name,
    that make the recipe this challenger; without any, ``advice`` says what a win means instead.
    """

    name: str
    make: Callable[[Examples, Recipe], Scorer]
    changes: Mapping[str, object] = field(default_factory=dict)
    advice: str = ""


def recipe_scorer(train: Examples, recipe: Recipe) -> Scorer:
    """The recipe itself, fitted and calibrated on ``train``."""
    model = fit(train, recipe)[0]
    return lambda rows: model.probability(rows.x, rows.product_line, recipe.threads)


def _with_changes(name: str, **changes: object) -> Challenger:
    def make(train: Examples, recipe: Recipe) -> Scorer:
        return recipe_scorer(train, with_changes(recipe, changes))

    return Challenger(name, make, MappingProxyType(changes))


def _defaults(train: Examples, recipe: Recipe) -> Scorer:
    data = lgb.Dataset(train.x, train.y, categorical_feature=list(train.spec.categories))
    booster = lgb.train({"objective": "binary", "num_threads": recipe.threads, **STEADY}, data)
    return lambda rows: np.asarray(
        booster.predict(rows.x, num_threads=recipe.threads), dtype=np.float64
    )


def _splined(train: Examples, _recipe: Recipe) -> Scorer:
    curves = spline_regression(train)
    return lambda rows: curves(rows.x)


CHALLENGERS = (
    _with_changes(
        "63 leaves",
        num_leaves=63,
        max_depth=-1,
        learning_rate=0.03,
        min_data_in_leaf=10,
        bagging_fraction=0.8,
        feature_fraction=0.3,
        lambda_l2=2.0,
    ),
    Challenger(
        "LightGBM defaults",
        _defaults,
        advice="No setting trains without early stopping and bagging, so nothing can be adopted. "
        "The recipe is too cautious for these rows: let stille train --search look for another.",
    ),
    Challenger(
        "splined logistic regression",
        _splined,
        advice="Only boosted trees can become champion, so nothing can be adopted. Smooth curves "
        "suffice here: fewer leaves (training.num_leaves) are worth a try.",
    ),
    _with_changes("monotone", monotone=True),
)
