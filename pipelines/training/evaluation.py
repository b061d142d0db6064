"""Judges a recipe on later months: the same fit, on what was known before them."""

from collections.abc import Mapping

import numpy as np

from features.timeline import LabelWindow
from models.arrays import Floats
from models.baselines import Baseline, baselines, price_only
from models.churn import ChurnModel
from models.classifier import fit, steps
from models.examples import Examples
from models.grouped import GroupedCheck
from models.recipe import Recipe, changed, recipe_for
from models.splits import Fold, customer_folds, customer_split, require_test_rows, rolling_origin
from models.staying import MonthCard
from pipelines.progress import bar
from pipelines.settings import Settings
from pipelines.training.incumbent import incumbent_on
from pipelines.training.judged import Judged, measured
from pipelines.training.robustness import months_after, unseen_customers

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


def label_window(settings: Settings) -> LabelWindow:
    """Lead and horizon of the configuration."""
    return settings.label_window()


def recipe_of(settings: Settings, rows: int, single_date: bool = False) -> Recipe:
    """The recipe for this many rows, with what the configuration sets on purpose."""
    training = settings.training
    chosen = training.model_fields_set & SETTABLE
    base = recipe_for(rows, training.seeds, settings.engine.threads, single_date)
    return changed(base, {name: getattr(training, name) for name in sorted(chosen)})


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
        examples.as_of, label_window(settings), training.folds, training.test_months
    )


def judge(settings: Settings, examples: Examples) -> Judged:
    """Fit on each fold's past, score its test rows, and measure model and baselines there.

    Raises ``GateError`` when a fold has too few leavers or stayers to learn from or to judge on.
    """
    folds = test_folds(settings, examples)
    for fold in folds:
        require_test_rows(fold, examples.y, settings.training.min_test_positives)
    scores: dict[str, Floats] = {}
    for fold in folds:
        train, later = examples.take(fold.train), examples.take(fold.test)
        x, lines = later.x, later.product_line
        model = fit_fold(settings, train, fold.name)
        rivals = _rivals(settings, train, fold)
        scored = {rival.name: rival.probability(x) for rival in rivals}
        for name, p in (scored | {"model": model.probability(x, lines)}).items():
            scores.setdefault(name, np.full(len(examples), np.nan))[fold.test] = p
    tested = np.any([fold.test for fold in folds], axis=0)
    test = examples.take(tested)
    incumbent = incumbent_on(settings, test)
    known = {name: p[tested] for name, p in scores.items()}
    if incumbent.scores is not None:
        known["champion"] = incumbent.scores
    described = {rival.name: rival.description for rival in rivals}
    return measured(
        settings,
        test,
        known,
        model,
        tuple(fold.name for fold in folds),
        described | {"champion": incumbent.description},
        _beyond(settings, examples, folds[-1], scores["model"]),
    )


def _rivals(settings: Settings, train: Examples, fold: Fold) -> list[Baseline]:
    alone = price_only(train, lambda part: fit_fold(settings, part, f"price alone, {fold.name}"))
    return [*baselines(train), *([alone] if alone else [])]


def _beyond(
    settings: Settings, examples: Examples, fold: Fold, p: Floats
) -> tuple[GroupedCheck | None, tuple[MonthCard, ...]]:
    def again(train: Examples, name: str) -> ChurnModel:
        return fit_fold(settings, train, name)

    unseen = unseen_customers(settings, examples, fold, p, again)
    return unseen, months_after(settings, examples, label_window(settings), fold, p, again)


def fit_fold(settings: Settings, train: Examples, name: str) -> ChurnModel:
    """Fit the recipe on the training rows of one fold, with a progress bar."""
    recipe = recipe_of(settings, len(train), train.single_date)
    with bar(f"judging on {name}", steps(recipe)) as advance:
        return fit(train, recipe, advance)[0]
