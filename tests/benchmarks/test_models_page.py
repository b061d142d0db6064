"""The benchmark page shows what was measured, says what was not, and judges the goals by it."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks.models.page import page
from benchmarks.models.paired import Scored, difference, drawn
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureSpec


def standings(gap_auc, gap_loss):
    shared = {"folds": 2, "train_rows": 9_000, "test_rows": 1_000, "cpu": 2.0}
    ours = {"rival": "recipe", **shared, "auc": 0.7 + gap_auc, "log_loss": 0.3 + gap_loss}
    theirs = [
        {
            "rival": rival,
            **shared,
            "auc": 0.7,
            "log_loss": 0.3,
            "auc_difference": [gap_auc, gap_auc - 0.01, gap_auc + 0.01],
            "log_loss_difference": [gap_loss, gap_loss, gap_loss],
            "won": 2,
        }
        for rival in ("LightGBM defaults", "XGBoost")
    ]
    return [ours, *theirs]


def test_goals_follow_the_differences():
    good = {"a": {"contest": standings(0.02, -0.001)}, "b": {"contest": standings(0.011, 0.0)}}
    text = page(good)
    assert "LightGBM's defaults on two sets: yes (2)" in text
    assert "below them: yes" in text
    assert "never worse: yes" in text
    assert "The second best is b: +0.0110 (+0.0010 to +0.0210)." in text
    assert "of the best: yes" in text
    shown = "| +0.0200 (+0.0100 to +0.0300) | 2 of 2 | -0.0010 (-0.0010 to -0.0010) |"
    assert shown in text
    mixed = page({**good, "c": {"contest": standings(-0.002, 0.001)}})
    assert "below them: **no**" in mixed
    assert "never worse: **no**" in mixed
    gap = "-0.0020 (-0.0120 to +0.0080)"
    assert f"| c | {gap} | +0.0010 (+0.0010 to +0.0010) | {gap} |" in mixed


def test_what_is_not_measured_is_not_shown_as_reached():
    text = page({"a": {}})
    assert "### a\n\nNot measured on this machine." in text
    assert "two sets: **no** (0)" in text
    assert "below them: **no**" in text
    assert "never worse: **no**" in text


def test_other_bytes_are_seen():
    same = {"once": "ab", "again": "ab", "two threads": "ab", "rows shuffled": "ab"}
    assert "| yes |" in page({"a": {"bytes": same}})
    assert "| **no** |" in page({"a": {"bytes": {**same, "two threads": "cd"}}})


def scored_by_two(customers, seed):
    """Each customer's one row, its leaving decided by a score of which ``p`` is a blurred copy."""
    rng = np.random.default_rng(seed)
    score = rng.normal(-1, 1, customers)
    y = (rng.random(customers) < 1 / (1 + np.exp(-score))).astype(np.int8)
    names = np.array([f"{number:05d}" for number in range(customers)], dtype=object)
    nothing = np.zeros((customers, 0), dtype=np.float32)
    days = np.full(customers, np.datetime64("2024-01-01"))
    examples = Examples(names, days, names, nothing, y, FeatureSpec(()), score, y > 1)
    blurred = score + rng.normal(0, 1.5, customers)
    return examples, 1 / (1 + np.exp(-score)), 1 / (1 + np.exp(-blurred))


def test_a_difference_is_that_of_the_folds_means_and_sees_who_is_better():
    examples, better, worse = scored_by_two(1_500, 1)
    halves = np.arange(0, 1_500, 2), np.arange(1, 1_500, 2)
    ours = [Scored(rows, better[rows]) for rows in halves]
    theirs = [Scored(rows, worse[rows]) for rows in halves]
    found = [*difference(drawn(examples, ours), drawn(examples, theirs)).values()]
    for (value, low, high), measure in zip(found, (roc_auc_score, log_loss), strict=True):
        each = [
            measure(examples.y[rows], better[rows]) - measure(examples.y[rows], worse[rows])
            for rows in halves
        ]
        assert value == pytest.approx(np.mean(each))
        assert low < value < high
    assert found[0][1] > 0
    assert found[1][2] < 0


def test_repeats_of_the_same_folds_do_not_make_the_interval_narrower():
    examples, better, worse = scored_by_two(600, 2)
    every = np.arange(600)
    ours, theirs = Scored(every, better), Scored(every, worse)
    once, often = (drawn(examples, [ours] * n) - drawn(examples, [theirs] * n) for n in (1, 5))
    np.testing.assert_allclose(often, once)
