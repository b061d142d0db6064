"""Two ways to learn on the same folds: the mean difference, with an interval over customers."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from models.dataset.array_types import Floats, Index
from models.dataset.examples import Examples
from models.metrics.bootstrap import draws, interval
from models.metrics.ranking import Ranked, auc, count

_REPLICATES = 200


@dataclass(frozen=True, slots=True)
class Scored:
    """One fold's test rows (positions in the examples) and their probabilities."""

    rows: Index
    p: Floats


def drawn(examples: Examples, scored: Sequence[Scored]) -> Floats:
    """Mean over folds of AUC and log loss: on the sample, then on each replicate, (1 + r, 2).

    Each replicate draws every tested customer Poisson(1) times, in all folds and repeats that test
    it, with the fitted models as they are; the same rows always see the same draws.
    """
    tested = np.unique(np.concatenate([fold.rows for fold in scored]))
    ranked = []
    for fold in scored:
        y = examples.y[fold.rows]
        inside = np.clip(fold.p, 1e-15, 1 - 1e-15)
        ranked.append((Ranked.of(y, fold.p), -np.log(np.where(y == 1, inside, 1 - inside))))
    places = [np.searchsorted(tested, fold.rows) for fold in scored]

    def each(weights: Floats) -> Iterator[Floats]:
        for at, (order, losses) in zip(places, ranked, strict=True):
            here = weights[:, at]
            ranks = auc(count(order, here[:, order.order]))
            yield np.stack([ranks, here @ losses / here.sum(axis=1)], axis=1)

    every = [np.ones((1, len(tested))), *draws(examples.customer_id[tested], _REPLICATES)]
    return np.concatenate([np.mean([*each(weights)], axis=0) for weights in every])


def difference(ours: Floats, theirs: Floats) -> dict[str, list[float]]:
    """``auc_difference`` and ``log_loss_difference`` of ``ours`` minus ``theirs``, both ``drawn``.

    Each is [value, low, high].
    """
    gaps = zip(("auc_difference", "log_loss_difference"), (ours - theirs).T, strict=True)
    return {name: [*astuple(interval(float(gap[0]), gap[1:]))] for name, gap in gaps}
