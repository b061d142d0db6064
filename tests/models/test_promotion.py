import pytest

from models.leaks import LeakWarning
from models.promotion import verdict

GOOD = {"log_loss": 0.10, "auc": 0.70, "calibration_slope": 1.0}
BASE = {"log_loss": 0.12}


def test_a_good_model_is_promoted() -> None:
    assert verdict(GOOD, None, BASE, None).promote
    assert verdict(GOOD, {"log_loss": 0.10}, BASE, None).promote


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"auc": 0.5}, "AUC"),
        ({"auc": float("nan")}, "AUC"),
        ({"log_loss": 0.12}, "base rate"),
        ({"log_loss": float("nan")}, "base rate"),
        ({"log_loss": 0.11}, "champion"),
        ({"calibration_slope": 0.79}, "slope"),
        ({"calibration_slope": 1.26}, "slope"),
        ({"calibration_slope": float("inf")}, "slope"),
        (
            {"calibration_slope": 1.5, "calibration_slope_low": 1.1, "calibration_slope_high": 2},
            "slope",
        ),
    ],
)
def test_each_rule_refuses_alone(change: dict[str, float], word: str) -> None:
    found = verdict({**GOOD, **change}, {"log_loss": 0.105}, BASE, None)
    assert not found.promote
    assert word in found.reasons[0]


def test_a_leak_refuses_whatever_the_metrics() -> None:
    found = verdict(GOOD, None, BASE, LeakWarning("planted", ()))
    assert (found.promote, found.reasons[0]) == (False, "planted")


def test_an_interval_that_covers_one_excuses_the_slope() -> None:
    wide = {"calibration_slope": 1.5, "calibration_slope_low": 0.9, "calibration_slope_high": 2.1}
    assert verdict({**GOOD, **wide}, None, BASE, None).promote


@pytest.mark.parametrize("absent", ["log_loss", "auc", "calibration_slope"])
def test_an_absent_metric_refuses(absent: str) -> None:
    left = {name: value for name, value in GOOD.items() if name != absent}
    assert not verdict(left, None, BASE, None).promote


@pytest.mark.parametrize(("champion", "base"), [({}, BASE), (None, {})])
def test_an_unmeasured_rival_refuses(champion: dict[str, float] | None, base: object) -> None:
    assert not verdict(GOOD, champion, base, None).promote
