"""The value of removing drivers: by hand on a score that can be worked out."""

import numpy as np
import pytest

from models.dataset.feature_spec import FeatureColumn
from models.explain.driver_removal import removals

_NAN = np.nan


def column(name: str, driver: str, family: str, sign: int = 1) -> FeatureColumn:
    return FeatureColumn(name, "number", driver, family, sign, name)


COLUMNS = (
    column("shock", "bill_shock", "billing"),
    column("late", "dunning", "billing"),
    column("wait", "wait", "support"),
    column("tenure", "tenure", "relationship", 0),
    column("autopay", "payment", "billing", -1),
)
CALM = {"shock": 1.0, "late": 0.0, "wait": _NAN, "tenure": 0.0, "autopay": 0.0}
X = np.asfortranarray(
    [[1, 0, _NAN, 5, 1], [3, 0, _NAN, 5, 0], [3, 2, 1, 1, 0], [1, 1, 4, 1, 0]], dtype=np.float32
)


def score(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """0.1, and 0.1 a unit of each irritation; waiting lowers where it is long, as models may."""
    assert len(x) == len(at)
    wait = np.nan_to_num(x[:, 2])
    return 0.1 + 0.1 * (x[:, 0] - 1) + 0.1 * x[:, 1] + np.where(wait > 2, -0.05, 0.1 * wait)


def test_every_family_and_driver_by_hand() -> None:
    found = removals(COLUMNS, CALM, X, score, np.array([1.0, 10.0, 100.0, 1000.0]), scale=2.0)
    told = [(r.level, r.name, r.customers, r.leavers, r.value) for r in found]
    expected = [
        ("family", "billing", 6, 2 * (0.2 + 0.4 + 0.1), 2 * (2 + 40 + 100)),
        ("family", "support", 2, 2 * 0.1, 2 * 10),
        ("driver", "bill_shock", 4, 2 * 0.4, 2 * (2 + 20)),
        ("driver", "dunning", 4, 2 * 0.3, 2 * (20 + 100)),
        ("driver", "wait", 2, 2 * 0.1, 2 * 10),
    ]
    assert [row[:2] for row in told] == [row[:2] for row in expected]
    for ours, theirs in zip(told, expected, strict=True):
        assert ours[2:] == pytest.approx(theirs[2:], rel=1e-5)


def test_what_did_not_happen_has_nothing_to_remove() -> None:
    calm = np.asfortranarray(np.tile(X[:1], (3, 1)))
    assert all(
        r.leavers == 0 and r.customers == 0
        for r in removals(COLUMNS, CALM, calm, score, np.ones(3))
    )


def test_the_matrix_is_not_changed() -> None:
    before = X.copy()
    removals(COLUMNS, CALM, X, score, np.ones(4))
    np.testing.assert_array_equal(X, before)
