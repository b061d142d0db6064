"""Judges a recipe on later months: the same fit, on what was known before them."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.timeline import LabelWindow
from models.arrays import Floats, Matrix
from models.baselines import base_rate, logistic, one_rule
from models.bootstrap import Interval
from models.churn import ChurnModel
from models.classifier import fit
from models.examples import Examples
from models.explain import by_driver, by_family, global_importance
from models.leaks import LeakWarning, leak_warning
from models.recipe import Recipe, recipe_for
from models.scorecard import scorecard
from models.splits import Fold, customer_folds, customer_split, rolling_origin
from pipelines.progress import bar
from pipelines.settings import Settings

_EXPLAINED = 3_000
_SINGLE_DATE_TEST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Judged:
    """Out-of-time scores of the recipe and of the baselines on the same test rows."""

    test: Examples
    folds: tuple[str, ...]
    scores: dict[str, Floats]
    cards: dict[str, dict[str, Interval]]
    descriptions: dict[str, str]
    leak: LeakWarning | None
    sample: Matrix
    contributions: Floats
    drivers: "pd.Series[float]"
    families: pd.DataFrame


def label_window(settings: Settings) -> LabelWindow:
    """Lead and horizon of the configuration."""
    return settings.label_window()


def recipe_of(settings: Settings, rows: int) -> Recipe:
    """The recipe for this many rows, with what the configuration sets on purpose."""
    training = settings.training
    chosen = training.model_fields_set & {
        "learning_rate",
        "num_leaves",
        "min_data_in_leaf",
        "max_bin",
    }
    base = recipe_for(rows, training.seeds, settings.engine.threads)
    return replace(base, **{name: getattr(training, name) for name in sorted(chosen)})


def test_folds(settings: Settings, examples: Examples) -> tuple[Fold, ...]:
    """Rolling-origin folds; with a single as-of date, folds or a quarter of the customers."""
    training = settings.training
    if len(np.unique(examples.as_of)) == 1:
        if training.folds > 1:
            return customer_folds(examples.customer_id, training.folds)
        return (customer_split(examples.customer_id, _SINGLE_DATE_TEST_SHARE),)
    return rolling_origin(
        examples.as_of, label_window(settings), training.folds, training.test_months
    )


def judge(settings: Settings, examples: Examples) -> Judged:
    """Fit on each fold's past, score its test rows, and measure model and baselines there."""
    folds = test_folds(settings, examples)
    scores: dict[str, Floats] = {}
    for fold in folds:
        train, x = examples.take(fold.train), examples.take(fold.test).x
        model = fit_fold(settings, train, fold.name)
        baselines = [make(train) for make in (base_rate, one_rule, logistic)]
        scored = {b.name: b.probability(x) for b in baselines} | {"model": model.probability(x)}
        for name, p in scored.items():
            scores.setdefault(name, np.full(len(examples), np.nan))[fold.test] = p
    tested = np.any([fold.test for fold in folds], axis=0)
    return _measured(
        settings,
        examples.take(tested),
        {name: p[tested] for name, p in scores.items()},
        model,
        tuple(fold.name for fold in folds),
        {b.name: b.description for b in baselines},
    )


def fit_fold(settings: Settings, train: Examples, name: str) -> ChurnModel:
    """Fit the recipe on the training rows of one fold, with a progress bar."""
    recipe = recipe_of(settings, len(train))
    with bar(f"judging on {name}", 2 * len(recipe.seeds) + 1) as advance:
        return fit(train, label_window(settings), recipe, advance)[0]


def _measured(
    settings: Settings,
    test: Examples,
    scores: dict[str, Floats],
    model: ChurnModel,
    folds: tuple[str, ...],
    descriptions: dict[str, str],
) -> Judged:
    replicates, alarm = settings.training.bootstrap, settings.training.auc_alarm
    cards = {name: scorecard(test.y, p, test.customer_id, replicates) for name, p in scores.items()}
    auc = cards["model"]["auc"].value
    sample = test.x[:: max(1, len(test) // _EXPLAINED)]
    contributions = model.contributions(sample)
    return Judged(
        test=test,
        folds=folds,
        scores=scores,
        cards=cards,
        descriptions=descriptions,
        leak=leak_warning(auc, alarm, test.x, test.y, test.spec.names),
        sample=sample,
        contributions=contributions,
        drivers=global_importance(by_driver(contributions, test.spec)),
        families=by_family(contributions, test.spec),
    )
