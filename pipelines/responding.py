"""Training of the uplift model on past lists; it is accepted only where it wins.

Until arms have been measured, risk ranks, as an unproven ranking by effect may do harm.
"""

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.effect import Assigned
from models.spec import FeatureSpec
from models.uplift import Judged, Trial, fit_uplift, judge_uplift, unseen_effects
from pipelines import uplifts
from pipelines.champion import resolve_champion
from pipelines.engine import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.files import KEYS
from pipelines.matrices.scratch import scratch
from pipelines.run import Run
from pipelines.scoring import KEPT
from pipelines.snapshots.snapshot import Snapshot
from pipelines.training.examples import read_matrix

FOLDER = "uplift"


def who_responds(run: Run, snapshot: Snapshot, assigned: Assigned) -> Judged | None:
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
        judged = judge_uplift(trial, unseen_effects(trial, settings.engine.threads))
        stage.rows_in = stage.rows_out = len(trial.p)
        if judged.accepted:
            uplifts.keep(folder, fit_uplift(trial, settings.engine.threads), spec)
        else:
            uplifts.withdraw(folder)
    return judged


def with_effects(run: Run, spec: FeatureSpec, scored: pd.DataFrame) -> pd.DataFrame:
    """``scored`` (a matrix with probabilities), with ``KEPT`` where a model was accepted.

    ``KEPT`` is by how much contact lowers each one's chance of leaving; below 0 it raises it.
    """
    model = uplifts.read(run.settings.paths.uplift, spec, run.record)
    if model is None:
        return scored
    run.record.notes.append("contacts are valued by who responds, as past lists have shown")
    p = scored["churn_probability"].to_numpy(dtype=np.float64)
    kept = model.kept(spec.encode(scored), p, run.settings.engine.threads)
    return scored.assign(**{KEPT: kept})


def _trial(run: Run, snapshot: Snapshot, assigned: Assigned, spec: FeatureSpec) -> Trial:
    """The assigned customers who are in the matrix of their day, sorted by customer."""
    settings = run.settings
    catalog = catalog_of(settings, snapshot)
    days = tuple(day.item() for day in np.unique(assigned.assigned_on))
    with scratch(settings.paths.var, run.record.run_id) as folder:
        parts = build_matrix(settings, snapshot, MatrixJob(catalog, days), folder, lambda: None)
        matrix = read_matrix(parts, [*KEYS, *spec.names])
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
    return Trial(
        customer_id=rows["customer_id"].to_numpy(dtype=object),
        x=spec.encode(rows),
        names=spec.names,
        categories=spec.categories,
        p=rows["p"].to_numpy(dtype=np.float64),
        treat=rows["treat"].to_numpy(dtype=bool),
        left=rows["left"].to_numpy(dtype=bool),
    )
