"""Baselines: base rate, decision stump, next date of the contract, logistic regression, price."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.baselines.hand_rules import best_stump, next_date_rule
from models.baselines.logistic_regression import fit_logistic
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Matrix
from models.dataset.examples import Examples
from models.dataset.feature_spec import realign


@dataclass(frozen=True, slots=True)
class Baseline:
    """A simple model: its name, what it does in words, and matrix (n, f) → probability (n,)."""

    name: str
    description: str
    probability: Callable[[Matrix], Floats]


def price_only(train: Examples, fit: Callable[[Examples], ChurnModel]) -> Baseline | None:
    """The model's own recipe on the price features alone; None without any.

    Price alone is not enough (S3): how much the rest adds should stay visible. It is calibrated
    by the common line, since a baseline is asked without product lines.
    """
    part = train.part(lambda column: column.family == "price")
    if part is None:
        return None
    model = fit(part)
    return Baseline(
        "price_only",
        f"the recipe on the {len(part.spec.columns)} price features",
        lambda x: model.probability(realign(x, train.spec, part.spec)),
    )


def baselines(train: Examples) -> tuple[Baseline, ...]:
    """Base rate, one rule, logistic regression and, where there is a date, the next one."""
    rate, date = float(train.y.mean()), next_date_rule(train)
    return (
        Baseline("base_rate", f"every customer: {rate:.2%}", lambda x: np.full(len(x), rate)),
        Baseline("one_rule", *best_stump(train)),
        logistic(train),
        *([Baseline("next_date", *date)] if date else []),
    )


def logistic(train: Examples) -> Baseline:
    """Logistic regression, above 60,000 rows on a share of the customers."""
    probability, rows = fit_logistic(train)
    return Baseline("logistic", f"logistic regression on {rows:,} rows", probability)
