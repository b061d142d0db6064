"""The level is read from windows that are still open, by the share that is known so far."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit

from features.timeline import LabelWindow
from models.calibration.open_windows import current_status, fit_level_shift, information, log_loss
from models.dataset.exposure import NEVER
from models.metrics.logistic import ridge_line

WINDOW = LabelWindow(14, 90)


def test_who_has_left_so_far_by_hand() -> None:
    ended = np.array([NEVER, 13, 14, 50, 103, 104, -2, 50, 104])
    voluntary = np.array(["", *["voluntary"] * 6, "moved", "moved"], dtype=object)
    left, out = current_status(ended, voluntary, WINDOW)
    assert left.tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0]
    assert out.tolist() == [False, True, False, False, False, False, True, True, False]


def planted(seed: int, move: float, rows: int = 20_000) -> tuple[np.ndarray, ...]:
    """Log-odds that are too low by ``move``, who has left so far, and the share known of it."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-3, 1, rows)
    share = rng.choice([0.16, 0.5, 0.84], rows)
    left = rng.random(rows) < expit(z + move)
    return z, (left & (rng.random(rows) < share)).astype(np.int8), share


@pytest.mark.parametrize("move", [-0.5, 0.0, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_open_windows_alone_tell_a_planted_move(seed: int, move: float) -> None:
    z, y, share = planted(seed, move)
    doubt = information(z + move, share).sum() ** -0.5
    assert doubt < 0.06
    assert fit_level_shift(z, y, share) == pytest.approx(move, abs=3 * doubt)


def test_the_information_is_what_the_fits_vary_by() -> None:
    found = [fit_level_shift(*planted(seed, 0.0, 2_000)) for seed in range(150)]
    z, _, share = planted(0, 0.0, 2_000)
    assert np.std(found) == pytest.approx(information(z, share).sum() ** -0.5, rel=0.2)


@given(seed=st.integers(0, 1_000))
@settings(max_examples=20)
def test_the_shift_equals_the_written_likelihood(seed: int) -> None:
    z, y, share = planted(seed, -0.4, 300)
    y[0] = 1

    def loss(at: float) -> float:
        q = share * expit(z + at)
        return float(-(y * np.log(q) + (1 - y) * np.log(1 - q)).mean())

    oracle = minimize_scalar(loss, bounds=(-6, 6), method="bounded", options={"xatol": 1e-9}).x
    assert fit_level_shift(z, y, share) == pytest.approx(oracle, abs=1e-5)
    assert log_loss(z + 0.3, y, share) == pytest.approx(loss(0.3))


def test_with_complete_windows_it_is_the_usual_shift() -> None:
    z, y, _ = planted(1, 0.4)
    share = np.ones(len(z))
    assert fit_level_shift(z, y, share) == pytest.approx(
        ridge_line(z, y.astype(float), 0.0, np.inf)[0], abs=1e-9
    )
    np.testing.assert_allclose(information(z, share), expit(z) * (1 - expit(z)))


@pytest.mark.parametrize("start", [-20.0, 10.0])
def test_from_far_away_the_shift_is_found_too(start: float) -> None:
    z, y, share = planted(2, 0.0, 2_000)
    near = fit_level_shift(z, y, share)
    assert fit_level_shift(z + start, y, share) == pytest.approx(near - start, abs=1e-6)


def test_information_by_hand() -> None:
    # p = ½ and half of it known: ½·½·¼ / (1 − ¼).
    assert information(np.zeros(1), np.array([0.5])) == pytest.approx(1 / 12)


def test_more_leavers_raise_the_level_and_more_that_is_known_lowers_it() -> None:
    z, y, share = planted(3, 0.0, 2_000)
    now = fit_level_shift(z, y, share)
    more = y.copy()
    more[np.flatnonzero(y == 0)[0]] = 1
    assert fit_level_shift(z, more, share) > now
    assert fit_level_shift(z, y, np.minimum(share * 1.1, 1.0)) < now
