"""Fit of the churn model: bagged boosters, early stopping and calibration out of fold."""

from dataclasses import dataclass

from features.errors import GateError
from models.boosters.hyperparameters import Recipe
from models.churn.bagging import Bag
from models.churn.early_stopping import Progress, choose_mix, customer_groups, try_shape
from models.churn.model import ChurnModel
from models.dataset.examples import Examples


@dataclass(frozen=True, slots=True)
class FitReport:
    """What was decided on the way.

    ``rows_per_booster``, on as many of which the calibration was fitted, is smaller than the rows
    where stayers are sampled. ``best_iterations`` has a tuple for each shape of tree that was
    tried, one number per group of customers; ``leaves`` and ``rounds`` have each booster's. The
    log loss is that of the calibrated scores out of fold.
    """

    rows_per_booster: int
    best_iterations: tuple[tuple[int, ...], ...]
    leaves: tuple[int, ...]
    rounds: tuple[int, ...]
    log_loss: float


def fit(
    examples: Examples,
    recipe: Recipe,
    on_step: Progress = lambda _: None,
) -> tuple[ChurnModel, FitReport]:
    """Train one booster per seed and calibrate their mean.

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
    report = FitReport(
        rows_per_booster=len(bag.validation_sample.rows),
        best_iterations=tuple(trial.best for trial in trials),
        leaves=tuple(trial.shape.num_leaves for trial in mix.grown),
        rounds=tuple(trial.rounds for trial in mix.grown),
        log_loss=mix.log_loss,
    )
    return ChurnModel(tuple(boosters), mix.calibration, examples.spec), report


def steps(recipe: Recipe) -> int:
    """How often ``fit`` calls ``on_step``."""
    return 1 + recipe.folds * len(recipe.shapes()) + len(recipe.seeds)
