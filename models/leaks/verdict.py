"""Leak verdict: which findings refuse a model, in words, and a model that is too good."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.dataset.array_types import Labels, Matrix
from models.leaks.rows import SINGLE_DATE, Kind, Leak, bins_of
from models.metrics.ranking import roc_auc

_LISTED = 5
_DROP = (
    "Drop what was not known on the as-of date (dropped: in the configuration), or map when it was "
    "known (known_at)."
)
_SORTED = "Have the table made anew in an order, or with ids, that the outcome did not decide."
_MUTABLE = (
    "Declare what changes mutable: true in place of static: true and give its history in "
    "sources.master_data, or move it to sources.customers.dropped."
)
_DATED_BACK = (
    "Map when rows were truly known (known_at, or known_delay_days: what is dated by the start of "
    "a period is known at its end), or leave the table or column out."
)
_ADVICE: Mapping[Kind, str] = {
    "id_order": _SORTED,
    "row_order": _SORTED,
    "changes": _MUTABLE,
    "fades": _DATED_BACK,
}
_UNDATED = (
    "All rows have one as-of date, and nothing in an undated column tells whether it was taken "
    "before a customer left or after. If all such columns were counted up to that date, one key "
    f"lets them and the model's own AUC through, under training.leak_override: {SINGLE_DATE}: how "
    "and when they were counted. "
    "At risk: if they were taken later, every figure of the model is too good, and at night it "
    "ranks at random. Only a second table, taken at another date, can show it."
)


def refusal(findings: Sequence[Leak], overrides: Mapping[str, str], listing: str) -> str | None:
    """What the findings say that refuse and that no override lets through; None if there is none.

    ``findings`` are in the order to be told in; ``overrides`` maps keys to the reason why a
    finding is honest; ``listing`` says where all of them are.
    """
    left = [f for f in findings if f.refuses and f.override(overrides) is None]
    if not left:
        return None
    many = f"{len(left)} findings say that the answer is given away, the strongest first"
    told = [f"{many if len(left) > 1 else 'The answer is given away'}:"]
    told += [f"- {describe(finding)}" for finding in left[:_LISTED]]
    if len(left) > _LISTED:
        told.append(f"- and {len(left) - _LISTED} more")
    told += dict.fromkeys(_ADVICE.get(f.kind, _DROP) for f in left)
    told.append(
        "What is honest all the same is let through by its key: under training.leak_override, "
        f"{left[0].column!r}: the reason."
    )
    if any(finding.undated for finding in left):
        told.append(_UNDATED)
    return "\n".join([*told, f"All findings: {listing}. Then look again: stille check."])


def describe(finding: Leak) -> str:
    """One finding with its strength and the key that overrides it."""
    return f"{finding.message} (AUC {finding.strength:.2f}; key {finding.column!r})"


def leak_warning(
    model_auc: float,
    alarm: float,
    x: Matrix,
    y: Labels,
    names: Sequence[str],
    *,
    single_date: bool = False,
) -> str | None:
    """Why a model with ``model_auc`` above ``alarm`` on rows it has not seen is refused, else None.

    It names the columns that reach most alone. ``x`` (n, f) and ``y`` (n,) are those rows,
    ``names`` the columns. Published levels on honest splits are 0.52 to 0.77. Rows of a
    ``single_date`` have another way through.
    """
    if not model_auc > alarm:
        return None
    alone = [single_feature_auc(x[:, column], y) for column in range(x.shape[1])]
    worst = np.argsort(-np.array(alone), kind="stable")[:_LISTED]
    named = ", ".join(f"{names[i]} ({alone[i]:.2f})" for i in worst)
    honest = "If all of them are honest, raise training.auc_alarm."
    return (
        f"AUC {model_auc:.3f} on unseen rows is above {alarm:.2f}: too good for churn, so some "
        f"feature most likely knows the answer. Strongest alone: {named}. {_DROP} "
        f"{_UNDATED if single_date else honest} Then train again: stille train."
    )


def single_feature_auc(values: Matrix, y: Labels) -> float:
    """AUC of the leaving rate in some 20 quantile bins of one column, missing being a bin.

    Bins make it blind to direction, bends and the codes of categories. Being measured on the
    rows that gave the rates it flatters a useless column, by about 0.04 at 1,000 leavers.
    """
    code = bins_of(values, category=False)
    rate = np.bincount(code, weights=y) / np.maximum(np.bincount(code), 1)
    return roc_auc(y, rate[code])
