"""Out-of-fold scores and their comparison between recipes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.errors import GateError
from features.timeline import LabelWindow
from models.boosters.hyperparameters import Recipe
from models.churn.fit import fit
from models.dataset.array_types import Floats, Labels, Texts
from models.dataset.examples import Examples
from models.dataset.splits import Fold, customer_folds, newest_months
from models.metrics.logistic import log_losses

Scorer = Callable[[Examples], Floats]
FOLDS = 3
# A fold learns from two thirds of the leavers, which its own groups of customers share out.
_LEAST = 8
CHALLENGERS: Mapping[str, Mapping[str, object]] = {
    "63 leaves": {
        "num_leaves": 63,
        "max_depth": -1,
        "learning_rate": 0.03,
        "min_data_in_leaf": 10,
        "bagging_fraction": 0.8,
        "feature_fraction": 0.3,
        "lambda_l2": 2.0,
    },
    "monotone": {"monotone": True},
}
"""Other recipes to compare with the configured one, by the settings that they change."""


def recipe_scorer(train: Examples, recipe: Recipe) -> Scorer:
    """The recipe itself, fitted and calibrated on ``train``."""
    model = fit(train, recipe)[0]
    return lambda rows: model.probability(rows.x, rows.product_line, recipe.threads)


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Labels and the probabilities of rows that were not learned from, shape (n,)."""

    customer_id: Texts
    y: Labels
    p: Floats

    @property
    def losses(self) -> Floats:
        """Log loss of each row, shape (n,)."""
        return log_losses(self.y, self.p)

    @property
    def log_loss(self) -> float:
        return float(self.losses.mean())


def development(examples: Examples, judging: Sequence[Fold]) -> Examples:
    """The rows from which every judging fold may learn, so that no test row is among them.

    Raises ``GateError`` when there is none: each row of a single as-of date split into folds is
    tested by one of them.
    """
    common = np.all([fold.train for fold in judging], axis=0)
    if not common.any():
        raise GateError(
            "Every row is a test row, so nothing is left to choose a recipe on. Set "
            "training.folds to 1."
        )
    return examples.take(common)


def folds_of(examples: Examples, window: LabelWindow, recipe: Recipe) -> tuple[Fold, ...]:
    """Folds of the development rows, grouped by customer and ordered by time.

    The newest months (see ``newest_months``) are evaluated, each customer's by what was learned
    from the other customers' older months. Where older months do not suffice, and with a single
    as-of date, all rows are evaluated, each customer's by the others'.
    """
    groups = customer_folds(examples.customer_id, FOLDS)
    least = _LEAST * recipe.min_positives
    newest = newest_months(examples.as_of, examples.y, window, least)
    if newest is None:
        return groups
    return tuple(
        Fold(newest.train & group.train, newest.test & group.test, f"{newest.name}; {group.name}")
        for group in groups
    )


def out_of_fold(
    examples: Examples,
    folds: Sequence[Fold],
    make: Callable[[Examples], Scorer],
    on_fold: Callable[[int, float], None] = lambda _number, _loss: None,
) -> OutOfFold:
    """Fit ``make`` on each fold's training rows and score its test rows.

    ``on_fold`` receives the fold's number (from 0) and the mean log loss of all rows scored so
    far; what it raises ends the work.
    """
    p = np.full(len(examples), np.nan)
    for number, fold in enumerate(folds):
        score = make(examples.take(fold.train))
        p[fold.test] = score(examples.take(fold.test))
        on_fold(number, _scored(examples, p).log_loss)
    return _scored(examples, p)


def _scored(examples: Examples, p: Floats) -> OutOfFold:
    tested = ~np.isnan(p)
    return OutOfFold(examples.customer_id[tested], examples.y[tested], p[tested])
