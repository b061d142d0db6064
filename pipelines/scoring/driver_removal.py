"""Risk without each driver, for the customers of a night (intervention on the model).

Computed with the scores, as it needs the matrix; the lists publish it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.catalog import Catalog
from features.feature import Feature
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Index, Matrix
from models.dataset.examples import MARGIN
from models.explain.driver_removal import Removal, removals
from pipelines.config.settings import Settings, customer_values

_SAMPLE = 1_000
_CALM: Mapping[str, float] = {"ratio": 1.0, "flag": 0.0}
_ATTRIBUTE = "attr_"


def causes_of(
    settings: Settings, model: ChurnModel, catalog: Catalog, scored: pd.DataFrame
) -> tuple[Removal, ...]:
    """What removing each cause would be worth to the cohort ``scored``, a matrix in risk order.

    Worked out for about a thousand customers, evenly spread over all risks, who stand for all.
    """
    rows = scored.iloc[_spread(len(scored))]
    lines = rows["product_line"].to_numpy(dtype=object)
    margin = rows.reindex(columns=[MARGIN])[MARGIN].to_numpy(dtype="float64")
    values = customer_values(settings, margin)
    x = model.spec.encode(rows)

    def score(changed: Matrix, at: Index) -> Floats:
        return model.probability(changed, lines[at], settings.engine.threads)

    return removals(
        model.spec.columns,
        no_event(catalog.model_features),
        x,
        score,
        np.full(len(x), np.nan) if values is None else values[0],
        len(scored) / max(len(rows), 1),
    )


def no_event(features: Sequence[Feature]) -> dict[str, float]:
    """What each feature is when nothing happened: its fill, a ratio of 1, no flag, else unknown.

    A company's own attributes are no events.
    """
    return {
        f.name: _CALM.get(f.unit, np.nan) if f.fill is None else f.fill
        for f in features
        if not f.name.startswith(_ATTRIBUTE)
    }


def _spread(rows: int) -> Index:
    if rows <= _SAMPLE:
        return np.arange(rows)
    return ((np.arange(_SAMPLE) + 0.5) * rows / _SAMPLE).astype(np.intp)
