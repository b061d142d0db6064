"""What any model must beat: the base rate, one rule, logistic regression, and price alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.arrays import Floats, Matrix
from models.churn import ChurnModel
from models.examples import Examples
from models.linear import Design
from models.realign import realign
from models.splits import customer_share
from models.stump import best_stump

_LOGISTIC_ROWS = 60_000


@dataclass(frozen=True, slots=True)
class Baseline:
    """A simple model: its name, what it does in words, and matrix (n, f) → probability (n,)."""

    name: str
    description: str
    probability: Callable[[Matrix], Floats]


def base_rate(train: Examples) -> Baseline:
    """Everybody leaves at the training rate."""
    rate = float(train.y.mean())
    return Baseline("base_rate", f"every customer: {rate:.2%}", lambda x: np.full(len(x), rate))


def one_rule(train: Examples) -> Baseline:
    """The best single split of a single feature, by training log loss."""
    stump = best_stump(train)
    return Baseline("one_rule", stump.describe(train.spec), stump.probability)


def logistic(train: Examples) -> Baseline:
    """Logistic regression on imputed, clipped, standardised and one-hot columns.

    Above 60,000 rows it is fitted on all rows of a share of the customers, chosen by their
    id's hash: its coefficients hardly move with more, and its time would.
    """
    kept = train
    if len(train) > _LOGISTIC_ROWS:
        keep = customer_share(train.customer_id, "logistic") < _LOGISTIC_ROWS / len(train)
        kept = train.take(keep)
    design = Design.learn(kept)
    model = LogisticRegression(C=0.1, solver="lbfgs", max_iter=2_000, tol=1e-4)
    model.fit(design.columns(kept.x), kept.y)

    def probability(x: Matrix) -> Floats:
        return np.asarray(model.predict_proba(design.columns(x))[:, 1], dtype=np.float64)

    return Baseline("logistic", f"logistic regression on {len(kept):,} rows", probability)


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
    """Base rate, one rule and logistic regression, in that order."""
    return base_rate(train), one_rule(train), logistic(train)
