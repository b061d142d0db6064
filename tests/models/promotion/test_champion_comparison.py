import numpy as np
import pytest

from models.calibration.platt import Calibration
from models.churn.model import ChurnModel
from models.dataset.examples import Examples
from models.metrics.bootstrap import Rows
from models.promotion.evidence import log_loss_gain, top_overlap, weakest_seed_ratio

Y = np.array([1, 0, 0, 1], dtype=np.int8)
IDS = np.array(["a", "a", "b", "c"], dtype=object)


def test_gain_by_hand() -> None:
    ours, theirs = np.array([0.5, 0.5, 0.5, 0.5]), np.array([0.25, 0.5, 0.5, 0.25])
    gain = log_loss_gain(Rows(IDS, Y), ours, theirs)
    assert gain.value == pytest.approx(np.log(2) / 2)
    assert gain.low <= gain.value <= gain.high
    same = log_loss_gain(Rows(IDS, Y), ours, ours)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_the_paired_interval_is_far_narrower_than_two_apart() -> None:
    rng = np.random.default_rng(0)
    ids = np.repeat([f"{i:04d}" for i in range(2_000)], 3).astype(object)
    p = rng.uniform(0.01, 0.2, len(ids))
    y = (rng.random(len(ids)) < p).astype(np.int8)
    gain = log_loss_gain(Rows(ids, y), p, np.clip(p * 1.3, 0, 1))
    assert gain.low > 0
    assert gain.high - gain.low < 0.01


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.1])
def test_what_is_no_probability_has_no_loss(wrong: float) -> None:
    p = np.array([0.5, wrong, 0.5, 0.5])
    assert np.isnan(log_loss_gain(Rows(IDS, Y), p, np.full(4, 0.5)).value)
    assert np.isnan(log_loss_gain(Rows(IDS, Y), p, np.full(4, 0.5)).high)


def test_overlap_by_hand() -> None:
    first = np.arange(20.0)
    other = first.copy()
    other[0] = 18.5
    assert top_overlap(first, first) == 1
    assert top_overlap(first, other) == pytest.approx(1 / 3)
    assert top_overlap(first, -first) == 0
    assert np.isnan(top_overlap(first, np.where(first == 3, np.nan, first)))
    assert np.isnan(top_overlap(np.empty(0), np.empty(0)))


def test_a_broken_seed_shows(model: ChurnModel, later: Examples) -> None:
    assert weakest_seed_ratio(model, later.x, later.y) > 0.8
    text = model.boosters[1].model_to_string()
    lines = [
        "leaf_value=" + " ".join("0" for _ in line.split())
        if line.startswith("leaf_value")
        else line
        for line in text.splitlines()
    ]
    broken = type(model.boosters[1])(model_str="\n".join(lines).replace("tree_sizes", "was"))
    bag = ChurnModel((model.boosters[0], broken), Calibration(), model.spec)
    assert weakest_seed_ratio(bag, later.x, later.y) == 0
