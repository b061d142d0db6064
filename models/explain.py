"""From contributions per feature to reasons per driver."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.arrays import Floats, Texts
from models.spec import FeatureSpec

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Reasons:
    """Driver codes and their contributions in log-odds, both (n, k), strongest first.

    Where a customer has fewer than k reasons the code is "" and the contribution 0.
    """

    codes: Texts
    values: Floats


def check_additive(contributions: Floats, log_odds: Floats) -> None:
    """Raise ``ModelError`` unless each row sums to its log-odds within 1e-6."""
    gap = np.abs(contributions.sum(axis=1) - log_odds)
    worst = float(gap.max(initial=0.0))
    if not worst <= _TOLERANCE:
        raise ModelError(
            f"Contributions miss the score by up to {worst:.2g} log-odds (allowed: {_TOLERANCE}); "
            "they were computed by another model than the score. Train again: stille train."
        )


def by_driver(contributions: Floats, spec: FeatureSpec) -> pd.DataFrame:
    """Contributions summed per driver: n rows, one float64 column per driver code, sorted.

    ``contributions`` is (n, f + 1) as ``ChurnModel.contributions`` gives it; the expected value
    in its last column belongs to no driver and is left out.
    """
    return _summed(contributions, [column.driver for column in spec.columns])


def by_family(contributions: Floats, spec: FeatureSpec) -> pd.DataFrame:
    """As ``by_driver``, per driver family."""
    return _summed(contributions, [column.family for column in spec.columns])


def top_reasons(drivers: pd.DataFrame, n: int = 3) -> Reasons:
    """The ``n`` drivers that raise each customer's risk most; only positive contributions.

    Equal contributions rank by driver code.
    """
    ordered = drivers[sorted(drivers.columns)]
    values = ordered.to_numpy(dtype=np.float64)
    order = np.argsort(-values, axis=1, kind="stable")[:, :n]
    top = np.take_along_axis(values, order, axis=1)
    names = ordered.columns.to_numpy(dtype=object)[order]
    width = ((0, 0), (0, n - top.shape[1]))
    raises = top > 0
    return Reasons(
        np.pad(np.where(raises, names, ""), width, constant_values=""),
        np.pad(np.where(raises, top, 0.0), width),
    )


def protective(drivers: pd.DataFrame) -> Reasons:
    """The one driver that lowers each customer's risk most, shape (n, 1); "" where none does."""
    lowered = top_reasons(-drivers, 1)
    return Reasons(lowered.codes, -lowered.values)


def global_importance(drivers: pd.DataFrame) -> "pd.Series[float]":
    """Mean absolute contribution per driver in log-odds, greatest first, ties by code."""
    return drivers.abs().mean().sort_index().sort_values(ascending=False, kind="stable")


def spread(grouped: pd.DataFrame) -> dict[str, float]:
    """Mean absolute deviation from the mean, in log-odds, of each column: what it moves."""
    moved = (grouped - grouped.mean()).abs().mean()
    return {str(name): float(value) for name, value in moved.items()}


def _summed(contributions: Floats, groups: list[str]) -> pd.DataFrame:
    codes, names = pd.factorize(np.array(groups, dtype=object), sort=True)
    member = np.zeros((len(groups), len(names)))
    member[np.arange(len(groups)), codes] = 1.0
    return pd.DataFrame(contributions[:, :-1] @ member, columns=pd.Index(names, dtype=object))
