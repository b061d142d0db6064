from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import log_loss, roc_auc_score

from features.errors import GateError, ModelError
from models.boosters.hyperparameters import Recipe, recipe_for, with_changes
from models.calibration.platt import Calibration, Platt
from models.churn.fit import fit, steps
from models.churn.model import ChurnModel
from models.churn.serialization import to_files
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureSpec
from models.metrics.logistic import fit_line

Train = Callable[..., ChurnModel]
Make = Callable[..., pd.DataFrame]


def test_ranks_and_calibrates_on_other_customers(model: ChurnModel, later: Examples) -> None:
    p = model.probability(later.x)
    assert (p.dtype, p.shape) == (np.float64, (len(later),))
    assert roc_auc_score(later.y, p) > 0.75
    assert log_loss(later.y, p) < 0.9 * log_loss(later.y, np.full(len(later), later.y.mean()))


def test_probability_is_the_calibrated_mean_log_odds(model: ChurnModel, later: Examples) -> None:
    each = [booster.predict(later.x, raw_score=True) for booster in model.boosters]
    line = model.calibration.intercept + model.calibration.slope * np.mean(each, axis=0)
    np.testing.assert_allclose(model.probability(later.x), expit(line), rtol=1e-12)


def test_each_product_line_has_its_own_line_and_the_common_one_is_for_the_others(
    model: ChurnModel, later: Examples
) -> None:
    own = Calibration(1.0, 0.0, {"gas": Platt(0.5, -1.0), "power": Platt(2.0, 1.0)})
    by_line = replace(model, calibration=own)
    lines = np.array(["gas", "power", "water", None, np.nan, "Gas"], dtype=object)
    x, raw = later.x[:6], model.raw(later.x[:6])
    wanted = [0.5 * raw[0] - 1, 2 * raw[1] + 1, *raw[2:]]
    np.testing.assert_allclose(by_line.probability(x, lines), expit(wanted), rtol=1e-12)
    np.testing.assert_allclose(by_line.probability(x), expit(raw), rtol=1e-12)
    alone = by_line.contributions(x, lines)
    np.testing.assert_allclose(alone.sum(axis=1), wanted, atol=1e-6)
    np.testing.assert_allclose(
        alone[0, :-1], 0.5 * by_line.contributions(x)[0, :-1], rtol=1e-12, atol=1e-15
    )


@pytest.mark.promise("additive")
@given(
    numbers=st.lists(st.tuples(st.floats(0.05, 5), st.floats(-8, 8)), min_size=3, max_size=3),
    seed=st.integers(0, 1_000),
)
@settings(max_examples=15)
def test_contributions_add_up_in_every_product_line(
    model: ChurnModel, later: Examples, numbers: list[tuple[float, float]], seed: int
) -> None:
    common, gas, power = (Platt(*each) for each in numbers)
    own = Calibration(common.slope, common.intercept, {"gas": gas, "power": power})
    words = np.array(["gas", "power", "water", None], dtype=object)
    lines = words[np.random.default_rng(seed).integers(0, 4, 40)]
    by_line = replace(model, calibration=own)
    x = later.x[seed : seed + 40]
    gap = by_line.contributions(x, lines).sum(axis=1) - by_line.calibration.log_odds(
        model.raw(x), lines
    )
    assert np.abs(gap).max() < 1e-6


@pytest.mark.promise("additive")
def test_contributions_add_up_to_the_calibrated_log_odds(
    model: ChurnModel, later: Examples
) -> None:
    contributions = model.contributions(later.x)
    assert contributions.shape == (len(later), len(later.spec.columns) + 1)
    gap = contributions.sum(axis=1) - logit(model.probability(later.x))
    assert np.abs(gap).max() <= 1e-6
    assert np.ptp(contributions[:, -1]) == 0
    assert (contributions[:, later.spec.names.index("silent")] == 0).all()


def test_batches_give_the_same_contributions(
    model: ChurnModel, later: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.contributions(later.x[:25])
    monkeypatch.setattr("models.churn.model._BATCH", 10)
    np.testing.assert_array_equal(model.contributions(later.x[:25]), whole)


def test_no_rows_give_no_scores(model: ChurnModel, later: Examples) -> None:
    nobody = later.x[:0]
    assert model.probability(nobody).shape == (0,)
    assert model.contributions(nobody).shape == (0, len(later.spec.columns) + 1)


def test_more_irritation_raises_the_risk(model: ChurnModel, later: Examples) -> None:
    calm, annoyed = later.x.copy(), later.x.copy()
    calm[:, 0], annoyed[:, 0] = -2.0, 2.0
    assert (model.probability(annoyed) > model.probability(calm)).all()


@pytest.mark.promise("deterministic")
@pytest.mark.parametrize("changes", [{}, {"negatives": 1}, {"monotone": True, "compete": True}])
@pytest.mark.parametrize("dates", [12, 1])
def test_repeats_row_order_and_threads_leave_the_bytes_alone(
    train: Train, small: Make, changes: dict[str, object], dates: int
) -> None:
    frame = small(customers=1_440 // dates, months=dates)
    plain = to_files(train(frame, max_rounds=30, **changes))
    assert plain == to_files(train(frame, max_rounds=30, **changes))
    shuffled = frame.sample(frac=1, random_state=5).reset_index(drop=True)
    columns = list(reversed(shuffled.columns))
    again = to_files(train(shuffled[columns], max_rounds=30, threads=2, **changes))
    assert plain == again


def test_seeds_give_different_boosters(model: ChurnModel) -> None:
    texts = {booster.model_to_string() for booster in model.boosters}
    assert len(texts) == len(model.boosters) == 2


@pytest.mark.parametrize("negatives", [None, 1])
def test_the_level_is_that_of_all_months(
    train: Train, frame: pd.DataFrame, examples: Examples, negatives: int | None
) -> None:
    p = train(frame, negatives=negatives).probability(examples.x)
    assert p.mean() == pytest.approx(examples.y.mean(), abs=0.01)
    assert roc_auc_score(examples.y, p) > 0.75


def test_one_odd_newest_quarter_does_not_set_the_level(
    train: Train, frame: pd.DataFrame, examples: Examples
) -> None:
    newest = frame["as_of"] >= "2023-10-01"
    fewer = frame.assign(label=frame["label"].where(~newest | (frame.index % 2 == 0), 0))
    rate = fewer["label"].mean()
    p = train(fewer).probability(examples.x)
    assert fewer.loc[newest, "label"].mean() < 0.6 * fewer.loc[~newest, "label"].mean()
    assert p.mean() == pytest.approx(rate, abs=0.01)


def test_scores_of_other_customers_have_a_slope_near_one(train: Train, small: Make) -> None:
    """Fitted on rows that the boosters had learned, the slope on others would be 0.90."""
    model = train(small(customers=600))
    frame = small(customers=1_500, seed=8)
    others = Examples.build(frame, model.spec, frame["label"])
    z = logit(model.probability(others.x))
    _, slope = fit_line(z, others.y.astype(np.float64))
    assert 0.95 < slope < 1.1


def test_sampled_boosters_start_from_the_level_of_all_rows(
    train: Train, frame: pd.DataFrame, examples: Examples
) -> None:
    sampled = train(frame, negatives=1)
    base = logit(examples.y.mean())
    assert expit(sampled.raw(examples.x) + base).mean() == pytest.approx(
        examples.y.mean(), abs=0.02
    )


def test_the_report_says_what_was_decided(examples: Examples, recipe: Recipe) -> None:
    said: list[str] = []
    three = replace(recipe, seeds=(3, 4, 5))
    model, report = fit(examples, three, said.append)
    [trial, *_] = report.grown
    assert len(trial.raw) == len(examples)
    assert len(trial.best) == three.folds
    rounds = [each.rounds for each in report.grown]
    assert rounds == [round(1.15 * np.mean(trial.best))] * 3
    assert [booster.current_iteration() for booster in model.boosters] == rounds
    assert 0 < report.log_loss < 0.69
    assert len(said) == steps(three)
    assert "3,600 rows of 5 features" in said[0]


def test_a_single_as_of_date_is_learned_from(examples: Examples, recipe: Recipe) -> None:
    one_date = examples.take(examples.as_of == examples.as_of[0])
    model, _ = fit(one_date, replace(recipe, min_positives=5))
    assert roc_auc_score(examples.y, model.probability(examples.x)) > 0.7


def test_each_booster_grows_the_shape_that_is_reported(examples: Examples, recipe: Recipe) -> None:
    one_date = examples.take(examples.as_of < np.datetime64("2023-03-01"))
    competing = replace(recipe, compete=True, seeds=(1, 2, 3), min_positives=5)
    said: list[str] = []
    model, report = fit(one_date, competing, said.append)
    assert len(said) == steps(competing) == 1 + 3 * competing.folds + 3
    assert {trial.shape for trial in report.grown} <= {*competing.shapes()}
    leaves = [f"[num_leaves: {trial.shape.num_leaves}]" for trial in report.grown]
    texts = [booster.model_to_string() for booster in model.boosters]
    assert all(line in text for line, text in zip(leaves, texts, strict=True))


@pytest.mark.fault(42)
def test_too_few_leavers_are_refused(examples: Examples, recipe: Recipe) -> None:
    leavers = np.flatnonzero(examples.y == 1)[:10]
    few = examples.take(np.sort(np.concatenate([np.flatnonzero(examples.y == 0), leavers])))
    with pytest.raises(GateError, match="10 leavers among"):
        fit(few, recipe)


def test_no_seeds_are_refused(examples: Examples, recipe: Recipe) -> None:
    with pytest.raises(GateError, match=r"training\.seeds"):
        fit(examples, replace(recipe, seeds=()))


def test_a_matrix_of_other_columns_is_refused(model: ChurnModel, examples: Examples) -> None:
    with pytest.raises(ModelError, match=r"reads 5 columns but got a matrix of shape \(3, 4\)"):
        model.probability(examples.x[:3, :4])


def test_boosters_must_fit_the_spec(model: ChurnModel) -> None:
    reordered = FeatureSpec(model.spec.columns[::-1])
    with pytest.raises(ModelError, match="Booster 0 was trained on other features"):
        ChurnModel(model.boosters, model.calibration, reordered)
    with pytest.raises(ModelError, match="no booster"):
        ChurnModel((), model.calibration, model.spec)


@pytest.mark.parametrize(
    ("rows", "bins", "leaf", "negatives", "folds"),
    [
        (10_000, 255, 40, None, 5),
        (40_000, 255, 40, None, 2),
        (60_000, 63, 40, None, 2),
        (200_000, 63, 40, 20, 2),
        (400_000, 63, 100, 20, 2),
    ],
)
def test_recipe_by_size(rows: int, bins: int, leaf: int, negatives: int | None, folds: int) -> None:
    found = recipe_for(rows, seeds=2, threads=1)
    assert found.max_bin == bins
    assert (found.min_data_in_leaf, found.negatives) == (leaf, negatives)
    assert found.folds == folds
    assert found.patience * found.learning_rate == pytest.approx(2.0)
    assert (found.seeds, found.threads) == ((1, 2), 1)


def test_only_a_single_date_is_refitted_for_more_rounds_than_were_best() -> None:
    assert recipe_for(10_000).refit == 1.0
    assert recipe_for(10_000, single_date=True).refit == 1.15


@pytest.mark.parametrize(("columns", "drawn"), [(16, "_bynode"), (17, ""), (0, "")])
def test_of_few_columns_some_are_drawn_at_every_split(columns: int, drawn: str) -> None:
    params = recipe_for(10_000).params(1, [0] * columns)
    shares = {key for key in params if str(key).startswith("feature_fraction")}
    assert shares == {f"feature_fraction{drawn}"}


def test_shapes_compete_on_a_single_date_for_several_seeds() -> None:
    several, one = recipe_for(400_000, 2), recipe_for(10_000, 1, single_date=True)
    assert len(several.shapes()) == len(one.shapes()) == 1
    own, small, broad = recipe_for(10_000, 2, single_date=True).shapes()
    assert [shape.num_leaves for shape in (own, small, broad)] == [15, 8, 63]
    assert [shape.min_data_in_leaf for shape in (own, small, broad)] == [40, 40, 10]
    assert own.seeds == small.seeds == broad.seeds
    assert len(with_changes(own, {"num_leaves": 7}).shapes()) == 1
    assert len(with_changes(own, {"lambda_l2": 1.0}).shapes()) == 3
