"""The metrics of a training run: few, of fixed names, and right."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.metrics.bootstrap import Rows
from models.metrics.by_subgroup import calibration_by_subgroup
from models.metrics.scorecard import scorecard
from pipelines.config.settings import load_settings
from pipelines.training.evaluation import auc_alarm, profit_card
from pipelines.training.result import METRICS, flat_metrics

NAMES = [
    "auc",
    "auc_low",
    "auc_high",
    "average_precision",
    "log_loss",
    "log_loss_low",
    "log_loss_high",
    "brier",
    "calibration_slope",
    "calibration_slope_low",
    "calibration_slope_high",
    "calibration_intercept",
    "calibration_error",
    "lift_at_1_pct",
    "lift_at_5_pct",
    "lift_at_10_pct",
    "recall_at_1_pct",
    "recall_at_5_pct",
    "recall_at_10_pct",
    "lift_at_10_pct_low",
    "lift_at_10_pct_high",
    "base_rate",
    "base_rate_log_loss",
    "one_rule_auc",
    "one_rule_log_loss",
    "logistic_auc",
    "logistic_log_loss",
    "price_only_auc",
    "price_only_log_loss",
    "unseen_auc",
    "unseen_auc_difference",
    "unseen_loss_difference",
    "staying_auc",
    "staying_log_loss",
    "profit_at_low_multiple",
    "profit_at_high_multiple",
    "profit_share_at_low_multiple",
    "profit_share_at_high_multiple",
]


def test_the_names_are_pinned_and_at_most_forty():
    assert list(METRICS) == NAMES
    assert len(METRICS) <= 40


def test_every_run_logs_all_that_can_be_measured(trained):
    found = flat_metrics(trained.evaluation)
    assert list(found) == NAMES


def test_each_is_of_the_check_that_it_is_named_after(trained):
    found, judged = flat_metrics(trained.evaluation), trained.evaluation
    assert found["unseen_auc"] == judged.unseen.unseen_auc
    assert found["unseen_auc_difference"] == judged.unseen.auc_difference.value
    last = judged.staying[-1]
    assert (last.months, found["staying_auc"]) == (5, last.card["auc"].value)
    assert found["profit_at_high_multiple"] >= found["profit_at_low_multiple"] > 0
    assert found["price_only_auc"] < found["auc"]


def test_every_interval_includes_the_swing_of_the_months_learned_from(demo, trained):
    judged, settings = trained.evaluation, load_settings(demo.config)
    test, p, shocks = judged.test, judged.scores["model"], judged.rows.shocks
    assert judged.rows.replicates == settings.training.bootstrap
    assert (shocks.swing >= 0.15, shocks.horizon_days) == (True, settings.label.horizon_days)
    card = scorecard(judged.rows, p)
    assert card == {name: judged.cards["model"][name] for name in card}
    alone = scorecard(replace(judged.rows, shocks=None), p)

    def width(interval):
        return interval.high - interval.low

    assert judged.parts[0].intercept == card["calibration_intercept"]
    for name in ("log_loss", "calibration_intercept"):
        assert width(card[name]) > 1.2 * width(alone[name])
    still = replace(shocks, swing=0.0)
    both = (Rows(test.customer_id, test.y, 50, each) for each in (shocks, still))
    by_swing = [calibration_by_subgroup(test, p, rows)[0].outcome.ratio for rows in both]
    assert width(by_swing[0]) > 1.2 * width(by_swing[1])


def test_without_economics_there_is_no_profit_and_all_else_stays(demo, trained):
    judged = trained.evaluation
    rows, p = replace(judged.rows, replicates=0), judged.scores["model"]
    card = scorecard(rows, p) | profit_card(rows, p, ())
    assert not [name for name in card if name.startswith("profit")]
    assert card["auc"].value == judged.cards["model"]["auc"].value


def test_profit_is_that_of_the_team_s_calls_by_hand(demo, trained):
    """400 calls a night: 2,400 minutes at 6, the middle length in configs/actions.yaml."""
    judged, given = trained.evaluation, load_settings(demo.config).economics
    test, p = judged.test, judged.scores["model"]
    assert ((test.margin > 0) & (test.margin < 1e7)).all()
    assert 0.05 < test.asleep.mean() < 0.9
    rows = pd.DataFrame({"day": test.as_of, "line": test.product_line, "p": p, "y": test.y})
    rows["sleeps"] = test.asleep
    rate = (
        np.log(1.08) - np.log(1 - rows.groupby(["day", "line"])["p"].transform("mean")) * 365 / 90
    )
    value = test.margin / 100 * (1 - np.exp(-given.years * rate)) / rate
    rows["value"] = value.clip(lower=4 * (given.contact_cost + given.offer_cost))
    total = called = 0
    for _, night in rows.groupby("day"):
        stays, sleeps = 1 - night["p"], night["sleeps"]
        woken = sleeps * given.woken_share * stays.sum() / stays[sleeps].sum()
        assert woken.max() < 1
        saved = given.saved_share * (night["value"] - given.offer_cost)
        lost = woken * night["value"] + given.offer_taken_by_stayers * given.offer_cost
        promised = night["p"] * saved - stays * lost - given.contact_cost
        chosen = promised[promised > 0].nlargest(400).index
        gain = night["y"] * saved - (1 - night["y"]) * lost - given.contact_cost
        total, called = total + gain[chosen].sum(), called + len(chosen)
    card = judged.cards["model"]
    assert card["profit_at_low_multiple"].value == pytest.approx(total / len(rows), rel=1e-3)
    assert card["profit_share_at_low_multiple"].value == pytest.approx(called / len(rows), rel=1e-3)


def test_only_for_a_single_date_a_person_answers_for_the_model_s_own_auc(demo):
    settings = load_settings(demo.config)
    overrides = {"single_date": "counted in the year before"}
    training = settings.training.model_copy(update={"leak_override": overrides})
    answered = settings.model_copy(update={"training": training})
    one, more = SimpleNamespace(single_date=True), SimpleNamespace(single_date=False)
    found = [auc_alarm(s, examples) for s in (settings, answered) for examples in (one, more)]
    assert found == [0.85, 0.85, 1.0, 0.85]
