"""Bagging of LightGBM boosters on shared bins: one booster per seed, negatives sampled for each."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from models.boosters.hyperparameters import Recipe
from models.boosters.text_format import plain_booster
from models.dataset.array_types import Floats, Index, Labels
from models.dataset.examples import Examples
from models.dataset.splits import Fold
from models.metrics.logistic import logit

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
    dealt = (np.take(shuffled, hand, mode="wrap") for hand in hands)
    keep = size / len(stayers)
    return tuple(Sample(np.sort(np.concatenate([leavers, each])), keep) for each in dealt)


@dataclass(frozen=True, slots=True)
class Bag:
    """Binned rows from which boosters are trained.

    ``examples`` are the rows that any booster learns from, ``members`` each seed's share of
    them. Every booster starts from ``base``, the log-odds of leaving among all rows, which its
    raw scores leave out. Bin edges use no label; all boosters share them.
    """

    data: lgb.Dataset
    examples: Examples
    members: tuple[Sample, ...]
    base: float

    @staticmethod
    def of(examples: Examples, recipe: Recipe) -> "Bag":
        """Deal the rows to the recipe's seeds and bin those that one of them got."""
        hands = samples(np.arange(len(examples)), examples.y, recipe.negatives, len(recipe.seeds))
        used = np.unique(np.concatenate([sample.rows for sample in hands]))
        used_examples = examples.take(used) if len(used) < len(examples) else examples
        members = (Sample(np.searchsorted(used, each.rows), each.keep) for each in hands)
        data = lgb.Dataset(
            used_examples.x,
            label=used_examples.y,
            feature_name=list(used_examples.spec.names),
            categorical_feature=list(used_examples.spec.categories),
            params=recipe.params(recipe.seeds[0]),
            free_raw_data=True,
        ).construct()
        base = float(logit(examples.y.mean(keepdims=True))[0])
        return Bag(data, used_examples, tuple(members), base)

    @property
    def validation_sample(self) -> Sample:
        """The rows on which boosters are stopped, chosen and calibrated: the first seed's."""
        return self.members[0]

    def train_with_early_stopping(self, shape: Recipe, fold: Fold) -> lgb.Booster:
        """A booster of the first seed, stopped on log loss on the fold's test rows.

        It keeps the rounds after its best one, which the mean over folds may ask for. Where
        stayers are sampled, each validation row counts for those left out.
        """
        sample = self.validation_sample
        teach, judge = (side[sample.rows] for side in (fold.train, fold.test))
        weights = sample.weights(self.examples.y)[judge]
        return lgb.train(
            shape.params(shape.seeds[0], self.examples.spec.signs),
            self._part(sample.rows[teach], sample.keep),
            shape.max_rounds,
            valid_sets=[self._part(sample.rows[judge], 1.0).set_weight(weights)],
            keep_training_booster=True,
            callbacks=[lgb.early_stopping(shape.patience, verbose=False)],
        )

    def train(self, shape: Recipe, number: int, rounds: int) -> lgb.Booster:
        """The booster of the ``number``-th seed after ``rounds`` on all of its rows."""
        sample = self.members[number]
        params = shape.params(shape.seeds[number], self.examples.spec.signs)
        return plain_booster(lgb.train(params, self._part(sample.rows, sample.keep), rounds))

    def _part(self, rows: Index, keep: float) -> lgb.Dataset:
        """The binned ``rows``; boosters start from the log-odds that keeping ``keep`` shows."""
        part = self.data.subset(rows.tolist()).construct()
        return part.set_init_score(np.full(len(rows), self.base - float(np.log(keep))))
