"""Treatment exposure of a matrix, from the record of treatment and the rows themselves."""

from dataclasses import replace

import numpy as np
import pandas as pd

from models.causal.lot import exposure_of
from models.causal.propensity import treatment_hazard
from models.dataset.array_types import rows_of
from models.dataset.exposure import Exposure, by_customer_and_date, days_after
from models.dataset.feature_spec import FeatureSpec


def exposure_of_matrix(
    frame: pd.DataFrame, spec: FeatureSpec, marks: pd.DataFrame, days: int, threads: int
) -> Exposure:
    """Exposure of ``frame``'s rows, sorted by customer and date, for ``days`` from each as-of date.

    ``frame`` has customer_id, as_of, ended_on and the features of ``spec``; ``marks`` are those of
    ``models.causal.lot.weigh_lot``. Where some were treated without a lot, the hazard of it is
    learned from all rows.
    """
    order = by_customer_and_date(frame)
    customer = frame["customer_id"].to_numpy(dtype=object)[order]
    as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
    ended = days_after(as_of, frame["ended_on"])[order]
    found, as_of = exposure_of(customer, as_of[order], ended, marks), as_of[order]
    if not np.any((found.treated_after < found.until(days)) & ~found.by_lot):
        return found
    x = rows_of(spec.encode(frame), order)
    hazard = treatment_hazard(x, spec, customer, as_of, found, days, threads)
    return replace(found, hazard=hazard)
