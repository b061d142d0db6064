"""Learning from a company that acts on its lists: by hand, against the truth, and the proof."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.errors import GateError
from features.timeline import month_starts
from models.causal.lot import exposure_of, weigh_lot
from models.causal.treated_rows import select_untreated
from models.churn.fit import fit
from models.dataset.examples import Examples
from models.dataset.exposure import NEVER, Exposure, no_hazard
from models.dataset.feature_spec import FeatureColumn, learn_spec
from models.explain.shap_values import by_driver, global_importance

END = 104


def names(count):
    return np.array([f"{i:05d}" for i in range(count)], dtype=object)


def drawn(treated, spared, others, stands_for):
    """Rows of which the first were treated on day 5, the next spared on it, the last neither."""
    size = treated + spared + others
    at = np.arange(size)
    return replace(
        Exposure.untreated(np.full(size, NEVER)),
        treated_after=np.where(at < treated, 5, NEVER),
        held_out_after=np.where((at >= treated) & (at < treated + spared), 5, NEVER),
        held_out_for=np.full(size, stands_for),
        by_lot=at < treated,
    )


def test_the_spared_count_for_the_treated_by_hand():
    y = np.array([0] * 40 + [1] * 10 + [0, 1] * 100, dtype=np.int8)
    fair = select_untreated(drawn(40, 10, 200, 5.0), END, y)
    counts = np.bincount(fair.rows, minlength=250)
    assert counts.tolist() == [0] * 40 + [5] * 10 + [1] * 200
    assert (fair.treated, fair.held_out, fair.without_lot) == (40, 10, 0)
    assert (fair.held_out_weight, fair.largest_weight) == (5, 5)
    assert fair.effective_rows == pytest.approx(250**2 / (10 * 25 + 200))
    assert fair.effective_leavers == pytest.approx(150**2 / (10 * 25 + 100))


def test_where_nobody_was_treated_every_row_counts_once():
    y = np.zeros(50, dtype=np.int8)
    fair = select_untreated(Exposure.untreated(np.full(50, NEVER)), END, y)
    assert fair.rows.tolist() == list(range(50))
    assert (fair.treated, fair.held_out, fair.largest_weight) == (0, 0, 1)


def test_a_weight_that_is_not_whole_is_kept_over_the_rows():
    y = np.array([0] * 60 + [0, 1] * 20 + [1] * 100, dtype=np.int8)
    fair = select_untreated(drawn(60, 40, 100, 2.5), END, y)
    counts = np.bincount(fair.rows, minlength=200)
    assert set(counts[60:100]) == {2, 3}
    assert counts[60:100][::2].sum() == counts[60:100][1::2].sum() == 50


def test_too_few_leavers_left_alone_close_the_gate():
    y = np.ones(100, dtype=np.int8)
    with pytest.raises(GateError, match=r"90 of 100 rows were treated.*Hold out more"):
        select_untreated(drawn(90, 10, 0, 1.0), END, y)


def acting_company(seed, customers=12_000, nightly=30, held_out=0.5, cooldown=90):
    """Monthly rows of a company that calls whom it finds most at risk each night, for nothing.

    Also the days of treatment and of the lot, and each row's risk at its as-of date.
    """
    rng, days = np.random.default_rng(seed), 510
    risk, spared = rng.normal(0, 0.8, customers), rng.random(customers) < held_out
    ended, called, rows, marks = np.full(customers, NEVER), np.full(customers, -NEVER), [], []
    for day in range(days):
        here = ended == NEVER
        if day % 30 == 0:
            rows.append(np.column_stack([np.flatnonzero(here), np.full(here.sum(), day)]))
            rows[-1] = np.column_stack([rows[-1], np.rint(1_000 * risk[here]).astype(int)])
        free = np.flatnonzero(here & ~spared & (day - called >= cooldown))
        now = free[np.argsort(-risk[free])[:nightly]]
        instead = np.flatnonzero(here & spared & (risk >= risk[now[-1]]))
        called[now] = day
        marks += [(who, day, True) for who in now] + [(who, day, False) for who in instead]
        ended[here & (rng.random(customers) < np.exp(-8 + risk))] = day
        risk = 0.985 * risk + rng.normal(0, 0.8 * np.sqrt(1 - 0.985**2), customers)
        risk += 1.5 * (rng.random(customers) < 1 / 250)
    frame = pd.DataFrame(np.concatenate(rows), columns=["customer", "day", "risk"])
    frame = frame[frame["day"] <= days - END].assign(ended=lambda f: ended[f["customer"]])
    frame["ended"] = np.where(frame["ended"] < NEVER, frame["ended"] - frame["day"], NEVER)
    record = pd.DataFrame(marks, columns=["customer", "day", "treated"]).assign(by_lot=True)
    for table in (frame, record):
        table["customer_id"] = table["customer"].map("{:05d}".format)
    start = pd.Timestamp("2023-01-01")
    record["day"] = start + pd.to_timedelta(record["day"], unit="D")
    return frame.assign(as_of=start + pd.to_timedelta(frame["day"], unit="D")), record


def test_a_list_by_current_risk_biases_neither_the_level_nor_the_riskiest():
    """Contact does nothing, so all rows tell the truth, which the lot must find without them."""
    found = pd.DataFrame([off_by_the_lot(seed) for seed in (5, 6, 7)]).mean()
    assert 0.3 < found["treated"] < 0.4
    np.testing.assert_allclose(found[["level", "top"]], 0, atol=0.03)
    assert found["weight"] == pytest.approx(1, abs=0.01)
    assert found["weight without cooldown"] < 0.85


def off_by_the_lot(seed):
    """How far from all rows' share of leavers the rows learned from are, and those at most risk."""
    frame, record = acting_company(seed)
    ids, as_of = frame["customer_id"].to_numpy(object), frame["as_of"].to_numpy("datetime64[D]")
    ended = frame["ended"].to_numpy()
    y = (ended < END).astype(np.int8)
    top = frame.groupby("day")["risk"].rank(pct=True).gt(0.9).to_numpy()
    seen, hasty = (exposure_of(ids, as_of, ended, weigh_lot(record, rest)) for rest in (90, 0))
    fair = select_untreated(seen, END, y).rows
    return {
        "treated": np.mean(seen.treated_after < seen.until(END)),
        "level": y[fair].mean() / y.mean() - 1,
        "top": y[fair[top[fair]]].mean() / y[top].mean() - 1,
        "weight": seen.weights(END).mean(),
        "weight without cooldown": hasty.weights(END).mean(),
    }


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
    frame["label"] = ((day >= 14) & (day < END)).astype(int)
    keep = day >= 14
    spared = np.where(listed & held_out, 0, NEVER)[keep]
    stands_for = np.full(len(spared), 1 / (1 - treat))
    drawn = np.ones(len(spared), dtype=bool)
    seen = Exposure(day[keep], called[keep], drawn, spared, stands_for, no_hazard(len(spared)))
    truth = 1 - np.exp(-daily * (END - 14))
    return frame[keep].reset_index(drop=True), seen, truth[keep]


def test_naive_retraining_forgets_the_driver_that_the_list_works_on_and_ours_does_not(recipe):
    frame, seen, truth = acted_on()
    examples = Examples.build(frame, learn_spec(COLUMNS, frame), frame["label"])
    fair = select_untreated(seen, END, examples.y)
    assert fair.treated > 1_000
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
