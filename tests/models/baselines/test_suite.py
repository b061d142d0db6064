from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from models.baselines.suite import baselines, best_stump, logistic, price_only
from models.boosters.hyperparameters import Recipe
from models.churn.fit import fit
from models.churn.model import ChurnModel
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, FeatureSpec, learn_spec


def examples_with(y: list[int], **features: list[object]) -> Examples:
    frame = pd.DataFrame(features)
    frame["customer_id"] = [f"{i:06d}" for i in range(len(y))]
    frame["as_of"] = np.datetime64("2024-01-01", "D")
    frame["product_line"] = "power"
    columns = [
        FeatureColumn(
            name, "category" if isinstance(values[0], str) else "number", "wait", "x", 0, name
        )
        for name, values in features.items()
    ]
    return Examples.build(frame, learn_spec(columns, frame), pd.Series(y))


def test_base_rate() -> None:
    train = examples_with([1, 0, 0, 0], a=[1, 2, 3, 4])
    assert baselines(train)[0].probability(train.x[:2]).tolist() == [0.25, 0.25]


def test_one_rule_by_hand() -> None:
    # a splits the leavers off exactly, b does not; 20 rows of the base rate (0.5) smooth each leaf
    y = [0, 0, 0, 1, 1, 1]
    train = examples_with(y, b=[1, 2, 1, 2, 1, 2], a=[1.0, 2.0, 2.0, 5.0, 6.0, 9.0])
    words, probability = best_stump(train)
    assert words == "a <= 3.5: 43.48%, otherwise 56.52%"
    assert probability(train.x) == pytest.approx([10 / 23] * 3 + [13 / 23] * 3)
    assert baselines(train)[1].description == words


def test_one_rule_splits_off_a_category_or_the_missing() -> None:
    y = [1] * 10 + [0] * 20
    words, _ = best_stump(examples_with(y, c=["b"] * 10 + ["a", "c"] * 10))
    assert words.startswith("c = b: ")
    missing = examples_with(y, m=[np.nan] * 10 + [1.0] * 20)
    _, probability = best_stump(missing)
    rates = probability(missing.x)
    assert rates[0] > rates[-1]
    mixed = examples_with(y, m=[np.nan] * 5 + [1.0] * 5 + [2.0] * 20)
    assert best_stump(mixed)[0].startswith("m <= 1.5 or unknown: ")


def test_one_rule_is_no_worse_than_any_cut_tried_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 8, 80).astype(float), rng.normal(size=80)
    y = (rng.random(80) < 0.2 + 0.08 * a).astype(int)
    a[::7] = np.nan
    train = examples_with(y.tolist(), a=a.tolist(), b=b.tolist())
    losses = []
    for column in train.x.T:
        for cut in np.unique(column[~np.isnan(column)]):
            for unknown in (True, False):
                leaf = np.where(np.isnan(column), unknown, column <= cut).astype(int)
                rows, leavers = np.bincount(leaf, minlength=2), np.bincount(leaf, y, minlength=2)
                losses.append(log_loss(y, ((leavers + 20 * y.mean()) / (rows + 20))[leaf]))
    assert log_loss(y, best_stump(train)[1](train.x)) == pytest.approx(min(losses), rel=0.01)


def test_where_nothing_varies_one_rule_is_the_base_rate() -> None:
    train = examples_with([1, 0, 0, 0], n=[np.nan] * 4)
    words, probability = best_stump(train)
    assert (words, probability(train.x[:2]).tolist()) == ("every customer: 25.00%", [0.25, 0.25])


def test_an_all_null_feature_does_no_harm() -> None:
    train = examples_with([1, 0] * 20, n=[np.nan] * 40, a=list(range(40)))
    for baseline in baselines(train):
        p = baseline.probability(train.x)
        assert np.isfinite(p).all()
        assert p.shape == (40,)


def test_logistic_learns_numbers_categories_and_missingness(examples: Examples) -> None:
    p = logistic(examples).probability(examples.x)
    assert roc_auc_score(examples.y, p) > 0.75
    assert p.mean() == pytest.approx(examples.y.mean(), abs=1e-3)
    channel = examples.x.copy()
    position = examples.spec.names.index("channel")
    channel[:, position] = 0.0  # chat, which raises risk in the synthetic company
    chat = logistic(examples).probability(channel)
    channel[:, position] = 2.0
    assert (chat > logistic(examples).probability(channel)).all()


def test_logistic_bounds_an_outlier(examples: Examples) -> None:
    baseline = logistic(examples)
    row = np.array(examples.x[:1])
    row[0, 0] = 1e30
    far = baseline.probability(row)
    row[0, 0] = np.nanmax(examples.x[:, 0])
    assert far == pytest.approx(baseline.probability(row))


def test_logistic_samples_whole_customers(
    examples: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.baselines.suite._ROWS", 1_200)
    baseline = logistic(examples)
    rows = int(baseline.description.split(" on ")[1].split()[0].replace(",", ""))
    assert rows % 12 == 0
    assert rows == pytest.approx(1_200, rel=0.25)
    full = baseline.probability(examples.x)
    assert roc_auc_score(examples.y, full) > 0.75


def test_names_and_order(examples: Examples) -> None:
    assert [b.name for b in baselines(examples)] == ["base_rate", "one_rule", "logistic"]


def test_price_alone_sees_the_price_features_only(examples: Examples) -> None:
    columns = tuple(
        replace(column, family="price") if column.name in ("bill", "channel") else column
        for column in examples.spec.columns
    )
    priced = replace(examples, spec=FeatureSpec(columns))
    seen = []

    def recorded(part: Examples) -> ChurnModel:
        seen.append(part.spec.names)
        return fit(part, Recipe(max_rounds=30, seeds=(1,), threads=1))[0]

    baseline = price_only(priced, recorded)
    assert baseline is not None
    assert seen == [("bill", "channel")]
    p = baseline.probability(priced.x)
    blind = priced.x.copy()
    blind[:, 1] = 99
    np.testing.assert_array_equal(baseline.probability(blind), p)
    assert roc_auc_score(priced.y, p) > 0.6
    assert price_only(examples, recorded) is None
