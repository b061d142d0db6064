"""Out-of-time evaluation (backtest) of a recipe beside its baselines.

The same fit as the final one, on what was known before the test months, as a model will be used.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from models.baselines.suite import Baseline, price_only
from models.baselines.suite import baselines as simple_baselines
from models.boosters.hyperparameters import Recipe, recipe_for, with_changes
from models.churn.fit import fit, steps
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats
from models.dataset.examples import Examples
from models.dataset.splits import (
    Fold,
    customer_folds,
    customer_split,
    require_test_rows,
    rolling_origin,
)
from pipelines.config.settings import Settings
from pipelines.runtime.progress import bar
from pipelines.training.champion_baseline import champion_baseline
from pipelines.training.evaluation_result import Evaluation, evaluate_scores
from pipelines.training.holdout_checks import months_after, unseen_customers

SETTABLE = frozenset(
    {
        "learning_rate",
        "num_leaves",
        "min_data_in_leaf",
        "max_depth",
        "max_bin",
        "bagging_fraction",
        "feature_fraction",
        "lambda_l2",
        "negatives",
        "monotone",
    }
)
_SINGLE_DATE_TEST_SHARE = 0.25


def recipe_of(settings: Settings, rows: int, single_date: bool = False) -> Recipe:
    """The recipe for this many rows, with what the configuration sets on purpose."""
    training = settings.training
    chosen = training.model_fields_set & SETTABLE
    base = recipe_for(rows, training.seeds, settings.engine.threads, single_date)
    return with_changes(base, {name: getattr(training, name) for name in sorted(chosen)})


def with_recipe(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """The settings as if ``changes`` of the recipe stood in the configuration."""
    training = settings.training.model_copy(update=dict(changes))
    return settings.model_copy(update={"training": training})


def test_folds(settings: Settings, examples: Examples) -> tuple[Fold, ...]:
    """Rolling-origin folds; with a single as-of date, folds or a quarter of the customers."""
    training = settings.training
    if examples.single_date:
        if training.folds > 1:
            return customer_folds(examples.customer_id, training.folds)
        return (customer_split(examples.customer_id, _SINGLE_DATE_TEST_SHARE),)
    return rolling_origin(
        examples.as_of, settings.label_window(), training.folds, training.test_months
    )


def evaluate(settings: Settings, examples: Examples) -> Evaluation:
    """Fit on each fold's past, score its test rows, and measure model and baselines there.

    Raises ``GateError`` when a fold has too few leavers or stayers to learn from or to judge on.
    """
    folds = test_folds(settings, examples)
    for fold in folds:
        require_test_rows(fold, examples.y, settings.training.min_test_positives)
    scores: dict[str, Floats] = {}
    for fold in folds:
        train, test = examples.take(fold.train), examples.take(fold.test)
        model = fit_fold(settings, train, fold.name)
        baselines = _baselines(settings, train, fold)
        fold_scores = {each.name: each.probability(test.x) for each in baselines}
        fold_scores["model"] = model.probability(test.x, test.product_line)
        for name, p in fold_scores.items():
            scores.setdefault(name, np.full(len(examples), np.nan))[fold.test] = p
    tested = np.any([fold.test for fold in folds], axis=0)
    test = examples.take(tested)
    champion = champion_baseline(settings, test)
    test_scores = {name: p[tested] for name, p in scores.items()}
    if champion.scores is not None:
        test_scores["champion"] = champion.scores
    descriptions = {each.name: each.description for each in baselines}
    refit, last, p = partial(fit_fold, settings), folds[-1], scores["model"]
    return evaluate_scores(
        settings,
        test,
        test_scores,
        model,
        folds=tuple(fold.name for fold in folds),
        descriptions=descriptions | {"champion": champion.description},
        unseen=unseen_customers(settings, examples, last, p, refit),
        staying=months_after(settings, examples, last, p, refit),
    )


def _baselines(settings: Settings, train: Examples, fold: Fold) -> tuple[Baseline, ...]:
    price = price_only(train, lambda part: fit_fold(settings, part, f"price alone, {fold.name}"))
    return (*simple_baselines(train), *([price] if price else []))


def fit_fold(settings: Settings, train: Examples, name: str) -> ChurnModel:
    """Fit the recipe on the training rows of one fold, with a progress bar."""
    recipe = recipe_of(settings, len(train), train.single_date)
    with bar(f"judging on {name}", steps(recipe)) as advance:
        return fit(train, recipe, advance)[0]
