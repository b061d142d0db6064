"""Treatment exposure of a matrix, from the record of treatment and the rows themselves."""

from dataclasses import replace

import numpy as np
import pandas as pd

from models.causal.lot import exposure_of
from models.causal.propensity import treatment_hazard
from models.dataset.array_types import rows_of
from models.dataset.exposure import Exposure, by_customer_and_date, days_after
from models.dataset.feature_spec import FeatureSpec
from pipelines.config.run import Run
from pipelines.matrices.treatment_record import treatment_marks
from pipelines.snapshots.snapshot import Snapshot


def exposure_of_matrix(
    run: Run, snapshot: Snapshot, frame: pd.DataFrame, spec: FeatureSpec
) -> Exposure:
    """Exposure of ``frame``'s rows, sorted by customer and date, over the longest horizon.

    ``frame`` has customer_id, as_of, ended_on and the features of ``spec``. Where some were
    treated without a lot, the hazard of it is learned from all rows.
    """
    label, threads = run.settings.label, run.settings.engine.threads
    days = label.lead_days + max(label.horizon_days, *label.horizons, 0)
    order = by_customer_and_date(frame)
    customer = frame["customer_id"].to_numpy(dtype=object)[order]
    as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
    ended = days_after(as_of, frame["ended_on"])[order]
    marks, as_of = treatment_marks(run, snapshot), as_of[order]
    found = exposure_of(customer, as_of, ended, marks)
    if not np.any((found.treated_after < found.until(days)) & ~found.by_lot):
        return found
    x = rows_of(spec.encode(frame), order)
    hazard = treatment_hazard(x, spec, customer, as_of, found, days, threads)
    return replace(found, hazard=hazard)
