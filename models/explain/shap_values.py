"""Aggregation of SHAP values from features to drivers and driver families."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.dataset.array_types import Floats, Texts
from models.dataset.feature_spec import FeatureSpec

_Group = TypeVar("_Group", str, tuple[str, str, str])
_TOLERANCE = 1e-6
CLEAR = 0.05
"""Log-odds from which a contribution is worth acting on: five per cent of the odds."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Driver codes and their contributions in log-odds, (n, k), the first to be said first.

    ``features`` names the feature where it is a reason by itself, else "". Where a customer has
    fewer than k reasons the texts are "" and the contribution is 0.
    """

    codes: Texts
    features: Texts
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
    return _frame(contributions, [column.driver for column in spec.columns])


def by_family(contributions: Floats, spec: FeatureSpec) -> pd.DataFrame:
    """As ``by_driver``, per driver family."""
    return _frame(contributions, [column.family for column in spec.columns])


def top_reasons(
    contributions: Floats,
    spec: FeatureSpec,
    n: int = 3,
    nameable: pd.DataFrame | None = None,
    alone: Collection[str] = (),
) -> Reasons:
    """The ``n`` drivers of different families that raise each customer's risk most.

    A driver's contribution is the sum over its features, on the scale of ``contributions``: the
    log-odds of the calibrated probability. Its family as a whole must raise the risk too. The
    features in ``alone`` stand for themselves: each is a reason of its own. ``nameable`` (n rows,
    a column per driver code and per feature of ``alone``) is 0 where the reason cannot be said of
    the customer, 1 where it can, and 2 where it can be acted on as well: such a one comes before
    all others when it contributes ``CLEAR`` or more. Without it all can be said. Equals rank by
    family, then by driver and feature.
    """
    own = [column.name if column.name in alone else "" for column in spec.columns]
    named = [(c.family, c.driver, name) for c, name in zip(spec.columns, own, strict=True)]
    labels, values = _sums(contributions, named)
    keys = [name or family for family, _, name in labels]
    families = _frame(contributions, [name or family for family, _, name in named])
    values = np.where(families[keys].to_numpy() > 0, values, 0.0).clip(0)
    first = np.zeros(values.shape, dtype=bool)
    if nameable is not None:
        sayable = nameable[[name or driver for _, driver, name in labels]].to_numpy()
        values = np.where(sayable > 0, values, 0.0)
        first = (sayable > 1) & (values >= CLEAR)
    rank = values + first * (1 + values.max(initial=0.0))
    for key in set(keys):
        at = [i for i, other in enumerate(keys) if other == key]
        best = rank[:, at].argmax(axis=1)
        rank[:, at] *= np.arange(len(at)) == best[:, np.newaxis]
    order = np.argsort(-rank, axis=1, kind="stable")[:, :n]
    raises = np.take_along_axis(rank, order, axis=1) > 0
    width = ((0, 0), (0, n - order.shape[1]))
    drivers, features = (
        np.where(raises, np.array([label[i] for label in labels], dtype=object)[order], "")
        for i in (1, 2)
    )
    return Reasons(
        np.pad(drivers, width, constant_values=""),
        np.pad(features, width, constant_values=""),
        np.pad(np.where(raises, np.take_along_axis(values, order, axis=1), 0.0), width),
    )


def protective(
    contributions: Floats,
    spec: FeatureSpec,
    nameable: pd.DataFrame | None = None,
    alone: Collection[str] = (),
) -> Reasons:
    """The one driver that lowers each customer's risk most, shape (n, 1); "" where none does."""
    lowered = top_reasons(-contributions, spec, 1, nameable, alone)
    return Reasons(lowered.codes, lowered.features, -lowered.values)


def global_importance(drivers: pd.DataFrame) -> "pd.Series[float]":
    """Mean absolute contribution per driver in log-odds, greatest first, ties by code."""
    return drivers.abs().mean().sort_index().sort_values(ascending=False, kind="stable")


def spread(grouped: pd.DataFrame) -> dict[str, float]:
    """Mean absolute deviation from the mean, in log-odds, of each column: what it moves."""
    deviation = (grouped - grouped.mean()).abs().mean()
    return {str(name): float(value) for name, value in deviation.items()}


def _frame(contributions: Floats, groups: Sequence[str]) -> pd.DataFrame:
    names, sums = _sums(contributions, groups)
    return pd.DataFrame(sums, columns=pd.Index(names, dtype=object))


def _sums(contributions: Floats, groups: Sequence[_Group]) -> tuple[list[_Group], Floats]:
    """The groups in order, and the sums over the features of each, (n, len(groups))."""
    names = sorted(set(groups))
    member = np.zeros((len(groups), len(names)))
    member[np.arange(len(groups)), [names.index(group) for group in groups]] = 1.0
    return names, contributions[:, :-1] @ member
