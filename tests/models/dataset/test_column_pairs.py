"""What two drivers do together is learned, not only what each does alone.

A tree sees a share of the columns, so the pair needs others beside it to meet in one.
"""

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from models.boosters.hyperparameters import Recipe
from models.churn.fit import fit
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, learn_spec

_COLUMNS = (
    FeatureColumn("autopay", "number", "payment_method", "billing_friction", -1, "autopay"),
    FeatureColumn("price_rise_pct_90d", "number", "price_rise", "price", 1, "rise"),
    *(
        FeatureColumn(f"noise_{n}", "number", "tenure", "relationship", 0, f"noise {n}")
        for n in range(18)
    ),
)


def _customers(rows: int, seed: int) -> pd.DataFrame:
    """Autopay lowers the risk a little, and hides a price rise of 10 % from who pays by it."""
    rng = np.random.default_rng(seed)
    autopay, rise = rng.integers(0, 2, rows), rng.integers(0, 2, rows)
    risk = expit(-2.5 - 0.4 * autopay + 2.0 * rise * (1 - autopay))
    numbers = {"autopay": autopay, "price_rise_pct_90d": 0.1 * rise}
    numbers |= {column.name: rng.normal(size=rows) for column in _COLUMNS[2:]}
    return pd.DataFrame(
        {
            "customer_id": [f"{number:05d}" for number in range(rows)],
            "as_of": np.datetime64("2023-01-01", "D") + 30 * (np.arange(rows) % 12),
            "product_line": "electricity",
            "label": (rng.random(rows) < risk).astype(int),
        }
        | {name: values.astype("float32") for name, values in numbers.items()}
    )


def test_autopay_hides_a_price_rise(recipe: Recipe) -> None:
    frame = _customers(4_000, 1)
    examples = Examples.build(frame, learn_spec(_COLUMNS, frame), frame["label"])
    model = fit(examples, recipe)[0]
    x = examples.x.copy()
    names = list(examples.spec.names)

    def effect(autopay: int) -> float:
        x[:, names.index("autopay")] = autopay
        risen = []
        for rise in (0.1, 0.0):
            x[:, names.index("price_rise_pct_90d")] = rise
            risen.append(logit(model.probability(x)).mean())
        return float(risen[0] - risen[1])

    paid_by_hand, hidden = effect(autopay=0), effect(autopay=1)
    assert 1.0 < paid_by_hand < 3.0
    assert 0 <= hidden < 0.5 * paid_by_hand
