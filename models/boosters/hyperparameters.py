"""Hyperparameters of the boosters.

Measured once on public and simulated sets; training only sets them by the number of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_FEW = 20_000
_FINE = 50_000
_SAMPLED = 100_000
_LARGE = 300_000
_NARROW = 16
_DISTANCE = 2.0
_SAME_NAME = (
    *("learning_rate", "num_leaves", "max_depth", "min_data_in_leaf", "bagging_fraction"),
    *("lambda_l2", "max_bin", "cat_smooth", "min_data_per_group"),
)
"""Fields that LightGBM calls by the same name."""
STEADY = {"deterministic": True, "force_col_wise": True, "verbosity": -1}
"""What gives the same trees on any number of threads, and no words."""
_SHAPE = frozenset({"num_leaves", "max_depth", "min_data_in_leaf", "feature_fraction"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """How boosters are trained; the defaults are for 50,000 to 100,000 rows.

    ``patience`` counts rounds without a better log loss on customers left out; ``refit``
    multiplies the best round for the final fit on all rows; one booster is trained per seed and
    their log-odds averaged. ``folds`` groups of customers are left out in turn, to find the round
    and to calibrate on; together they need twice ``min_positives`` of either class. With
    ``compete``, several seeds may grow trees of other shapes, see ``shapes``.
    ``negatives`` is how many stayers each seed sees per leaver, a share of its own where they
    suffice; null means all of them. ``monotone`` keeps every tree to the signs that the features
    declare: more of an irritation never lowers the score. Rows are not bagged: on few leavers
    that costs more than it smooths.
    """

    learning_rate: float = 0.05
    max_rounds: int = 4_000
    patience: int = 40
    refit: float = 1.15
    seeds: tuple[int, ...] = (1, 2, 3)
    threads: int = 2
    num_leaves: int = 15
    max_depth: int = 6
    min_data_in_leaf: int = 40
    bagging_fraction: float = 1.0
    feature_fraction: float = 0.4
    lambda_l2: float = 5.0
    max_bin: int = 63
    cat_smooth: float = 20.0
    min_data_per_group: int = 50
    min_positives: int = 20
    folds: int = 2
    compete: bool = False
    negatives: int | None = None
    monotone: bool = False

    def shapes(self) -> tuple["Recipe", ...]:
        """The shapes of tree that compete: the recipe's own and, for several seeds, two others.

        Small trees win where much is chance, broad ones where many features act together. The
        customers left out decide how many seeds grow which.
        """
        if not self.compete or len(self.seeds) < 2:
            return (self,)
        leaf = max(1, self.min_data_in_leaf // 4)
        return (
            self,
            replace(self, num_leaves=8, max_depth=4),
            replace(self, num_leaves=63, max_depth=-1, min_data_in_leaf=leaf, feature_fraction=0.6),
        )

    def params(self, seed: int, signs: Sequence[int] = ()) -> dict[str, object]:
        """LightGBM's parameters for one seed; ``signs`` has one of +1, −1 and 0 per column.

        Binning is seeded apart and drops no feature, so that one binned data set serves every
        seed and shape. Histograms are built by column: the same trees on any number of threads,
        and with 40 % of the columns per tree a third faster than by row. Of few columns the share
        is drawn at every split: trees that never see the strongest one would make seeds differ.
        """
        constraints = {"monotone_constraints": list(signs)} if self.monotone and any(signs) else {}
        fraction = "feature_fraction_bynode" if 0 < len(signs) <= _NARROW else "feature_fraction"
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            **{name: getattr(self, name) for name in _SAME_NAME},
            "bagging_freq": 1,
            fraction: self.feature_fraction,
            "num_threads": self.threads,
            "seed": seed,
            "data_random_seed": 1,
            "feature_pre_filter": False,
            **STEADY,
            **constraints,
        }


def recipe_for(rows: int, seeds: int = 3, threads: int = 2, single_date: bool = False) -> Recipe:
    """The recipe for ``rows`` training rows: finer on small data, coarser on big.

    The fewer the rows, the more of them the boosters that are calibrated on must learn from. Above
    100,000 rows twenty stayers per leaver a seed teach as well as all, and faster. Shapes
    compete on a ``single_date`` only: broad trees learn what was true of one month, which
    customers left out of the same months would not tell, and small ones gained nothing there.
    For the same reason only a single date is refitted for more rounds than were best.
    """
    return Recipe(
        max_bin=255 if rows < _FINE else 63,
        min_data_in_leaf=100 if rows > _LARGE else 40,
        folds=5 if rows < _FEW else 2,
        compete=single_date,
        refit=1.15 if single_date else 1.0,
        negatives=20 if rows > _SAMPLED else None,
        seeds=tuple(range(1, seeds + 1)),
        threads=threads,
    )


def with_changes(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with some fields set.

    Patience is 2 / learning rate, so that waiting costs the same distance at every rate. Where
    the shape of the trees is set, no other shape competes with it.
    """
    rate = changes.get("learning_rate", recipe.learning_rate)
    follows: dict[str, Any] = {}
    if rate != recipe.learning_rate:
        follows["patience"] = round(_DISTANCE / rate)
    if _SHAPE & changes.keys():
        follows["compete"] = False
    return replace(recipe, **{**follows, **changes})
