"""Training of the uplift model on past lists; it is accepted only where it wins.

Until arms have been measured, risk ranks, as an unproven ranking by effect may do harm.
"""

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.causal.treatment_effect import RandomisedAssignments
from models.causal.uplift import (
    UpliftData,
    UpliftEvaluation,
    evaluate_uplift,
    fit_uplift,
    unseen_effects,
)
from models.dataset.feature_spec import FeatureSpec
from pipelines.config.run import Run
from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix
from pipelines.scoring import uplift
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import resolve_champion


def train_uplift_model(
    run: Run, snapshot: Snapshot, assigned: RandomisedAssignments
) -> UpliftEvaluation | None:
    """Judge the ranking by effect, and keep its model for the nights only where it wins.

    Learned from the matrix of each assignment's day and the probability published then. None,
    with a note, without a champion or without published probabilities.
    """
    settings, record = run.settings, run.record
    folder = settings.paths.uplift
    try:
        spec = resolve_champion(run).model.spec
    except ModelError as error:
        record.notes.append(f"who responds was not learned: {error}")
        return None
    if not np.isfinite(assigned.probability).any():
        record.notes.append("who responds was not learned: no list with probabilities has arms")
        return None
    with record.stage("uplift") as stage:
        trial = _trial(run, snapshot, assigned, spec)
        judged = evaluate_uplift(trial, unseen_effects(trial, settings.engine.threads))
        stage.rows_in = stage.rows_out = len(trial.p)
        if judged.accepted:
            uplift.keep(folder, fit_uplift(trial, settings.engine.threads), spec)
        else:
            uplift.withdraw(folder)
    return judged


def _trial(
    run: Run, snapshot: Snapshot, assigned: RandomisedAssignments, spec: FeatureSpec
) -> UpliftData:
    """The assigned customers who are in the matrix of their day, sorted by customer."""
    days = tuple(day.item() for day in np.unique(assigned.assigned_on))
    job = MatrixJob(catalog_of(run.settings.sources, snapshot), days)
    matrix = make_matrix(run, snapshot, job, spec.names)
    arms = pd.DataFrame(
        {
            "customer_id": assigned.customer_id.astype(str),
            "as_of": assigned.assigned_on.astype("datetime64[s]"),
            "p": assigned.probability,
            "treat": assigned.treat,
            "left": assigned.left,
        }
    )
    matrix["as_of"] = matrix["as_of"].astype("datetime64[s]")
    rows = arms[arms["p"].notna()].merge(matrix, on=["customer_id", "as_of"])
    return UpliftData(
        customer_id=rows["customer_id"].to_numpy(dtype=object),
        x=spec.encode(rows),
        names=spec.names,
        categories=spec.categories,
        p=rows["p"].to_numpy(dtype=np.float64),
        treat=rows["treat"].to_numpy(dtype=bool),
        left=rows["left"].to_numpy(dtype=bool),
    )
