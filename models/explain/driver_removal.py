"""Driver removal: expected leavers fewer if a driver's events had not happened.

The model scores everybody again with the features that raise risk set to what they are when
nothing happened. That is association: what the model learned goes with leaving, not what an
experiment has shown to cause it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Floats, Index, Matrix
from models.dataset.feature_spec import FeatureColumn

Score = Callable[[Matrix, Index], Floats]


@dataclass(frozen=True, slots=True)
class Removal:
    """Of one driver or driver family (``level``), summed over the customers.

    ``customers`` are those whose risk would fall, ``leavers`` the expected leavers fewer,
    ``value`` their value in major units of money (NaN without economics).
    """

    level: str
    name: str
    customers: float
    leavers: float
    value: float


def removals(
    columns: Sequence[FeatureColumn],
    no_event: Mapping[str, float],
    x: Matrix,
    score: Score,
    value: Floats,
    scale: float = 1.0,
) -> tuple[Removal, ...]:
    """Every driver family and every driver that has something to remove, most leavers first.

    ``x`` (n, f) is the encoded matrix, ``score`` gives the probabilities of a matrix whose rows
    stand at the given positions, ``value`` (n,) what each customer is worth. ``no_event`` is by
    name what a feature is when nothing happened, NaN for unknown; only features with sign +1 are
    set to it. Where the score would rise, as an unconstrained model's may, nothing is gained.
    ``scale`` is how many customers each row stands for.
    """
    now = score(x, np.arange(len(x)))
    raising = [i for i, c in enumerate(columns) if c.sign > 0 and c.name in no_event]
    out = []
    for level in ("family", "driver"):
        groups: dict[str, list[int]] = {}
        for i in raising:
            groups.setdefault(getattr(columns[i], level), []).append(i)
        for name, members in groups.items():
            calm = [no_event[columns[i].name] for i in members]
            fell = _fall(x, now, score, np.array(members), calm)
            sums = (float((fell > 0).sum()), float(fell.sum()), float((fell * value).sum()))
            out.append(Removal(level, name, *(scale * total for total in sums)))
    return tuple(sorted(out, key=lambda r: (r.level != "family", -r.leavers, r.name)))


def _fall(x: Matrix, now: Floats, score: Score, members: Index, calm: Sequence[float]) -> Floats:
    """By how much each probability would fall, 0 where nothing of it happened, (n,)."""
    target = np.array(calm, dtype=np.float32)
    same = (x[:, members] == target) | (np.isnan(x[:, members]) & np.isnan(target))
    touched = np.flatnonzero(~same.all(axis=1))
    fell = np.zeros(len(x))
    if len(touched):
        altered = np.asfortranarray(x[touched])
        altered[:, members] = target
        fell[touched] = np.maximum(now[touched] - score(altered, touched), 0)
    return fell
