"""Non-inferiority: proved not worse by more than a margin, than the champion and the year's best.

The simulated years need no fitting: a model is a score of known AUC, calibrated by construction.
"""

from dataclasses import replace

import numpy as np
import pytest
from evidence import GOOD, RIVAL
from scipy.special import expit, logit
from scipy.stats import norm

from models.dataset.array_types import Floats
from models.metrics.bootstrap import Interval, Rows
from models.metrics.logistic import base_rate_loss, log_losses
from models.promotion.evidence import MARGIN, ChampionComparison, log_loss_gain
from models.promotion.rules import Rule
from models.promotion.verdict import against_champions, error_of

LEAVES, BEST = 0.03, 0.80


class Window:
    """Test rows and scores of any AUC below 0.80; a model has 3 % of its noise alone."""

    def __init__(self, leavers: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows = int(leavers / LEAVES)
        self.ids = np.arange(rows).astype(str).astype(object)
        self.y = (rng.random(rows) < LEAVES).astype(np.int8)
        self.signal = norm.ppf(BEST) * np.sqrt(2) * self.y + rng.normal(size=rows)
        self.common = rng.normal(size=rows)

    def score(self, model: tuple[float, int]) -> Floats:
        """Binormal: the posterior of a signal N(d, 1) for leavers, N(0, 1) for stayers."""
        auc, seed = model
        best, d = (norm.ppf(each) * np.sqrt(2) for each in (BEST, auc))
        own = np.random.default_rng(seed).normal(size=len(self.y))
        noise = np.sqrt(0.97) * self.common + np.sqrt(0.03) * own
        x = (self.signal + np.sqrt((best / d) ** 2 - 1) * noise) * d / best
        return np.asarray(expit(logit(LEAVES) + d * x - d**2 / 2), dtype=np.float64)

    def comparison(
        self, challenger: tuple[float, int], champion: tuple[float, int], looks: int
    ) -> ChampionComparison:
        ours, theirs = self.score(challenger), self.score(champion)
        gain = log_loss_gain(Rows(self.ids, self.y), ours, theirs, error_of(looks))
        worth = base_rate_loss(self.y) - float(log_losses(self.y, theirs).mean())
        rows, left = len(self.y), int(self.y.sum())
        return ChampionComparison("churn/1", rows, left, gain, worth, overlap=1.0)


def year(seed: int, leavers: int, step: float, fixed: bool = False, looks: int = 0) -> list[float]:
    """The champion's AUC week by week; rows are new every four weeks, as months are.

    A challenger's AUC is ``step`` above the champion's, or with ``fixed`` above 0.759.
    """
    champions = [(0.759, seed)]
    course = []
    for week in range(1, 53):
        if week % 4 == 1:
            window = Window(leavers, seed + week)
        challenger = ((0.759 if fixed else champions[-1][0]) + step, seed + 1000 + week)
        count = min(week + looks, 52)
        rival, *others = (
            window.comparison(challenger, each, count) for each in reversed(champions)
        )
        anchor = min(others, key=lambda each: each.gain.value, default=None)
        evidence = replace(GOOD, rival=rival, anchor=anchor, looks=count)
        if all(rule.passed for rule in against_champions(evidence)):
            champions.append(challenger)
        course.append(champions[-1][0])
    return course


def rules_of(**changes: object) -> dict[str, Rule]:
    return {rule.name: rule for rule in against_champions(replace(GOOD, **changes))}


def test_a_year_of_slightly_worse_challengers_costs_next_to_nothing() -> None:
    lost = [0.759 - year(seed, 200, -0.0015)[-1] for seed in (70_000, 80_000, 90_000)]
    assert max(lost) <= 0.005


def test_the_anchor_ends_a_creep_of_steps_within_the_margin() -> None:
    lost = 0.759 - year(70_000, 2_000, -0.0008)[-1]
    assert 0 < lost <= 0.005


@pytest.mark.parametrize("looks", [0, 51])
def test_a_truly_better_challenger_is_champion_within_weeks(looks: int) -> None:
    courses = [year(seed, 500, 0.01, fixed=True, looks=looks)[11] for seed in (71_000, 81_000)]
    assert courses == [pytest.approx(0.769)] * 2


def test_the_low_end_must_be_above_minus_the_margin() -> None:
    margin = MARGIN * RIVAL.worth
    passing = replace(RIVAL, gain=Interval(0.0, -margin, margin))
    assert rules_of(rival=passing)["log_loss_gain"].passed
    below = replace(RIVAL, gain=Interval(-1e-6, -1e-6 - margin, margin - 1e-6))
    refused = rules_of(rival=below)["log_loss_gain"]
    assert (refused.passed, refused.low) == (False, pytest.approx(-margin))
    assert "too few" not in refused.sentence


def test_without_power_the_sentence_says_how_many_leavers_are_needed() -> None:
    # An interval twice as wide as the margin takes four times the leavers: 300 more than 100.
    wide = replace(RIVAL, leavers=100, worth=0.04, gain=Interval(0.0015, -0.0005, 0.0035))
    refused = rules_of(rival=wide)["log_loss_gain"]
    assert refused.value is not None
    assert refused.low is not None
    assert refused.value > refused.low
    assert not refused.passed
    assert "100 left, and about 300 more are needed" in refused.sentence
    better = replace(wide, gain=Interval(0.0025, 0.0005, 0.0045))
    assert rules_of(rival=better)["log_loss_gain"].passed
    useless = replace(wide, worth=-0.01, gain=Interval(0.0, -1e-6, 1e-6))
    sentence = rules_of(rival=useless)["log_loss_gain"].sentence
    assert "only a better model can pass" in sentence


def test_the_anchor_has_a_rule_of_its_own() -> None:
    worse = replace(RIVAL, label="churn/7", gain=Interval(-0.01, -0.011, -0.009))
    found = rules_of(anchor=worse)
    assert found["log_loss_gain"].passed
    assert not found["anchor_gain"].passed
    assert found["anchor_gain"].sentence.startswith("The year's best champion is churn/7.")
    assert "anchor_gain" not in rules_of(anchor=None)


def test_each_challenger_of_a_year_gets_its_part_of_the_error() -> None:
    assert error_of(0) == error_of(1) == 0.05
    assert 52 * error_of(52) == pytest.approx(0.05)
    assert "99.90% confidence as challenger 50" in rules_of(looks=50)["log_loss_gain"].sentence


BROKEN = {"calibration_slope": Interval(1.0, 0.9, 1.1)}


@pytest.mark.parametrize(
    "card",
    [
        {**BROKEN, "calibration_intercept": Interval(-0.8, -0.9, -0.7)},
        {
            "calibration_slope": Interval(0.5, 0.4, 0.6),
            "calibration_intercept": Interval(0.0, -0.1, 0.1),
        },
    ],
)
def test_a_broken_champion_can_be_replaced_without_power(card: dict[str, Interval]) -> None:
    wide = replace(RIVAL, gain=Interval(0.0, -0.5, 0.5))
    assert not rules_of(rival=wide, anchor=wide)["log_loss_gain"].passed
    found = rules_of(rival=replace(wide, card=card), anchor=wide)
    assert found["log_loss_gain"].passed
    assert found["anchor_gain"].passed
    assert "level or slope fails" in found["log_loss_gain"].sentence
    worse = replace(wide, card=card, gain=Interval(-0.1, -0.5, 0.3))
    assert not rules_of(rival=worse)["log_loss_gain"].passed
    sound = {**BROKEN, "calibration_intercept": Interval(0.1, -0.1, 0.3)}
    assert not rules_of(rival=replace(wide, card=sound))["log_loss_gain"].passed


def test_the_first_champion_has_nothing_to_be_compared_with() -> None:
    found = rules_of(rival=None)
    assert [(rule.name, rule.passed) for rule in found.values()] == [("against_champion", True)]
