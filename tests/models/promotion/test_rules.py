from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
from evidence import CARD, GOOD, LOGISTIC, RIVAL

from models.metrics.bootstrap import Interval
from models.promotion.evidence import ChampionComparison
from models.promotion.verdict import Verdict, verdict


def failed(found: Verdict) -> set[str]:
    return set(found.failed)


def carded(**metrics: Interval) -> dict[str, Any]:
    return {"card": {**CARD, **metrics}}


def rivalled(**changes: Any) -> dict[str, Any]:
    return {"rival": replace(RIVAL, **changes)}


def beside(gain: Interval) -> dict[str, Any]:
    return {"baselines": (replace(LOGISTIC, gain=gain),)}


def test_a_good_model_is_promoted_with_and_without_a_champion() -> None:
    assert verdict(GOOD).promote
    assert verdict(replace(GOOD, rival=None)).promote


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"leak": "planted"}, "no_leak"),
        (carded(auc=Interval(0.55, 0.50, 0.6)), "ranks"),
        (carded(auc=Interval(nan, nan, nan)), "ranks"),
        ({"base_log_loss": 0.10}, "beats_base_rate"),
        ({"base_log_loss": nan}, "beats_base_rate"),
        (carded(calibration_slope=Interval(0.79, 0.6, 0.98)), "calibration_slope"),
        (carded(calibration_slope=Interval(1.26, 1.1, 1.5)), "calibration_slope"),
        (carded(calibration_slope=Interval(inf, -inf, inf)), "calibration_slope"),
        ({"slopes": {"power": Interval(1.6, 1.26, 1.9)}}, "calibration_slope:power"),
        ({"slopes": {"power": Interval(0.6, 0.4, 0.79)}}, "calibration_slope:power"),
        ({"slopes": {"power": Interval(nan, nan, nan)}}, "calibration_slope:power"),
        (carded(calibration_intercept=Interval(0.6, 0.4, 0.8)), "calibration_level"),
        (carded(calibration_intercept=Interval(-0.6, -0.8, -0.4)), "calibration_level"),
        ({"own_gain": Interval(-0.02, -0.03, -0.01)}, "as_judged"),
        ({"own_gain": Interval(nan, nan, nan)}, "as_judged"),
        ({"weakest_seed": 0.49}, "seeds"),
        ({"weakest_seed": nan}, "seeds"),
        ({"same_features": False}, "features"),
        ({"spread": {"price": 0.3, "channel": 0.0}}, "families"),
        ({"spread": {"price": 0.3}}, "families"),
        ({"spread": {"price": 0.3, "channel": nan}}, "families"),
        ({"spread": {}}, "families"),
        (rivalled(gain=Interval(-0.002, -0.003, -0.001)), "log_loss_gain"),
        (rivalled(gain=Interval(nan, nan, nan)), "log_loss_gain"),
        ({"anchor": replace(RIVAL, gain=Interval(-0.002, -0.003, -0.001))}, "anchor_gain"),
        ({"anchor": replace(RIVAL, gain=Interval(nan, nan, nan))}, "anchor_gain"),
        (beside(Interval(-0.01, -0.02, 0.0)), "baseline:logistic"),
        (beside(Interval(-0.0001, -0.0002, -0.00005)), "baseline:logistic"),
        (beside(Interval(nan, nan, nan)), "baseline:logistic"),
        (rivalled(profit=Interval(-2.0, -3.0, -1.0)), "profit_gain"),
        (rivalled(profit=Interval(nan, nan, nan)), "profit_gain"),
        (rivalled(overlap=0.69), "stable_top"),
        (rivalled(overlap=nan), "stable_top"),
    ],
)
def test_each_rule_refuses_alone(change: dict[str, Any], rule: str) -> None:
    found = verdict(replace(GOOD, **change))
    assert failed(found) == {rule}
    assert not found.promote
    assert found.rules[0].name == rule
    assert found.reasons[0] == found.rules[0].sentence != ""


@pytest.mark.parametrize("absent", sorted(CARD))
def test_an_absent_metric_refuses(absent: str) -> None:
    left = {name: value for name, value in CARD.items() if name != absent}
    assert not verdict(replace(GOOD, card=left)).promote


def test_a_champion_that_cannot_be_compared_refuses_and_says_why() -> None:
    found = verdict(replace(GOOD, rival=ChampionComparison(reason="its scores are gone")))
    assert failed(found) == {"log_loss_gain", "stable_top"}
    assert all("its scores are gone" in each for each in found.reasons[:2])
    assert [rule.value for rule in found.rules[:2]] == [None, None]


def test_a_product_line_is_refused_only_when_its_whole_interval_is_outside() -> None:
    assert verdict(replace(GOOD, slopes={"power": Interval(1.4, 1.24, 1.9)})).promote


def test_an_interval_that_covers_the_aim_excuses_slope_and_level() -> None:
    wide = carded(
        calibration_slope=Interval(1.5, 0.9, 2.1), calibration_intercept=Interval(0.7, -0.1, 1.5)
    )
    assert verdict(replace(GOOD, **wide)).promote


@pytest.mark.parametrize(
    "better", [{"gain": Interval(0.02, 0.01, 0.03)}, {"profit": Interval(20.0, 10.0, 30.0)}]
)
def test_a_gain_beyond_doubt_explains_another_top(better: dict[str, Any]) -> None:
    assert verdict(replace(GOOD, **rivalled(overlap=0.3, **better))).promote
    assert failed(verdict(replace(GOOD, **rivalled(overlap=nan, **better)))) == {"stable_top"}


def test_a_family_that_the_champion_does_not_hear_either_may_stay_silent() -> None:
    silent = {"price": 0.3, "channel": 0.0}
    assert verdict(replace(GOOD, spread=silent, **rivalled(spread=silent))).promote
    assert failed(verdict(replace(GOOD, spread=silent, rival=None))) == {"families"}
    assert failed(verdict(replace(GOOD, spread=silent, **rivalled(spread=None)))) == {"families"}


def test_no_rules_promote_nothing() -> None:
    assert not Verdict(()).promote
