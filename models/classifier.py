"""How examples become a churn model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.errors import GateError
from features.timeline import LabelWindow
from models.arrays import Floats, Labels
from models.artefact import model_from_files, to_files
from models.boosting import Bag
from models.calibration import Calibration, fit_by_product_line
from models.churn import ChurnModel
from models.examples import Examples
from models.recipe import Recipe, recipe_for
from models.sampling import samples
from models.splits import customer_folds, inner_split

__all__ = [
    "ChurnModel",
    "FitReport",
    "Recipe",
    "fit",
    "model_from_files",
    "recipe_for",
    "steps",
    "to_files",
]

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FitReport:
    """What was decided on the way.

    The inner split stopped the boosters. ``rows_per_booster``, on as many of which the calibration
    was fitted, is smaller than the rows where stayers are sampled. The log loss is that of the
    calibrated scores out of fold.
    """

    split: str
    train_rows: int
    validation_rows: int
    validation_positives: int
    rows_per_booster: int
    best_iterations: tuple[int, ...]
    rounds: int
    log_loss: float


def fit(
    examples: Examples,
    window: LabelWindow,
    recipe: Recipe,
    on_step: Progress = lambda _: None,
) -> tuple[ChurnModel, FitReport]:
    """Train one booster per seed and calibrate their mean.

    The newest months of ``examples`` (or a fifth of the customers, see ``inner_split``) stop
    each seed on log loss. Each is then trained on all rows for ``recipe.refit`` times the seeds'
    mean best round. Boosters made the same way without one of ``recipe.folds`` groups of customers
    score that group; on these scores the calibration is fitted: they come from boosters of about
    the final strength, and from every month, since the newest alone would fix a season's level.
    Rows are unweighted: weights for the rare class spoil the level and gain no ranking. The
    calibration's intercept holds the base rate's log-odds, from which every booster starts.

    ``on_step`` receives a short text before each long step, ``steps`` many. Raises ``GateError``
    when there are too few leavers or stayers.
    """
    if not recipe.seeds:
        raise GateError("A model needs at least one seed: set training.seeds to 1 or more.")
    keys = (examples.customer_id, examples.as_of, examples.y)
    fold = inner_split(*keys, window, recipe.min_positives)
    on_step(f"binning {len(examples):,} rows of {len(examples.spec.columns)} features")
    bag = Bag.of(examples, recipe)
    best = bag.stopped(fold, on_step)
    rounds = max(1, round(recipe.refit * float(np.mean(best))))
    calibration, size, log_loss = _calibrated(bag, rounds, on_step)
    final = bag.trained(np.arange(len(examples)), rounds, on_step, "final fit")
    report = FitReport(
        split=fold.name,
        train_rows=int(fold.train.sum()),
        validation_rows=int(fold.test.sum()),
        validation_positives=int(examples.y[fold.test].sum()),
        rows_per_booster=size,
        best_iterations=best,
        rounds=rounds,
        log_loss=log_loss,
    )
    return ChurnModel(final, calibration, examples.spec), report


def steps(recipe: Recipe) -> int:
    """How often ``fit`` calls ``on_step``."""
    return 1 + (2 + recipe.folds) * len(recipe.seeds)


def _calibrated(bag: Bag, rounds: int, on_step: Progress) -> tuple[Calibration, int, float]:
    """The calibration, how many rows it was fitted on, and its mean log loss there.

    Where stayers are sampled, the line is fitted on a sample and then lowered by the log-odds
    that sampling added; the log loss is weighted.
    """
    examples, y = bag.examples, bag.examples.y
    [judged] = samples(np.arange(len(y)), y, bag.recipe.negatives, 1)
    raw = np.empty(len(judged.rows))
    for fold in customer_folds(examples.customer_id, bag.recipe.folds, "calibration"):
        boosters = bag.trained(np.flatnonzero(fold.train), rounds, on_step, fold.name)
        here = fold.test[judged.rows]
        raw[here] = bag.mean_raw(boosters, judged.rows[here])
    y, lines = y[judged.rows], examples.product_line[judged.rows]
    found = fit_by_product_line(raw, lines, y).shifted(float(np.log(judged.keep)))
    losses = _losses(found.log_odds(raw, lines), y)
    return found, len(raw), float(np.average(losses, weights=judged.weights(bag.examples.y)))


def _losses(log_odds: Floats, y: Labels) -> Floats:
    return np.asarray(np.logaddexp(0.0, log_odds) - y * log_odds, dtype=np.float64)
