"""Missingness: shares of nulls and of unknown categories, compared with training."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from models.dataset.feature_spec import FeatureSpec, category_codes, column_of, refuse_missing

_BY_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Missingness:
    """One feature's share of nulls, now and in training, and of words unknown to the model.

    Shares are of all rows, from 0 to 1. ``emptied``: no row has a value, and a cohort of this
    size drawn from the training rows would have had one (but for a chance of one in a million).
    """

    name: str
    kind: Literal["number", "category"]
    null_share: float
    trained_share: float
    unknown_share: float
    emptied: bool

    @property
    def rise(self) -> float:
        """Nulls now less those in training."""
        return self.null_share - self.trained_share


def count_missing(spec: FeatureSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """``rows``, ``known`` and ``unknown`` (words) of ``frame``, by each column of the spec.

    Counts of parts of a cohort add up. Raises ``ModelError`` when a column of the spec is missing
    or appears twice, or when a category holds something else than text.
    """
    refuse_missing(spec.names, list(frame.columns))
    counted = []
    for column in spec.columns:
        values = column_of(frame, column.name)
        known, unknown = values.notna(), 0
        if column.kind == "category":
            coded = ~np.isnan(category_codes(values, column.vocabulary))
            unknown = int((known & ~coded).sum())
        counted.append((len(values), int(known.sum()), unknown))
    return pd.DataFrame(counted, [*spec.names], ["rows", "known", "unknown"])


def missingness(spec: FeatureSpec, counts: pd.DataFrame) -> list[Missingness]:
    """How a cohort is filled, for each column of which the training share is known.

    ``counts`` as ``count_missing`` gives them.
    """
    found = []
    for column in spec.columns:
        trained = column.null_share
        if trained is None:
            continue
        rows, known, unknown = map(float, counts.loc[column.name].to_numpy())
        emptied = known == 0 and trained**rows < _BY_CHANCE
        shares = (1 - known / max(rows, 1), trained, unknown / max(rows, 1))
        found.append(Missingness(column.name, column.kind, *shares, emptied))
    return found
