"""Holdout checks: generalisation to unseen customers, and performance decay over months.

A time split alone shares customers between both sides, and shows the first months only.
"""

from collections.abc import Callable

from features.errors import GateError
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats
from models.dataset.examples import Examples
from models.dataset.splits import Fold, has_both_classes
from models.metrics.by_subgroup import DecayMonth, decay_fold, last_label, performance_decay
from models.metrics.unseen_customers import (
    UnseenCustomersCheck,
    check_unseen_customers,
    without_customers,
)
from pipelines.config.settings import Settings

Fit = Callable[[Examples, str], ChurnModel]


def unseen_customers(
    settings: Settings, examples: Examples, fold: Fold, p: Floats, fit: Fit
) -> UnseenCustomersCheck | None:
    """Fit without a quarter of the customers and compare on their test rows.

    ``p`` has a probability for every test row of the fold. None where the fold is by customer
    already, or either side has too few leavers or stayers.
    """
    training = settings.training
    apart = without_customers(fold, examples.customer_id)
    shared = set(examples.customer_id[fold.train]) & set(examples.customer_id[fold.test])
    if not shared or not has_both_classes(apart, examples.y, training.min_test_positives):
        return None
    try:
        model = fit(examples.take(apart.train), apart.name)
    except GateError:
        return None
    test = examples.take(apart.test)
    unseen = model.probability(test.x, test.product_line, settings.engine.threads)
    return check_unseen_customers(
        test.y, p[apart.test], unseen, test.customer_id, training.bootstrap
    )


def months_after(
    settings: Settings, examples: Examples, fold: Fold, p: Floats, fit: Fit
) -> tuple[DecayMonth, ...]:
    """The scorecard by months since training, of one fit that is never renewed.

    Falls back on ``fold``, whose probabilities are ``p``, where the history is too short for a
    longer look; empty for a single as-of date.
    """
    training, window = settings.training, settings.label_window()
    longer = decay_fold(
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
    return performance_decay(
        test.y,
        scores,
        test.as_of,
        test.customer_id,
        last_label(train.as_of, window),
        training.bootstrap,
    )
