"""The field's one-line rule: who nears a date of the contract leaves."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from models.baselines.suite import baselines, next_date_rule
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, learn_spec


def examples(left: list[int], **days: list[float]) -> Examples:
    frame = pd.DataFrame(days)
    frame["customer_id"] = [f"{i:05d}" for i in range(len(left))]
    frame["as_of"] = np.datetime64("2024-01-01", "D")
    frame["product_line"] = "power"
    columns = [FeatureColumn(name, "number", "renewal", "price", 0, name) for name in days]
    return Examples.build(frame, learn_spec(columns, frame), pd.Series(left))


def test_the_rate_of_each_step_by_hand() -> None:
    # Days 0 to 29 are one step, 30 to 59 the next; 20 rows of the base rate, 0.5, join each.
    train = examples([1, 1, 0, 0, 1, 0], days_to_renewal=[0, 29, 30, 59, np.nan, np.nan])
    found = next_date_rule(train)
    assert found is not None
    words, probability = found
    assert words == "months to the contract's renewal"
    assert probability(train.x) == pytest.approx([12 / 22] * 2 + [10 / 22] * 2 + [11 / 22] * 2)
    far = examples([0, 1], days_to_renewal=[4_000, 200])
    assert probability(far.x) == pytest.approx([0.5, 0.5])


def test_an_anniversary_that_trees_see_only_as_years_is_found() -> None:
    rng = np.random.default_rng(3)
    tenure = rng.integers(0, 4_000, 6_000).astype(float)
    near = (-tenure % 365.25) < 100
    left = (rng.random(6_000) < np.where(near, 0.12, 0.03)).astype(int)
    noise = rng.integers(0, 700, 6_000).astype(float)
    train = examples(left.tolist(), days_to_renewal=noise.tolist(), tenure_days=tenure.tolist())
    later = train.take(np.arange(6_000) >= 3_000)
    found = baselines(train.take(np.arange(6_000) < 3_000))[-1]
    assert (found.name, found.description) == ("next_date", "months to the anniversary of joining")
    assert roc_auc_score(later.y, found.probability(later.x)) > 0.6
    assert roc_auc_score(later.y, later.x[:, 1]) < 0.55


def test_without_a_date_there_is_no_rule() -> None:
    assert next_date_rule(examples([0, 1], bill=[1.0, 2.0])) is None
