"""Bagged LightGBM boosters on shared bins, one per seed."""

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from models.arrays import Floats, Index, rows_of
from models.artefact import plain_booster
from models.examples import Examples
from models.logit import logit
from models.recipe import Recipe
from models.sampling import Sample, samples
from models.splits import Fold

Progress = Callable[[str], None]
Boosters = tuple[lgb.Booster, ...]


@dataclass(frozen=True, slots=True)
class Bag:
    """Binned ``examples`` from which the recipe's boosters are trained.

    Every booster starts from ``base``, the base rate's log-odds, which its raw scores leave out.
    Bin edges use no label; they are shared by all boosters, whichever rows these learn from.
    """

    data: lgb.Dataset
    examples: Examples
    recipe: Recipe
    base: float

    @staticmethod
    def of(examples: Examples, recipe: Recipe) -> "Bag":
        """Bin the examples."""
        data = lgb.Dataset(
            examples.x,
            label=examples.y,
            feature_name=list(examples.spec.names),
            categorical_feature=list(examples.spec.categories),
            params=recipe.params(recipe.seeds[0]),
            free_raw_data=True,
        ).construct()
        return Bag(data, examples, recipe, float(logit(examples.y.mean(keepdims=True))[0]))

    def stopped(self, fold: Fold, on_step: Progress) -> tuple[int, ...]:
        """The round of each seed with the lowest log loss on the fold's test rows.

        Where stayers are sampled to learn from, a share of them judges too, and each counts for
        those left out.
        """
        recipe, y = self.recipe, self.examples.y
        [judging] = samples(np.flatnonzero(fold.test), y, recipe.negatives, 1)
        judge = self._part(judging.rows, self.base).set_weight(judging.weights(y))

        def best(seed: int, sample: Sample) -> int:
            on_step(f"early stopping, seed {seed} of {recipe.seeds}: judged by {fold.name}")
            booster = lgb.train(
                recipe.params(seed, self.examples.spec.signs),
                self._train(sample),
                recipe.max_rounds,
                valid_sets=[judge],
                callbacks=[lgb.early_stopping(recipe.patience, verbose=False)],
            )
            return int(booster.best_iteration)

        return tuple(map(best, recipe.seeds, self._members(np.flatnonzero(fold.train))))

    def trained(self, rows: Index, rounds: int, on_step: Progress, what: str) -> Boosters:
        """One booster per seed after ``rounds`` on ``rows`` (ascending positions)."""
        recipe = self.recipe

        def booster(seed: int, sample: Sample) -> lgb.Booster:
            on_step(f"{what}, seed {seed} of {recipe.seeds}: {rounds} rounds")
            params = recipe.params(seed, self.examples.spec.signs)
            return plain_booster(lgb.train(params, self._train(sample), rounds))

        return tuple(map(booster, recipe.seeds, self._members(rows)))

    def mean_raw(self, boosters: Boosters, rows: Index) -> Floats:
        """Mean raw log-odds of ``rows``, float64."""
        x, threads = rows_of(self.examples.x, rows), self.recipe.threads
        scores = [booster.predict(x, raw_score=True, num_threads=threads) for booster in boosters]
        return np.asarray(np.mean(scores, axis=0), dtype=np.float64)

    def _members(self, rows: Index) -> tuple[Sample, ...]:
        return samples(rows, self.examples.y, self.recipe.negatives, len(self.recipe.seeds))

    def _train(self, sample: Sample) -> lgb.Dataset:
        return self._part(sample.rows, self.base - float(np.log(sample.keep)))

    def _part(self, rows: Index, start: float) -> lgb.Dataset:
        """The binned ``rows``, from which boosters start at ``start`` log-odds."""
        part = self.data.subset(rows.tolist()).construct()
        return part.set_init_score(np.full(len(rows), start))
