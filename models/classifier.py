"""How examples become a churn model."""

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from features.errors import GateError
from features.timeline import LabelWindow
from models.arrays import Floats, Index, Labels, rows_of
from models.artefact import model_from_files, plain_booster, to_files
from models.calibration import fit_by_product_line
from models.churn import ChurnModel
from models.examples import Examples
from models.logit import logit
from models.recipe import Recipe, recipe_for
from models.sampling import Sample, samples
from models.splits import Fold, inner_split

__all__ = ["ChurnModel", "FitReport", "Recipe", "fit", "model_from_files", "recipe_for", "to_files"]

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FitReport:
    """What the inner split decided.

    ``rows_per_booster`` is smaller than the rows where stayers are sampled. The log loss is that
    of the stopped boosters on the inner validation rows, where they were calibrated too.
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
    each seed on log loss and calibrate the mean of the stopped boosters. Each seed is then
    trained again on all rows for ``recipe.refit`` times the seeds' mean best round. Rows are
    unweighted: weights for the rare class spoil the level and gain no ranking. Every booster
    starts from the base rate's log-odds, which the calibration's intercept holds.

    Binning is shared by all seeds and by both fits, so bin edges, which use no label, also
    see the inner validation rows. ``on_step`` receives a short text before each long step.
    Raises ``GateError`` when there are too few leavers or stayers.
    """
    if not recipe.seeds:
        raise GateError("A model needs at least one seed: set training.seeds to 1 or more.")
    keys = (examples.customer_id, examples.as_of, examples.y)
    fold = inner_split(*keys, window, recipe.min_positives)
    on_step(f"binning {len(examples):,} rows of {len(examples.spec.columns)} features")
    data = _binned(examples, recipe)
    base = float(logit(examples.y.mean(keepdims=True))[0])
    core = _stopped(data, examples, fold, recipe, base, on_step)
    best = tuple(booster.best_iteration for booster in core)
    raw = _mean_raw(core, examples, fold, recipe.threads)
    lines = examples.product_line[fold.test]
    calibration = fit_by_product_line(raw, lines, examples.y[fold.test])
    rounds = max(1, round(recipe.refit * float(np.mean(best))))
    final, size = _final(data, examples, recipe, base, rounds, on_step)
    report = FitReport(
        split=fold.name,
        train_rows=int(fold.train.sum()),
        validation_rows=len(raw),
        validation_positives=int(examples.y[fold.test].sum()),
        rows_per_booster=size,
        best_iterations=best,
        rounds=rounds,
        log_loss=_log_loss(calibration.log_odds(raw, lines), examples.y[fold.test]),
    )
    return ChurnModel(final, calibration, examples.spec), report


def _binned(examples: Examples, recipe: Recipe) -> lgb.Dataset:
    return lgb.Dataset(
        examples.x,
        label=examples.y,
        feature_name=list(examples.spec.names),
        categorical_feature=list(examples.spec.categories),
        params=recipe.params(recipe.seeds[0]),
        free_raw_data=True,
    ).construct()


def _part(data: lgb.Dataset, rows: Index, start: float) -> lgb.Dataset:
    """The binned ``rows``, from which boosters start at ``start`` log-odds."""
    part = data.subset(rows.tolist()).construct()
    return part.set_init_score(np.full(len(rows), start))


def _stopped(
    data: lgb.Dataset,
    examples: Examples,
    fold: Fold,
    recipe: Recipe,
    base: float,
    on_step: Progress,
) -> tuple[lgb.Booster, ...]:
    judge = _part(data, np.flatnonzero(fold.test), base)
    members = samples(np.flatnonzero(fold.train), examples.y, recipe.negatives, len(recipe.seeds))

    def stopped(seed: int, sample: Sample) -> lgb.Booster:
        on_step(f"early stopping, seed {seed} of {recipe.seeds}: judged by {fold.name}")
        train = _part(data, sample.rows, base - float(np.log(sample.keep)))
        return lgb.train(
            recipe.params(seed, examples.spec.signs),
            train,
            recipe.max_rounds,
            valid_sets=[judge],
            callbacks=[lgb.early_stopping(recipe.patience, verbose=False)],
        )

    return tuple(map(stopped, recipe.seeds, members))


def _final(
    data: lgb.Dataset,
    examples: Examples,
    recipe: Recipe,
    base: float,
    rounds: int,
    on_step: Progress,
) -> tuple[tuple[lgb.Booster, ...], int]:
    members = samples(np.arange(len(examples)), examples.y, recipe.negatives, len(recipe.seeds))

    def trained(seed: int, sample: Sample) -> lgb.Booster:
        on_step(f"final fit, seed {seed} of {recipe.seeds}: {rounds} rounds")
        train = _part(data, sample.rows, base - float(np.log(sample.keep)))
        params = recipe.params(seed, examples.spec.signs)
        return plain_booster(lgb.train(params, train, rounds))

    return tuple(map(trained, recipe.seeds, members)), len(members[0].rows)


def _mean_raw(
    boosters: tuple[lgb.Booster, ...], examples: Examples, fold: Fold, threads: int
) -> Floats:
    x = rows_of(examples.x, fold.test)
    scores = [booster.predict(x, raw_score=True, num_threads=threads) for booster in boosters]
    return np.asarray(np.mean(scores, axis=0), dtype=np.float64)


def _log_loss(log_odds: Floats, y: Labels) -> float:
    return float(np.mean(np.logaddexp(0.0, log_odds) - y * log_odds))
