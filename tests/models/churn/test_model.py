import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from models.calibration.platt import Calibration, Platt
from models.churn.model import ChurnModel
from models.dataset.feature_spec import FeatureColumn, FeatureSpec

SPEC = FeatureSpec(
    (
        FeatureColumn("wait", "number", "wait", "support_wait", 1, ""),
        FeatureColumn("bill", "number", "bill_shock", "billing_friction", 1, ""),
    )
)


def test_other_values_give_the_score_that_such_a_customer_has() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 2))
    x[::5, 0] = np.nan
    y = (rng.random(600) < 1 / (1 + np.exp(-np.nan_to_num(x[:, 0]) - x[:, 1]))).astype(int)
    data = lgb.Dataset(x, y, feature_name=list(SPEC.names))
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 10)
    model = ChurnModel((booster,), Calibration(0.9, 0.1, {"electricity": Platt(1.1, -0.2)}), SPEC)
    rows = pd.DataFrame({"wait": [2.0, -1.0, np.nan], "bill": 0.5, "product_line": "electricity"})
    lines = rows["product_line"].to_numpy(dtype=object)
    scores = model.probability(SPEC.encode(rows), lines)
    assert len(set(scores)) == 3
    assert model.probability_with(rows.iloc[[0]], {}) == scores[0]
    assert model.probability_with(rows.iloc[[0]], {"wait": -1.0}) == scores[1]
    assert model.probability_with(rows.iloc[[0]], {"wait": np.nan}) == scores[2]
    with pytest.raises(KeyError, match="colour"):
        model.probability_with(rows.iloc[[0]], {"colour": 1.0})
