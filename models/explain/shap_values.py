"""Aggregation of SHAP values from features to drivers and driver families."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.dataset.array_types import Floats, Texts
from models.dataset.feature_spec import FeatureSpec

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Reasons:
    """Driver codes, their families, and these' contributions in log-odds, (n, k), strongest first.

    Where a customer has fewer than k reasons code and family are "" and the contribution is 0.
    Two families of a customer may be named by one driver: a company chooses an attribute's family.
    """

    codes: Texts
    families: Texts
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


def top_reasons(
    contributions: Floats, spec: FeatureSpec, n: int = 3, nameable: pd.DataFrame | None = None
) -> Reasons:
    """The ``n`` driver families that raise each customer's risk most, each named by a driver.

    A family's contribution is the sum over its features, as ``by_family`` gives it, on the scale
    of ``contributions``: the log-odds of the calibrated probability. Its driver is the one that
    raises it most, among those ``nameable`` for the customer (n rows, a boolean column per driver
    code; all when not given). Only families that raise the risk and have such a driver count;
    equals rank by family, then by driver.
    """
    families = by_family(contributions, spec)
    named = [_strongest(contributions, spec, family, nameable) for family in families.columns]
    values = np.where(np.column_stack(named) != "", families.to_numpy(dtype=np.float64), 0.0)
    order = np.argsort(-values, axis=1, kind="stable")[:, :n]
    top = np.take_along_axis(values, order, axis=1)
    names = np.take_along_axis(np.column_stack(named), order, axis=1)
    width = ((0, 0), (0, n - top.shape[1]))
    raises = top > 0
    return Reasons(
        np.pad(np.where(raises, names, ""), width, constant_values=""),
        np.pad(
            np.where(raises, families.columns.to_numpy(dtype=object)[order], ""),
            width,
            constant_values="",
        ),
        np.pad(np.where(raises, top, 0.0), width),
    )


def protective(
    contributions: Floats, spec: FeatureSpec, nameable: pd.DataFrame | None = None
) -> Reasons:
    """The one family that lowers each customer's risk most, shape (n, 1); "" where none does."""
    lowered = top_reasons(-contributions, spec, 1, nameable)
    return Reasons(lowered.codes, lowered.families, -lowered.values)


def global_importance(drivers: pd.DataFrame) -> "pd.Series[float]":
    """Mean absolute contribution per driver in log-odds, greatest first, ties by code."""
    return drivers.abs().mean().sort_index().sort_values(ascending=False, kind="stable")


def spread(grouped: pd.DataFrame) -> dict[str, float]:
    """Mean absolute deviation from the mean, in log-odds, of each column: what it moves."""
    deviation = (grouped - grouped.mean()).abs().mean()
    return {str(name): float(value) for name, value in deviation.items()}


def _strongest(
    contributions: Floats, spec: FeatureSpec, family: str, nameable: pd.DataFrame | None
) -> Texts:
    """The code of each customer's nameable driver that raises this family most, or "", (n,)."""
    groups = [column.driver if column.family == family else "" for column in spec.columns]
    drivers = _summed(contributions, groups).drop(columns="", errors="ignore")
    codes, values = drivers.columns.to_numpy(dtype=object), drivers.to_numpy(dtype=np.float64)
    if nameable is not None:
        values = np.where(nameable[drivers.columns].to_numpy(dtype=bool), values, 0.0)
    return np.where(values.max(axis=1) > 0, codes[values.argmax(axis=1)], "")


def _summed(contributions: Floats, groups: list[str]) -> pd.DataFrame:
    codes, names = pd.factorize(np.array(groups, dtype=object), sort=True)
    member = np.zeros((len(groups), len(names)))
    member[np.arange(len(groups)), codes] = 1.0
    return pd.DataFrame(contributions[:, :-1] @ member, columns=pd.Index(names, dtype=object))
