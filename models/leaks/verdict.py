"""Leak search and verdict: every detector, which findings refuse a model, one that is too good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Labels, Matrix
from models.leaks.rows import Leak
from models.metrics.ranking import roc_auc

_BINS = 20
_LISTED = 5


@dataclass(frozen=True, slots=True)
class LeakWarning:
    """Why a model is refused, and the suspected features with the AUC each reaches alone."""

    message: str
    worst: tuple[tuple[str, float], ...]


def refusal(findings: Sequence[Leak], overrides: Mapping[str, str]) -> LeakWarning | None:
    """A warning for the findings that refuse and that no override names, else None.

    ``overrides`` maps a finding's ``column`` to the reason why it is honest.
    """
    left = [f for f in findings if f.refuses and f.column not in overrides]
    if not left:
        return None
    messages = "; ".join(f.message for f in left[:_LISTED])
    if len(left) > _LISTED:
        messages += f"; and {len(left) - _LISTED} more, all in leaks.json"
    many = f"{len(left)} columns give" if len(left) > 1 else f"{left[0].column} gives"
    return LeakWarning(
        f"{many} the answer away: {messages}. Drop what was not known on the as-of date (dropped: "
        "in the configuration, or map its known_at); if it is honest, say why under "
        f"training.leak_override, for example {{{left[0].column!r}: reason}}. Then train again: "
        "stille train.",
        tuple((f.column, float(f.evidence.get("auc", np.nan))) for f in left),
    )


def merge_warnings(first: LeakWarning | None, second: LeakWarning | None) -> LeakWarning | None:
    """One warning that says what either says."""
    if first is None or second is None:
        return first or second
    return LeakWarning(f"{first.message} {second.message}", first.worst + second.worst)


def leak_warning(
    model_auc: float, alarm: float, x: Matrix, y: Labels, names: Sequence[str], *, worst: int = 5
) -> LeakWarning | None:
    """A warning when ``model_auc`` on later rows is above ``alarm``, else None.

    ``x`` (n, f) and ``y`` (n,) are those rows, ``names`` the columns. Published levels on honest
    splits are 0.52 to 0.77.
    """
    if not model_auc > alarm:
        return None
    alone = [single_feature_auc(x[:, column], y) for column in range(x.shape[1])]
    order = np.argsort(-np.array(alone), kind="stable")[:worst]
    worst_columns = tuple((names[i], alone[i]) for i in order)
    names_text = ", ".join(f"{name} ({value:.2f})" for name, value in worst_columns)
    return LeakWarning(
        f"AUC {model_auc:.3f} on unseen rows is above {alarm:.2f}: too good for churn, so some "
        f"feature most likely knows the answer. Strongest alone: {names_text}. Check when each of "
        "these is known (known_at), drop the offender in the configuration (dropped:) and train "
        "again: stille train.",
        worst_columns,
    )


def single_feature_auc(values: Matrix, y: Labels) -> float:
    """AUC of the leaving rate in up to 20 quantile bins of one column, missing being a bin.

    Bins make it blind to direction, bends and the codes of categories. Being measured on the
    rows that gave the rates it flatters a useless column, by about 0.04 at 1,000 leavers.
    """
    known = ~np.isnan(values)
    edges = (
        np.unique(np.quantile(values[known], np.linspace(0, 1, _BINS + 1)[1:-1]))
        if (known.any())
        else np.empty(0)
    )
    bins = np.where(known, np.searchsorted(edges, values, side="left"), len(edges) + 1)
    rows = np.bincount(bins, minlength=len(edges) + 2)
    rate = np.bincount(bins, weights=y, minlength=len(edges) + 2) / np.maximum(rows, 1)
    return roc_auc(y, rate[bins])
