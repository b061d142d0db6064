from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from features.errors import GateError
from models.boosters.hyperparameters import Recipe
from models.churn.bagging import Bag
from models.churn.fit import ShapeTrial, choose_mix, customer_groups, try_shape
from models.dataset.array_types import Floats
from models.dataset.examples import Examples
from models.metrics.logistic import fit_line

Judge = Callable[..., list[int]]


@pytest.fixture(scope="module")
def bag(examples: Examples, recipe: Recipe) -> Bag:
    return Bag.of(examples, replace(recipe, seeds=(1, 2, 3)))


@pytest.fixture
def grown(bag: Bag, recipe: Recipe) -> Judge:
    """How many of three boosters grow each shape, when the shapes said this."""

    def judge(*said: Floats) -> list[int]:
        trials = [ShapeTrial(recipe, (1,), 1, raw) for raw in said]
        chosen = choose_mix(bag, trials).grown
        return [sum(trial is each for each in chosen) for trial in trials]

    return judge


def test_the_shape_that_ranks_the_left_out_gets_all_boosters(bag: Bag, grown: Judge) -> None:
    rng = np.random.default_rng(2)
    good = bag.examples.y + rng.normal(size=len(bag.examples))
    poor = rng.normal(size=len(good))
    assert grown(good, poor, poor) == [3, 0, 0]
    assert grown(poor, good, poor) == [0, 3, 0]
    assert grown(poor, poor, good) == [0, 0, 3]


def test_shapes_that_err_apart_share_the_boosters(bag: Bag, grown: Judge) -> None:
    rng = np.random.default_rng(3)
    once, twice, thrice = (bag.examples.y + rng.normal(size=len(bag.examples)) for _ in range(3))
    assert 3 not in grown(once, twice)
    assert grown(once, twice, thrice) == [1, 1, 1]


def test_of_shapes_that_say_the_same_the_own_is_kept(bag: Bag, grown: Judge) -> None:
    raw = bag.examples.y + np.random.default_rng(4).normal(size=len(bag.examples))
    assert grown(raw, raw, raw) == [3, 0, 0]


def test_the_mix_is_calibrated_as_it_is_mixed(bag: Bag, recipe: Recipe) -> None:
    rng = np.random.default_rng(5)
    first, last = (bag.examples.y + rng.normal(size=len(bag.examples)) for _ in range(2))
    found = choose_mix(bag, [ShapeTrial(recipe, (1,), 1, raw) for raw in (first, last)])
    raw = np.mean([trial.raw for trial in found.grown], axis=0)
    z = found.calibration.log_odds(raw)
    intercept, slope = fit_line(z, bag.examples.y.astype(np.float64))
    assert (intercept, slope) == pytest.approx((0.0, 1.0), abs=0.01)


def test_customers_are_scored_by_boosters_without_them(examples: Examples, recipe: Recipe) -> None:
    """Whose labels a group's customers have makes no difference to its booster."""
    quick = replace(recipe, max_rounds=20, patience=20)
    folds = customer_groups(examples, quick)
    [here, *_] = (fold.test for fold in folds)
    y = examples.y.copy()
    y[here] = np.random.default_rng(6).permutation(y[here])
    turned = replace(examples, y=y)
    before, after = (
        [
            bag.train_with_early_stopping(quick, folds[0]).predict(
                each.x, raw_score=True, num_iteration=5
            )
        ]
        for each in (examples, turned)
        for bag in [Bag.of(each, quick)]
    )
    np.testing.assert_array_equal(before, after)
    found = try_shape(Bag.of(examples, quick), quick, folds, lambda _: None)
    assert found.raw.shape == (len(examples),)
    assert found.rounds == max(1, round(quick.refit * np.mean(found.best)))


def test_each_group_must_hold_enough_of_both(examples: Examples, recipe: Recipe) -> None:
    leavers = np.flatnonzero(examples.y == 1)[:30]
    few = examples.take(np.sort(np.concatenate([np.flatnonzero(examples.y == 0), leavers])))
    assert len(customer_groups(few, replace(recipe, min_positives=5))) == recipe.folds
    with pytest.raises(GateError, match=r"30 leavers among .* 2 groups of customers needs 20"):
        customer_groups(few, recipe)


def test_what_no_seed_got_is_not_binned(examples: Examples, recipe: Recipe) -> None:
    bag = Bag.of(examples, replace(recipe, seeds=(1, 2), negatives=1))
    leavers, stayers = int(examples.y.sum()), int((bag.examples.y == 0).sum())
    assert int(bag.examples.y.sum()) == leavers
    assert stayers == 2 * leavers < int((examples.y == 0).sum())
    for sample in bag.members:
        assert int(bag.examples.y[sample.rows].sum()) == leavers
        assert len(sample.rows) == 2 * leavers
    rate = examples.y.mean()
    assert bag.base == pytest.approx(np.log(rate / (1 - rate)))
