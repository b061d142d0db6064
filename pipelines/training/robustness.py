"""Holdout checks: generalisation to unseen customers, and performance decay over months.

A time split alone shares customers between both sides, and shows the first months only.
"""

from collections.abc import Callable

from features.errors import GateError
from models.arrays import Floats
from models.churn import ChurnModel
from models.examples import Examples
from models.grouped import GroupedCheck, grouped_check, without_customers
from models.splits import Fold, enough
from models.staying import MonthCard, last_label, staying_fold, staying_power
from pipelines.settings import Settings

Fit = Callable[[Examples, str], ChurnModel]


def unseen_customers(
    settings: Settings, examples: Examples, fold: Fold, p: Floats, fit: Fit
) -> GroupedCheck | None:
    """Fit without a quarter of the customers and compare on their test rows.

    ``p`` has a probability for every test row of the fold. None where the fold is by customer
    already, or either side has too few leavers or stayers.
    """
    training = settings.training
    apart = without_customers(fold, examples.customer_id)
    shared = set(examples.customer_id[fold.train]) & set(examples.customer_id[fold.test])
    if not shared or not enough(apart, examples.y, training.min_test_positives):
        return None
    try:
        model = fit(examples.take(apart.train), apart.name)
    except GateError:
        return None
    test = examples.take(apart.test)
    unseen = model.probability(test.x, test.product_line, settings.engine.threads)
    return grouped_check(test.y, p[apart.test], unseen, test.customer_id, training.bootstrap)


def months_after(
    settings: Settings, examples: Examples, fold: Fold, p: Floats, fit: Fit
) -> tuple[MonthCard, ...]:
    """The scorecard by months since training, of one fit that is never renewed.

    Falls back on ``fold``, whose probabilities are ``p``, where the history is too short for a
    longer look; empty for a single as-of date.
    """
    training, window = settings.training, settings.label_window()
    longer = staying_fold(
        examples.as_of, examples.y, window, training.staying_months, training.min_test_positives
    )
    if longer is None:
        return ()
    train, test = examples.take(longer.train), examples.take(longer.test)
    if (longer.train == fold.train).all():
        scores = p[longer.test]
    else:
        try:
            scores = fit(train, longer.name).probability(test.x, test.product_line)
        except GateError:
            return ()
    return staying_power(
        test.y,
        scores,
        test.as_of,
        test.customer_id,
        last_label(train.as_of, window),
        training.bootstrap,
    )
