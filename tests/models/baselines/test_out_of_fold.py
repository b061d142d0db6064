from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.errors import GateError
from features.timeline import LabelWindow
from models.baselines.out_of_fold import (
    CHALLENGERS,
    OutOfFold,
    development,
    folds_of,
    out_of_fold,
    recipe_scorer,
)
from models.boosters.hyperparameters import Recipe, with_changes
from models.dataset.examples import Examples
from models.dataset.splits import customer_folds, rolling_origin
from models.metrics.bootstrap import Interval, mean_interval


def scored(customer: list[str], y: list[int], p: list[float]) -> OutOfFold:
    return OutOfFold(np.array(customer, dtype=object), np.array(y, dtype=np.int8), np.array(p))


def test_development_rows_are_older_than_every_test_row(
    examples: Examples, window: LabelWindow
) -> None:
    judging = rolling_origin(examples.as_of, window, 2, 2)
    rows = development(examples, judging)
    assert 0 < len(rows) < len(examples)
    first_test = min(examples.as_of[fold.test].min() for fold in judging)
    ends = rows.as_of + np.timedelta64(window.lead_days + window.horizon_days, "D")
    assert (ends <= first_test).all()


def test_nothing_is_developed_where_everybody_is_tested(examples: Examples) -> None:
    with pytest.raises(GateError, match=r"training\.folds to 1"):
        development(examples, customer_folds(examples.customer_id, 3))


def test_folds_learn_from_other_customers_and_older_months(
    examples: Examples, window: LabelWindow, recipe: Recipe
) -> None:
    folds = folds_of(examples, window, recipe)
    assert len(folds) == 3
    span = np.timedelta64(window.lead_days + window.horizon_days, "D")
    for fold in folds:
        train, test = examples.take(fold.train), examples.take(fold.test)
        assert not set(train.customer_id) & set(test.customer_id)
        assert train.as_of.max() + span <= test.as_of.min()
    judged = np.sum([fold.test for fold in folds], axis=0)
    newest = examples.as_of >= np.datetime64("2023-10-01")
    np.testing.assert_array_equal(judged, newest.astype(int))


def test_a_single_date_is_judged_by_customer(
    examples: Examples, window: LabelWindow, recipe: Recipe
) -> None:
    one = examples.take(examples.as_of == examples.as_of[0])
    folds = folds_of(one, window, recipe)
    assert np.sum([fold.test for fold in folds], axis=0).tolist() == [1] * len(one)


def test_rows_out_of_fold_are_scored_by_what_did_not_see_them(examples: Examples) -> None:
    folds = customer_folds(examples.customer_id, 3)[:2]
    seen: list[tuple[int, float]] = []

    def make(train: Examples):
        rate = float(train.y.mean())
        return lambda rows: np.full(len(rows), rate)

    found = out_of_fold(examples, folds, make, lambda *told: seen.append(told))
    assert len(found.y) == folds[0].test.sum() + folds[1].test.sum()
    rates = {float(examples.y[fold.train].mean()) for fold in folds}
    assert set(found.p.tolist()) == rates
    assert [number for number, _ in seen] == [0, 1]
    assert seen[1][1] == pytest.approx(found.log_loss)


def difference(candidate: OutOfFold, reference: OutOfFold) -> Interval:
    return mean_interval(candidate.losses - reference.losses, candidate.customer_id)


def test_an_interval_below_zero_needs_a_difference_over_many_customers() -> None:
    rng = np.random.default_rng(0)
    ids = [str(i) for i in range(2_000)]
    y = rng.integers(0, 2, 2_000)
    good = scored(ids, y, np.where(y == 1, 0.7, 0.3))
    bad = scored(ids, y, np.full(2_000, 0.5))
    gap = difference(good, bad)
    assert gap.value == pytest.approx(np.log(0.5) - np.log(0.7))
    assert gap.high < 0
    assert difference(bad, bad).value == difference(bad, bad).high == 0


def test_the_interval_is_that_of_customers_not_of_rows() -> None:
    rng = np.random.default_rng(1)
    y, p, q = rng.integers(0, 2, 400), rng.random(400), rng.random(400)
    ids = [str(i) for i in range(400)]
    once = difference(scored(ids, y, p), scored(ids, y, q))
    thrice = difference(
        scored(ids * 3, np.tile(y, 3), np.tile(p, 3)), scored(ids * 3, np.tile(y, 3), np.tile(q, 3))
    )
    assert thrice.value == pytest.approx(once.value)
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low)
    gap = scored(ids, y, p).losses - scored(ids, y, q).losses
    assert (once.high - once.low) / 2 == pytest.approx(1.96 * gap.std() / 20, rel=1e-3)


def test_every_challenger_scores_probabilities_and_is_repeatable(
    examples: Examples, recipe: Recipe
) -> None:
    quick = replace(recipe, seeds=(1,), max_rounds=20)
    for changes in CHALLENGERS.values():
        first, again = (
            recipe_scorer(examples, with_changes(quick, changes))(examples) for _ in range(2)
        )
        assert first.shape == (len(examples),)
        assert ((first > 0) & (first < 1)).all()
        np.testing.assert_array_equal(first, again)


def test_a_monotone_score_never_falls_with_an_irritation(
    examples: Examples, later: Examples, recipe: Recipe
) -> None:
    # The labels of high bills are turned round, so that a free model does fall.
    odd = np.where(examples.x[:, 0] > 0.7, 0, examples.y).astype(np.int8)
    turned = replace(examples, y=odd)
    signed = [i for i, sign in enumerate(examples.spec.signs) if sign == 1]
    assert signed == [0, 1]

    def worst_fall(monotone: bool) -> float:
        p = recipe_scorer(turned, with_changes(recipe, {"monotone": monotone}))
        falls = []
        for column in signed:
            steps = []
            for value in np.linspace(-3, 6, 19):
                x = later.x.copy(order="F")
                known = ~np.isnan(x[:, column])
                x[known, column] = value
                steps.append(p(replace(later, x=x))[known])
            falls.append(np.diff(steps, axis=0).min())
        return float(min(falls))

    assert worst_fall(False) < -0.01
    assert worst_fall(True) >= 0


def test_a_category_has_no_direction(frame: pd.DataFrame, examples: Examples) -> None:
    columns = tuple(replace(column, sign=1) for column in examples.spec.columns)
    kinds = [column.kind for column in columns]
    spec = replace(examples.spec, columns=columns)
    assert spec.signs == tuple(1 if kind == "number" else 0 for kind in kinds)


def test_a_changed_learning_rate_changes_the_patience(recipe: Recipe) -> None:
    found = with_changes(recipe, {"learning_rate": 0.1, "num_leaves": 7})
    assert (found.learning_rate, found.num_leaves, found.patience) == (0.1, 7, 20)
    assert with_changes(recipe, {"num_leaves": 7}).patience == recipe.patience
    assert "monotone_constraints" not in recipe.params(1, (1, 0))
