"""The level on customers of whom nothing was learned, where few customers count for many."""

import numpy as np
import pandas as pd
import pytest

from models.boosters.hyperparameters import Recipe
from models.churn.fit import fit
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, learn_spec

NAMES = [f"x{i}" for i in range(12)]
COLUMNS = tuple(FeatureColumn(n, "number", "tenure", "relationship", 0, n) for n in NAMES)
EVERYBODY = 20_000


def customers(seed, count):
    """Examples of so many customers, a row each, and their true chances."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(count, len(NAMES))).astype("float32"), columns=NAMES)
    chance = 1 / (1 + np.exp(2.5 - frame["x0"] - 0.7 * frame["x1"])).to_numpy()
    frame = frame.assign(
        customer_id=[f"{i:06d}" for i in range(count)],
        as_of=pd.Timestamp("2024-01-01"),
        product_line="power",
    )
    label = pd.Series((rng.random(count) < chance).astype("int8"))
    return Examples.build(frame, learn_spec(COLUMNS, frame), label), chance


@pytest.mark.parametrize(("count", "times"), [(2_000, 10), (20_000, 1)])
def test_the_mean_probability_of_others_is_what_the_rows_show(count, times):
    """Level of the model over that of the rows it learned from, each against the true chances."""
    off, without = [], []
    for seed in range(6):
        rows, chance = customers(seed, count)
        others, true = customers(seed + 100, EVERYBODY)
        model, mix = fit(
            rows.take(np.repeat(np.arange(count), times)), Recipe(seeds=(1,), threads=1)
        )
        shown = rows.y.mean() / chance.mean()
        raw = model.raw(others.x, 1)
        for found, line in ((off, model.calibration), (without, mix.calibration)):
            p = 1 / (1 + np.exp(-line.log_odds(raw, others.product_line)))
            found.append(p.mean() / true.mean() / shown - 1)
    assert np.mean(off) == pytest.approx(0, abs=0.015)
    # Boosters of half of the customers tell of others' level less than those of all do.
    assert (np.mean(without) > 0.03) == (times > 1)
