import io
from collections.abc import Callable
from datetime import date

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from models.metrics.bootstrap import Interval, Rows
from models.metrics.by_subgroup import DecayMonth
from models.metrics.profit import ProfitCurve
from pipelines.training import plots

RNG = np.random.default_rng(0)
P = RNG.beta(1, 15, 1_500)
Y = (RNG.random(1_500) < P).astype(np.int8)
IDS = np.arange(2_000).astype(str).astype(object)
SPEC = FeatureSpec(
    tuple(FeatureColumn(f"f{i}", "number", f"d{i}", "price", 0, "") for i in range(4))
)
CONTRIBUTIONS = RNG.normal(size=(300, 5))
X = RNG.normal(size=(300, 4)).astype(np.float32)


def pixels(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG")
    return mpl.image.imread(io.BytesIO(png))[..., :3]


CURVES = [
    plots.roc,
    plots.precision_recall,
    lambda y, p: plots.calibration(plots.calibration_bins(Rows(IDS[: len(y)], y), p)),
    plots.gains,
]


@pytest.mark.parametrize("plot", CURVES)
def test_curves_are_pictures_of_their_scores(plot: Callable[..., bytes]) -> None:
    picture = pixels(plot(Y, P))
    assert picture.shape == (550, 770, 3)
    assert (picture < 0.9).any(axis=2).mean() > 0.01
    assert plot(Y, P) == plot(Y, P)
    assert not np.array_equal(picture, pixels(plot(Y, RNG.permutation(P))))


@pytest.mark.parametrize("plot", CURVES)
def test_tied_scores_can_be_drawn(plot: Callable[..., bytes]) -> None:
    pixels(plot(Y, np.full(len(Y), 0.05)))


def test_family_bar_grows_with_the_families() -> None:
    few = pixels(plots.family_bar(pd.DataFrame({"price": [0.2, -0.1]})))
    many = pixels(plots.family_bar(pd.DataFrame({f"family_{i}": [i] for i in range(9)})))
    assert many.shape[0] > few.shape[0]


def test_beeswarm_is_repeatable_and_leaves_the_random_state_alone() -> None:
    np.random.seed(4)
    before = np.random.get_state()[1].copy()
    first = plots.beeswarm(CONTRIBUTIONS, X, SPEC)
    assert (np.random.get_state()[1] == before).all()
    assert first == plots.beeswarm(CONTRIBUTIONS, X, SPEC)
    assert not np.array_equal(pixels(first), pixels(plots.beeswarm(-CONTRIBUTIONS, X, SPEC)))


def test_beeswarm_draws_missing_values() -> None:
    x = X.copy()
    x[::3, 0] = np.nan
    x[:, 1] = np.nan
    pixels(plots.beeswarm(CONTRIBUTIONS, x, SPEC))


@pytest.mark.parametrize("rows", range(180, 900, 37))
def test_the_interval_of_a_bin_without_leavers_starts_at_its_share(rows: int) -> None:
    y, p = np.repeat(np.array([0, 1], dtype=np.int8), rows), np.repeat([0.01, 0.2], rows)
    bins = plots.calibration_bins(Rows(IDS[: 2 * rows], y), p)
    assert (bins.low <= bins.observed).all()
    assert (bins.high >= bins.observed).all()
    plots.calibration(bins)


def test_bins_by_hand() -> None:
    """0 and 2 of 10: Poisson's exact bounds are 0 to 3.689 and 0.2422 to 7.2247."""
    y = np.array([1, 1] + [0] * 18, dtype=np.int8)
    p = np.repeat([0.4, 0.1], 10)
    bins = plots.calibration_bins(Rows(IDS[:20], y), p)
    assert bins.predicted.tolist() == pytest.approx([0.1, 0.4])
    assert bins.observed.tolist() == [0.0, 0.2]
    assert bins.low.tolist() == pytest.approx([0.0, 0.02422], abs=1e-5)
    assert bins.high.tolist() == pytest.approx([0.36889, 0.72247], abs=1e-5)


def test_dependence_draws_numbers_categories_and_unknown_values() -> None:
    columns = [
        FeatureColumn("plan", "category", "d", "price", 0, "", ("flat", "spot")),
        *(FeatureColumn(f"f{i}", "number", "d", "price", i - 1, "") for i in range(3)),
    ]
    x = X.copy()
    x[:, 0] = np.arange(300) % 2
    x[::3, 1] = np.nan
    x[:, 2] = np.nan
    spec = FeatureSpec(tuple(columns))
    first = plots.dependence(CONTRIBUTIONS, x, spec)
    assert first == plots.dependence(CONTRIBUTIONS, x, spec)
    assert not np.array_equal(pixels(first), pixels(plots.dependence(-CONTRIBUTIONS, x, spec)))


def test_profit_and_staying_power_follow_their_figures() -> None:
    share = np.linspace(0, 1, 11)

    def profit(height: float) -> bytes:
        curve = ProfitCurve(share, height * share * (0.6 - share))
        return plots.profit(
            {"4 times keeping one": curve, "10 times keeping one": curve}, "NOK", 0.1
        )

    assert profit(10) == profit(10) != profit(20)

    def staying(*values: float) -> bytes:
        cards = [{"auc": Interval(v, v - 0.02, v + 0.02)} for v in values]
        day = date(2024, 1, 1)
        months = [DecayMonth(i, day, day, 100, 9, card) for i, card in enumerate([*cards, {}])]
        return plots.decay(months)

    assert not np.array_equal(pixels(staying(0.8, 0.7)), pixels(staying(0.8, 0.6)))
