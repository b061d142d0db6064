"""Negative sampling: every leaver, and for each booster its own share of the stayers."""

from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Floats, Index, Labels

_NOT_WORTH_IT = 0.7


@dataclass(frozen=True, slots=True)
class Sample:
    """Row positions in ascending order, and the share of the stayers that they keep.

    Keeping a share adds −log(share) to the log-odds that the rows show; a booster that starts
    from that offset learns the log-odds of all rows.
    """

    rows: Index
    keep: float

    def weights(self, y: Labels) -> Floats:
        """What each of the rows counts for, of ``y`` (n,) of all rows: a stayer 1 / keep."""
        return np.where(y[self.rows] == 1, 1.0, 1.0 / self.keep)


def samples(rows: Index, y: Labels, negatives: int | None, members: int) -> tuple[Sample, ...]:
    """One sample of ``rows`` (positions in ``y``) per bag member.

    Stayers are dealt in a fixed random order, ``negatives`` per leaver, one member after the
    other, so members share none until all have been dealt. Everything is kept when
    ``negatives`` is null or would keep more than 70 % of the stayers.
    """
    leavers, stayers = rows[y[rows] == 1], rows[y[rows] == 0]
    size = len(stayers) if negatives is None else negatives * len(leavers)
    if size > _NOT_WORTH_IT * len(stayers):
        return (Sample(rows, 1.0),) * members
    shuffled = np.random.default_rng(1).permutation(stayers)
    hands = (np.arange(size) + member * size for member in range(members))
    return tuple(
        Sample(
            np.sort(np.concatenate([leavers, np.take(shuffled, hand, mode="wrap")])),
            size / len(stayers),
        )
        for hand in hands
    )
