"""Out-of-time evaluation (backtest) of a recipe beside its baselines.

The same fit as the final one, on what was known before the test months, as a model will be used.
A time split alone shares customers between both sides, and shows the first months only: one check
has customers that were never met, another the months after.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from features.errors import GateError
from models.baselines.suite import baselines as simple_baselines
from models.baselines.suite import price_only
from models.boosters.hyperparameters import Recipe, recipe_for, with_changes
from models.calibration.shrinkage import monthly_swing
from models.churn.fit import fit, steps
from models.churn.model import ChurnModel
from models.dataset import splits
from models.dataset.array_types import Floats, Matrix
from models.dataset.examples import ASLEEP, MARGIN, Examples
from models.explain.shap_values import by_driver, by_family, global_importance
from models.leaks.rows import SINGLE_DATE
from models.leaks.verdict import leak_warning
from models.metrics import by_subgroup
from models.metrics.bootstrap import Interval, MonthShocks, Rows
from models.metrics.profit import Contacts, profit_at_depth
from models.metrics.scorecard import scorecard
from models.promotion.evidence import BaselineComparison, compare_baselines
from pipelines.config.economics import contacts_of
from pipelines.config.settings import Settings
from pipelines.runtime.progress import bar


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Out-of-time scores of the recipe and of the baselines on the same test rows.

    ``cards`` holds a scorecard for each of ``scores``, profit among it where the configuration
    has economics; ``descriptions`` says what each baseline is;
    ``baselines`` holds the model beside each of them.
    A model that is too good is suspected of a ``leak``. ``contributions`` are those of the newest
    fold's model to ``sample``, about 3,000 evenly spread rows.
    ``unseen`` and ``staying`` are of the newest fold: customers that the model never met, and
    months after what it learned. ``rows`` are those of ``test``, with the shocks of their months;
    ``contacts`` are with them, at each multiple.
    """

    test: Examples
    rows: Rows
    folds: tuple[str, ...]
    scores: dict[str, Floats]
    cards: dict[str, dict[str, Interval]]
    descriptions: dict[str, str]
    baselines: tuple[BaselineComparison, ...]
    leak: str | None
    sample: Matrix
    contributions: Floats
    drivers: "pd.Series[float]"
    families: pd.DataFrame
    parts: tuple[by_subgroup.SubgroupCalibration, ...]
    unseen: by_subgroup.UnseenCustomersCheck | None
    staying: tuple[by_subgroup.DecayMonth, ...]
    contacts: tuple[Contacts, ...]


# The configuration's seeds are a number, its folds those of the test months.
_SETTABLE = {field.name for field in fields(Recipe)} - {"seeds", "folds"}
_SINGLE_DATE_TEST_SHARE = 0.25
_EXPLAINED = 3_000


def recipe_of(settings: Settings, rows: int, single_date: bool = False) -> Recipe:
    """The recipe for this many rows, with what the configuration sets on purpose."""
    training = settings.training
    chosen = training.model_fields_set & _SETTABLE
    base = recipe_for(rows, training.seeds, settings.engine.threads, single_date)
    return with_changes(base, {name: getattr(training, name) for name in sorted(chosen)})


def test_folds(settings: Settings, examples: Examples) -> tuple[splits.Fold, ...]:
    """Rolling-origin folds; with a single as-of date, folds or a quarter of the customers."""
    training = settings.training
    if examples.single_date:
        if training.folds > 1:
            return splits.customer_folds(examples.customer_id, training.folds)
        return (splits.customer_split(examples.customer_id, _SINGLE_DATE_TEST_SHARE),)
    window = settings.label_window()
    return splits.rolling_origin(examples.as_of, window, training.folds, training.test_months)


def evaluate(settings: Settings, examples: Examples, as_of: date) -> Evaluation:
    """Fit on each fold's past, score its test rows, and measure model and baselines there.

    Contacts are valued by what was measured of them by ``as_of``.

    Raises ``GateError`` when a fold has too few leavers or stayers to learn from or to judge on.
    """
    folds = test_folds(settings, examples)
    for fold in folds:
        splits.require_test_rows(fold, examples.y, settings.training.min_test_positives)
    scores: dict[str, Floats] = {}
    for fold in folds:
        train, test = examples.take(fold.train), examples.take(fold.test)
        model = fit_fold(settings, train, fold.name)
        price = price_only(train, partial(fit_fold, settings, name=f"price alone, {fold.name}"))
        baselines = (*simple_baselines(train), *([price] if price else []))
        fold_scores = {each.name: each.probability(test.x) for each in baselines}
        fold_scores["model"] = model.probability(test.x, test.product_line)
        for name, p in fold_scores.items():
            scores.setdefault(name, np.full(len(examples), np.nan))[fold.test] = p
    tested = np.any([fold.test for fold in folds], axis=0)
    test, spec = examples.take(tested), examples.spec
    last, p = folds[-1], scores["model"]
    scores = {name: each[tested] for name, each in scores.items()}
    rows = rows_to_measure(settings, examples, test)
    contacts = contacts_of_test(settings, test, scores["model"], as_of)
    cards = {
        name: scorecard(rows, each) | profit_card(rows, each, contacts)
        for name, each in scores.items()
    }
    auc, alarm = cards["model"]["auc"].value, auc_alarm(settings, examples)
    every = slice(None, None, max(1, len(test) // _EXPLAINED))
    contributions = model.contributions(test.x[every], test.product_line[every])
    return Evaluation(
        test=test,
        rows=rows,
        folds=tuple(fold.name for fold in folds),
        scores=scores,
        cards=cards,
        descriptions={each.name: each.description for each in baselines},
        baselines=compare_baselines(replace(rows, shocks=None), scores),
        leak=leak_warning(auc, alarm, test.x, test.y, spec.names, single_date=test.single_date),
        sample=test.x[every],
        contributions=contributions,
        drivers=global_importance(by_driver(contributions, spec)),
        families=by_family(contributions, spec),
        parts=by_subgroup.calibration_by_subgroup(test, scores["model"], rows),
        unseen=unseen_customers(settings, examples, last, p),
        staying=months_after(settings, examples, last, p),
        contacts=contacts,
    )


def rows_to_measure(settings: Settings, examples: Examples, test: Examples) -> Rows:
    """The rows of ``test``, whose months swing as those of all ``examples`` do."""
    swing = monthly_swing(examples.as_of, examples.y)
    shocks = MonthShocks(test.as_of, test.y, swing, settings.label.horizon_days)
    return Rows(test.customer_id, test.y, settings.training.bootstrap, shocks)


def auc_alarm(settings: Settings, examples: Examples) -> float:
    """The AUC above which a model is too good; 1 where a person answers for a single date."""
    training = settings.training
    answered = examples.single_date and SINGLE_DATE in training.leak_override
    return 1.0 if answered else training.auc_alarm


def fit_fold(settings: Settings, train: Examples, name: str) -> ChurnModel:
    """Fit the recipe on the training rows of one fold, with a progress bar."""
    recipe = recipe_of(settings, len(train), train.single_date)
    with bar(f"judging on {name}", steps(recipe)) as advance:
        return fit(train, recipe, advance)[0]


def unseen_customers(
    settings: Settings, examples: Examples, fold: splits.Fold, p: Floats
) -> by_subgroup.UnseenCustomersCheck | None:
    """Fit without a quarter of the customers and compare on their test rows, scored ``p`` before.

    None where the fold is by customer already, or either side has too few leavers or stayers.
    """
    training = settings.training
    apart = by_subgroup.without_customers(fold, examples.customer_id)
    shared = set(examples.customer_id[fold.train]) & set(examples.customer_id[fold.test])
    if not shared or not splits.has_both_classes(apart, examples.y, training.min_test_positives):
        return None
    try:
        model = fit_fold(settings, examples.take(apart.train), apart.name)
    except GateError:
        return None
    test = examples.take(apart.test)
    unseen = model.probability(test.x, test.product_line, settings.engine.threads)
    rows = rows_to_measure(settings, examples, test)
    return by_subgroup.check_unseen_customers(rows, p[apart.test], unseen)


def months_after(
    settings: Settings, examples: Examples, fold: splits.Fold, p: Floats
) -> tuple[by_subgroup.DecayMonth, ...]:
    """The scorecard by months since training, of one fit that is never renewed.

    Falls back on ``fold``, whose probabilities are ``p``, where the history is too short for a
    longer look; empty for a single as-of date.
    """
    training, window = settings.training, settings.label_window()
    longer = by_subgroup.decay_fold(
        examples.as_of, examples.y, window, training.staying_months, training.min_test_positives
    )
    if longer is None:
        return ()
    train, test = examples.take(longer.train), examples.take(longer.test)
    if (longer.train == fold.train).all():
        scores = p[longer.test]
    else:
        try:
            model = fit_fold(settings, train, longer.name)
        except GateError:
            return ()
        scores = model.probability(test.x, test.product_line)
    rows = rows_to_measure(settings, examples, test)
    learned_to = by_subgroup.last_label(train.as_of, window)
    return by_subgroup.performance_decay(test, scores, learned_to, rows)


ENDS = ("low_multiple", "high_multiple")


def contacts_of_test(
    settings: Settings, test: Examples, p: Floats, as_of: date
) -> tuple[Contacts, ...]:
    """Contacts with the test rows at each multiple of ``ENDS``, empty without economics.

    ``p`` (n,) are the chances of the model under test: all lists on the same rows are judged by
    one value of each customer. ``as_of`` is the day of the run.
    """
    customers = pd.DataFrame(
        {
            "as_of": test.as_of.astype("datetime64[s]"),
            "product_line": test.product_line,
            MARGIN: test.margin,
            ASLEEP: test.asleep,
        }
    )
    return contacts_of(settings, customers, p, as_of) or ()


def profit_card(rows: Rows, p: Floats, contacts: Sequence[Contacts]) -> dict[str, Interval]:
    """Profit per customer at the team's depth and the share called, at both multiples of ``ENDS``.

    Empty without economics.
    """
    card: dict[str, Interval] = {}
    for end, each in zip(ENDS, contacts, strict=False):
        profit, share = profit_at_depth(rows, p, each)
        card |= {f"profit_at_{end}": profit, f"profit_share_at_{end}": share}
    return card
