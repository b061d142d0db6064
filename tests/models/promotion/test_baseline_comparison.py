"""A champion beats every baseline, or is equal to it and says so."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import log_loss, roc_auc_score

from models.dataset.array_types import Floats
from models.metrics.bootstrap import Interval, Rows
from models.promotion.evidence import BaselineComparison, compare_baselines

ROWS = 30_000
RNG = np.random.default_rng(12)
RISK = RNG.normal(size=ROWS)
Y = (RNG.random(ROWS) < expit(RISK - 3)).astype(np.int8)
IDS = np.repeat([f"{i:05d}" for i in range(ROWS // 3)], 3).astype(object)


def score(noise: float, seed: int = 1) -> Floats:
    """The risk behind noise, calibrated nearly: its slope falls as the noise grows."""
    seen = RISK + noise * np.random.default_rng(seed).normal(size=ROWS)
    return np.asarray(expit(seen / (1 + noise**2) - 3 + noise**2 / (2 + 2 * noise**2)))


def compared(**scores: Floats) -> dict[str, BaselineComparison]:
    return {each.name: each for each in compare_baselines(Rows(IDS, Y, 40), scores)}


def test_an_anniversary_rule_far_above_the_model_is_found_by_auc() -> None:
    model, rule = score(5.0), score(0.9)
    found = compared(model=model, next_date=rule)["next_date"]
    assert (found.measure, found.word) == ("AUC", "worse")
    assert found.gain.value == pytest.approx(roc_auc_score(Y, model) - roc_auc_score(Y, rule))
    assert found.gain.value < -0.1
    # Only the order of a rule counts: its level may be anything.
    assert compared(model=model, next_date=rule / 9)["next_date"].gain == found.gain


def test_a_logistic_regression_better_by_a_little_is_found_by_log_loss() -> None:
    model, logistic = score(0.2), score(0.05)
    assert roc_auc_score(Y, logistic) - roc_auc_score(Y, model) == pytest.approx(0.005, abs=0.002)
    found = compared(model=model, logistic=logistic)["logistic"]
    assert (found.measure, found.word) == ("log loss", "worse")
    assert found.gain.value == pytest.approx(log_loss(Y, logistic) - log_loss(Y, model))
    assert found.sentence.startswith(f"worse, log loss {found.model:.4f} against")
    assert compared(model=logistic, logistic=model)["logistic"].word == "better"


def test_what_no_list_would_notice_is_equal_and_says_so() -> None:
    model = score(0.2)
    near = expit(logit(model) + 0.05 * np.random.default_rng(4).normal(size=ROWS))
    found = compared(model=model, logistic=near, one_rule=model, next_date=near)
    # Paired: an AUC alone has an interval of about 0.02 here.
    assert 0 < found["next_date"].gain.high - found["next_date"].gain.low < 0.005
    assert {each.word for each in found.values()} == {"equal"}
    assert found["one_rule"].sentence.startswith("equal, log loss")


@pytest.mark.parametrize(
    ("gain", "word"),
    [
        (Interval(-0.0024, -0.0030, 0.0010), "equal"),
        (Interval(-0.0026, -0.0050, 0.0002), "worse"),
        # Below the margin, but by less than the standard error: a quarter of the interval.
        (Interval(-0.0040, -0.0140, 0.0060), "equal"),
        (Interval(-0.0060, -0.0160, 0.0040), "worse"),
        (Interval(-0.0010, -0.0020, -0.0001), "worse"),
        (Interval(0.0010, 0.0001, 0.0020), "better"),
        (Interval(0.0010, -0.0001, 0.0020), "equal"),
    ],
)
def test_the_word_by_margin_and_error(gain: Interval, word: str) -> None:
    assert BaselineComparison("logistic", "AUC", 0.7, 0.7, gain, 0.0025).word == word


def test_the_base_rate_has_a_rule_of_its_own() -> None:
    p = score(0.2)
    assert compared(model=p, base_rate=p) == {}
