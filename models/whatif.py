"""What the score would be with other values of some features."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.churn import ChurnModel


def probability_with(model: ChurnModel, row: pd.DataFrame, values: Mapping[str, float]) -> float:
    """Calibrated probability of the one ``row`` (a matrix) once features take these ``values``.

    NaN stands for unknown. Raises ``KeyError`` for a feature that the model does not read.
    """
    x = model.spec.encode(row).copy()
    for name, value in values.items():
        if name not in model.spec.names:
            raise KeyError(name)
        x[0, model.spec.names.index(name)] = np.float32(value)
    lines = row["product_line"].to_numpy(dtype=object)
    return float(model.probability(x, lines)[0])
