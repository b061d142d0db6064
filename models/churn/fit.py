"""Fit of the churn model: bagged boosters, early stopping on customers left out, calibration.

One pass over the groups of customers decides rounds, shapes of tree and calibration. Each booster
is stopped on the group it has not seen; the mean of the best rounds is steadier than that of any
one split, on whose few leavers it would hang. The scores of all groups then choose and calibrate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from features.errors import GateError
from models.boosters.hyperparameters import Recipe
from models.calibration.platt import Calibration, fit_by_product_line
from models.churn.bagging import Bag
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, rows_of
from models.dataset.examples import Examples
from models.dataset.splits import Fold, customer_folds, has_both_classes
from models.metrics import logistic

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ShapeTrial:
    """One shape of tree: the rounds of its final fit, and what it says of customers left out.

    ``best`` are the rounds at which each fold stopped; ``raw`` holds log-odds of the bag's
    evaluated rows (n,), from boosters of the final number of rounds.
    """

    shape: Recipe
    best: tuple[int, ...]
    rounds: int
    raw: Floats


@dataclass(frozen=True, slots=True)
class ShapeMix:
    """The shape that each booster grows, in the order tried; calibration, log loss left out."""

    grown: tuple[ShapeTrial, ...]
    calibration: Calibration
    log_loss: float


def fit(
    examples: Examples, recipe: Recipe, on_step: Progress = lambda _: None
) -> tuple[ChurnModel, ShapeMix]:
    """Train one booster per seed and calibrate their mean; what was decided comes with the model.

    Each shape of tree is tried without each of ``recipe.folds`` groups of customers, stopped on
    the log loss of that group. The scores of all groups say how many of the seeds grow which
    shape, and on them the calibration is fitted: they come from boosters of about the final
    strength, and from every month, since the newest alone would fix a season's level. Then each
    seed is trained on all rows for ``recipe.refit`` times the mean best round of its shape.
    Rows are unweighted: weights for the rare class spoil the level and gain no ranking. The
    calibration's intercept holds the base rate's log-odds, from which every booster starts.

    ``on_step`` receives a short text before each long step, ``steps`` many. Raises ``GateError``
    when there are too few leavers or stayers.
    """
    if not recipe.seeds:
        raise GateError("A model needs at least one seed: set training.seeds to 1 or more.")
    on_step(f"binning {len(examples):,} rows of {len(examples.spec.columns)} features")
    bag = Bag.of(examples, recipe)
    folds = customer_groups(bag.examples, recipe)
    trials = [try_shape(bag, shape, folds, on_step) for shape in recipe.shapes()]
    mix = choose_mix(bag, trials)
    boosters = []
    for number, trial in enumerate(mix.grown):
        on_step(f"final fit, seed {recipe.seeds[number]}: {trial.rounds} rounds")
        boosters.append(bag.train(trial.shape, number, trial.rounds))
    # What boosters lack on customers that they have not seen falls as one over the customers they
    # learned from (Quenouille 1956); a fold's have learned from all groups but one.
    calibration = mix.calibration.shifted(-level_deficit(bag, mix) / len(folds))
    return ChurnModel(tuple(boosters), calibration, examples.spec), mix


def steps(recipe: Recipe) -> int:
    """How often ``fit`` calls ``on_step``."""
    return 1 + recipe.folds * len(recipe.shapes()) + len(recipe.seeds)


def customer_groups(examples: Examples, recipe: Recipe) -> tuple[Fold, ...]:
    """The recipe's groups of customers, each left out once.

    Raises ``GateError`` when one side of a fold has too few leavers or stayers.
    """
    folds = customer_folds(examples.customer_id, recipe.folds, "calibration")
    least = max(1, 2 * recipe.min_positives // recipe.folds)
    if all(has_both_classes(fold, examples.y, least) for fold in folds):
        return folds
    raise GateError(
        f"{int(examples.y.sum())} leavers among {len(examples)} training rows are too few to "
        f"train on: each of {recipe.folds} groups of customers needs {least} leavers and stayers. "
        "Take in a longer history, more customers, or a longer label.horizon_days."
    )


def try_shape(bag: Bag, shape: Recipe, folds: Sequence[Fold], on_step: Progress) -> ShapeTrial:
    """Train one booster of the shape without each fold's customers, and score these."""
    boosters = []
    for fold in folds:
        on_step(f"trees of {shape.num_leaves} leaves, judged by {fold.name}")
        boosters.append(bag.train_with_early_stopping(shape, fold))
    best = tuple(int(booster.best_iteration) for booster in boosters)
    rounds = max(1, round(shape.refit * float(np.mean(best))))
    rows = bag.validation_sample.rows
    raw = np.empty(len(rows))
    for fold, booster in zip(folds, boosters, strict=True):
        here = fold.test[rows]
        x = rows_of(bag.examples.x, rows[here])
        raw[here] = booster.predict(
            x, num_iteration=rounds, raw_score=True, num_threads=shape.threads
        )
    return ShapeTrial(shape, best, rounds, raw)


def choose_mix(bag: Bag, trials: Sequence[ShapeTrial]) -> ShapeMix:
    """The shapes for the bag's boosters that have the lowest log loss out of fold.

    Of equal mixes the one with more of the earlier shapes is kept. Where stayers are sampled, the
    line is fitted on a sample and then lowered by the log-odds that sampling added; the log loss
    is weighted.
    """
    sample = bag.validation_sample
    rows = sample.rows
    y, lines = bag.examples.y[rows], bag.examples.product_line[rows]
    weights = sample.weights(bag.examples.y)

    def mix(grown: tuple[ShapeTrial, ...]) -> ShapeMix:
        raw = np.mean([trial.raw for trial in grown], axis=0)
        calibration = fit_by_product_line(raw, lines, y).shifted(float(np.log(sample.keep)))
        z = calibration.log_odds(raw, lines)
        losses = np.logaddexp(0.0, z) - y * z
        return ShapeMix(grown, calibration, float(np.average(losses, weights=weights)))

    mixes = combinations_with_replacement(trials, len(bag.members))
    return min(map(mix, mixes), key=lambda calibration: calibration.log_loss)


def level_deficit(bag: Bag, mix: ShapeMix) -> float:
    """By how many log-odds customers left out leave more than the boosters of ``mix`` say.

    Great where few customers count for many: their chance is learned as if it were all the others'.
    """
    sample = bag.validation_sample
    raw = np.mean([trial.raw for trial in mix.grown], axis=0)
    log_odds = raw + bag.base - float(np.log(sample.keep))
    target = bag.examples.y[sample.rows].astype(np.float64)
    return logistic.ridge_line(log_odds, target, 0.0, np.inf)[0]
