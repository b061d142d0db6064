"""Learning from a company that acts on its lists: by hand, against the truth, and the proof."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.errors import GateError
from features.timeline import month_starts
from models.causal.propensity import treatment_bands
from models.causal.treated_rows import Exposure, select_untreated, untreated_until
from models.churn.fit import fit
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, learn_spec
from models.dataset.histories import NEVER
from models.explain.shap_values import by_driver, global_importance

END = 104


def exposure(ended, treated, held_out=None):
    days = [np.array([NEVER if d is None else d for d in one]) for one in (ended, treated)]
    held = np.full(len(ended), NEVER) if held_out is None else np.array(held_out)
    return Exposure(days[0], days[1], held, END)


def names(count):
    return np.array([f"{i:05d}" for i in range(count)], dtype=object)


def test_treated_is_who_was_reached_before_the_window_or_the_customer_ended():
    seen = exposure([None, None, 50, 50, 50, 200], [103, 104, 49, 50, 51, 150])
    assert seen.treated.tolist() == [True, False, True, False, False, False]
    assert seen.last_day.tolist() == [104, 104, 50, 50, 50, 104]


def test_the_chance_to_stay_untreated_by_hand():
    """Five at risk, one treated on day 10; one leaves on day 20; of three, one treated on 30."""
    seen = exposure([None, 20, None, None, None], [10, None, 30, None, None])
    chance = untreated_until(seen, np.zeros(5, dtype=int))
    left = 4 / 5 * 2 / 3
    np.testing.assert_allclose(chance, [left, 4 / 5, left, left, left])
    apart = untreated_until(seen, np.array([0, 1, 1, 1, 1]))
    np.testing.assert_allclose(apart, [0, 1, 2 / 3, 2 / 3, 2 / 3])


def test_rare_treatment_is_left_out_and_nothing_else_changes():
    seen = exposure([None] * 100, [5] + [None] * 99)
    y = np.array([0] * 50 + [1] * 50, dtype=np.int8)
    fair = select_untreated("exclude_treated", seen, y, names(100), np.zeros(100, dtype=int))
    assert fair.rows.tolist() == list(range(1, 100))
    assert (fair.how, fair.treated, fair.largest_weight) == ("exclude_treated", 1, 1.0)
    assert (fair.effective_rows, fair.effective_leavers) == (99, 50)
    kept = select_untreated("ignore", seen, y, names(100), np.zeros(100, dtype=int))
    assert kept.rows.tolist() == list(range(100))


def test_where_treatment_is_common_the_untreated_count_for_the_treated():
    seen = exposure([None] * 1000, [5] * 500 + [None] * 500)
    y = np.array([0] * 500 + [1] * 250 + [0] * 250, dtype=np.int8)
    fair = select_untreated("exclude_treated", seen, y, names(1000), np.zeros(1000, dtype=int))
    assert fair.how == "weight"
    assert fair.largest_weight == pytest.approx(2)
    counts = np.bincount(fair.rows, minlength=1000)
    assert (counts[:500] == 0).all()
    assert (counts[500:] == 2).all()
    assert (fair.effective_rows, fair.effective_leavers) == (500, 250)


def test_who_was_like_nobody_untreated_is_told():
    seen = exposure([None] * 300, [5] * 100 + [None] * 200)
    y = np.array([0] * 100 + [1] * 200, dtype=np.int8)
    bands = np.array([1] * 100 + [0] * 200)
    fair = select_untreated("weight", seen, y, names(300), bands)
    assert fair.unmatched == 100
    assert set(fair.rows) == set(range(100, 300))


def test_too_few_leavers_left_alone_close_the_gate():
    seen = exposure([None] * 100, [5] * 90 + [None] * 10)
    y = np.ones(100, dtype=np.int8)
    with pytest.raises(GateError, match=r"90 of 100 rows were treated.*Hold out more"):
        select_untreated("exclude_treated", seen, y, names(100), np.zeros(100, dtype=int))


def test_weights_undo_that_early_leavers_cannot_be_treated():
    """Treatment by chance and without effect: the rate among the untreated is too high as is."""
    rng = np.random.default_rng(0)
    ended, treated = rng.exponential(300, 40_000), rng.exponential(100, 40_000)
    seen = Exposure(ended.astype(int), treated.astype(int), np.full(40_000, NEVER), END)
    y = (seen.ended_after < END).astype(np.int8)
    fair = select_untreated("weight", seen, y, names(40_000), np.zeros(40_000, dtype=int))
    assert y[~seen.treated].mean() > y.mean() + 0.1
    assert y[fair.rows].mean() == pytest.approx(y.mean(), abs=0.01)
    assert fair.effective_rows < (~seen.treated).sum()


COLUMNS = (
    FeatureColumn("case", "number", "unresolved_case", "support_wait", 1, "max(case)"),
    FeatureColumn("bill", "number", "bill_shock", "billing_friction", 1, "max(bill)"),
    FeatureColumn("noise", "number", "tenure", "relationship", 0, "random()"),
)


def acted_on(seed=0, customers=3_000, treat=0.85, effect=-2.5):
    """Monthly rows of a company that calls those with an open case, and the chances uncalled."""
    rng = np.random.default_rng(seed)
    days = np.array(month_starts(date(2023, 1, 1), date(2023, 10, 1)), dtype="datetime64[D]")
    rows = customers * len(days)
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat(names(customers), len(days)),
            "as_of": np.tile(days, customers),
            "product_line": "power",
            "case": (rng.random(rows) < 0.15).astype("float32"),
            "bill": rng.normal(size=rows).astype("float32"),
            "noise": rng.normal(size=rows).astype("float32"),
        }
    )
    listed = frame["case"].to_numpy() == 1
    held_out = np.repeat(rng.random(customers) > treat, len(days))
    called = np.where(listed & ~held_out, rng.integers(0, 20, rows), NEVER)
    daily = np.exp(-7.9 + 2.2 * listed + 0.5 * frame["bill"].to_numpy())
    quiet = rng.exponential(1 / daily)
    calmed = called + rng.exponential(1 / (daily * np.exp(effect)))
    day = np.where(quiet < called, quiet, calmed).astype(np.int64)
    seen = Exposure(day, called, np.where(listed & held_out, 0, NEVER), END)
    frame["label"] = ((day >= 14) & (day < END)).astype(int)
    keep = day >= 14
    seen = Exposure(day[keep], called[keep], seen.held_out_after[keep], END)
    truth = 1 - np.exp(-daily * (END - 14))
    return frame[keep].reset_index(drop=True), seen, truth[keep]


def test_naive_retraining_forgets_the_driver_that_the_list_works_on_and_ours_does_not(recipe):
    frame, seen, truth = acted_on()
    examples = Examples.build(frame, learn_spec(COLUMNS, frame), frame["label"])
    bands = treatment_bands(examples, seen.treated, threads=1)
    fair = select_untreated("exclude_treated", seen, examples.y, examples.customer_id, bands)
    assert fair.how == "weight"
    members = examples.x[:, 0] == 1
    recipe = replace(recipe, seeds=(1,))
    found = {}
    for name, rows in (("naive", np.arange(len(examples))), ("ours", fair.rows)):
        model, _ = fit(examples.take(rows), recipe)
        drivers = global_importance(by_driver(model.contributions(examples.x[::10]), model.spec))
        predicted = float(model.probability(examples.x[members]).mean())
        found[name] = (drivers.index[0], predicted / truth[members].mean())
    assert found["naive"][0] == "bill_shock"
    assert found["naive"][1] < 0.4
    assert found["ours"][0] == "unresolved_case"
    assert found["ours"][1] == pytest.approx(1, abs=0.2)


def test_nobodys_own_treatment_decides_the_band():
    frame, seen, _ = acted_on(customers=600)
    examples = Examples.build(frame, learn_spec(COLUMNS, frame), frame["label"])
    bands = treatment_bands(examples, seen.treated, threads=1)
    one = np.flatnonzero(seen.treated)[0]
    own = examples.customer_id == examples.customer_id[one]
    changed = np.where(own, ~seen.treated, seen.treated)
    again = treatment_bands(examples, changed, threads=1)
    assert (bands[own] == again[own]).all()
    shares = [seen.treated[bands == band].mean() for band in np.unique(bands)]
    assert shares[-1] > 0.5
    assert shares[0] < 0.05
    few = np.zeros(len(examples), dtype=bool)
    few[:20] = True
    assert (treatment_bands(examples, few) == 0).all()
