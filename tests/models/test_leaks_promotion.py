import numpy as np
import pytest

from models.leaks import LeakWarning, leak_warning, single_feature_auc
from models.promotion import verdict


def columns(n: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Noise; the label with noise; a category whose middle code leaks; a date null for stayers."""
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.3).astype(np.int8)
    middle = np.where(y == 1, 1, rng.choice([0, 2], n))
    null = np.where(y == 1, rng.random(n), np.nan)
    x = np.column_stack([rng.normal(size=n), y + rng.normal(size=n) * 0.2, middle, null])
    return x.astype(np.float32), y


def test_no_warning_at_or_below_the_alarm() -> None:
    x, y = columns()
    assert leak_warning(0.85, 0.85, x, y, ["a", "b", "c", "d"]) is None


def test_a_warning_names_the_planted_leaks() -> None:
    x, y = columns()
    found = leak_warning(0.95, 0.85, x, y, ["noise", "label", "code", "null"], worst=3)
    assert found is not None
    assert {name for name, _ in found.worst} == {"label", "code", "null"}
    assert min(value for _, value in found.worst) > 0.99
    assert "AUC 0.950" in found.message
    assert "label" in found.message


@pytest.mark.parametrize("missing", [0.0, 0.5, 1.0])
def test_noise_alone_reaches_little(missing: float) -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.random(4_000) < missing, np.nan, rng.normal(size=4_000))
    y = (rng.random(4_000) < 0.3).astype(np.int8)
    assert 0.5 <= single_feature_auc(values.astype(np.float32), y) < 0.6


def test_single_feature_auc_by_hand() -> None:
    # rates: 0 → 1/2, 1 → 0, missing → 1; pairs won by leavers: (0.5 + 1) + (1 + 1) of 4
    values = np.array([0, 0, 1, np.nan], dtype=np.float32)
    y = np.array([1, 0, 0, 1], dtype=np.int8)
    assert single_feature_auc(values, y) == pytest.approx(3.5 / 4)


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
