"""A row is worth the same wherever it is judged."""

from datetime import date

import numpy as np
import pandas as pd

from models.causal.sleeping_dogs import asleep
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureSpec
from pipelines.lists.placement import with_values
from pipelines.training.evaluation import contacts_of_test

ECONOMICS = {
    "margin_per_year": 1_000,
    "years": 4,
    "contact_cost": 30,
    "offer_cost": 300,
    "offer_taken_by_stayers": 0.2,
    "saved_share": 0.3,
    "woken_share": 0.04,
}
DAY = date(2024, 3, 1)


def test_a_row_is_worth_the_same_in_the_scorecard_in_promotion_and_at_night(company) -> None:
    settings, rng, rows = company(economics=ECONOMICS), np.random.default_rng(8), 300
    night = pd.DataFrame(
        {
            "customer_id": [f"{i:04d}" for i in range(rows)],
            "as_of": pd.Timestamp(DAY),
            "product_line": rng.choice(["power", "gas"], rows),
            "suggested_action": "A4",
            "margin_per_year": rng.choice([40_000.0, 300_000.0, np.nan], rows),
            "autopay": rng.integers(0, 2, rows),
            "self_service_success_30d": rng.integers(0, 2, rows),
            "last_contact_on": rng.choice([None, "2024-02-20", "2023-02-20"], rows),
            "churn_probability": rng.beta(1, 9, rows),
        }
    )
    listed = with_values(settings, night, DAY)
    assert 0.1 < listed["asleep"].mean() < 0.5
    sleeps = asleep(night, night["as_of"], settings.list.peace.asleep_days)
    labels = pd.Series(rng.integers(0, 2, rows))
    test = Examples.build(night.assign(asleep=sleeps), FeatureSpec(()), labels)
    p = night["churn_probability"].to_numpy()
    for end, card in zip(
        ("expected_value", "expected_value_high"),
        contacts_of_test(settings, test, p, DAY),
        strict=True,
    ):
        np.testing.assert_array_equal(card.worth(p), listed[end])
        some = np.arange(0, rows, 3)
        promotion = card.take(some)
        np.testing.assert_array_equal(promotion.worth(p[some]), listed[end].to_numpy()[some])
