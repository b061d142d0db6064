"""Batch inference of one night: the cohort's matrix built, gated, scored and explained.

The matrix lives in a scratch folder of the run, as nothing of it is needed after the lists.
"""

from dataclasses import dataclass

import pandas as pd

from features.errors import ContractError
from models.explain.driver_removal import Removal
from pipelines.config.run import Run
from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix
from pipelines.matrices.gates import refuse_other_features, refuse_other_filling
from pipelines.runtime.progress import bar
from pipelines.scoring.scores import (
    REMAINS,
    Nameable,
    OutcomeProbabilities,
    causes_of,
    outcome_probabilities,
    score_rows,
)
from pipelines.scoring.uplift import with_effects
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import Champion


@dataclass(frozen=True, slots=True)
class CohortScores:
    """The night's cohort, riskiest first, with outcomes by horizon and removals of causes."""

    rows: pd.DataFrame
    chances: OutcomeProbabilities | None
    causes: tuple[Removal, ...]


def score_cohort(
    run: Run, snapshot: Snapshot, champion: Champion, nameable: Nameable
) -> CohortScores:
    """Build the cohort's matrix, score it whole and explain its riskiest rows.

    Raises what the gates on the matrix raise, and ``ContractError`` for an empty cohort.
    """
    settings, as_of, record = run.settings, run.as_of, run.record
    catalog = catalog_of(settings.sources, snapshot)
    spec = champion.model.spec
    refuse_other_features(champion.registered.label, spec, catalog)
    with record.stage("features"):
        names = [feature.name for feature in catalog.features]
        frame = make_matrix(run, snapshot, MatrixJob(catalog, (as_of,)), names)
    if frame.empty:
        raise ContractError(
            f"nobody had an active contract on {as_of}: the cohort is empty. Check the dates of "
            "contracts and terminations: stille check."
        )
    with record.stage("scoring") as stage, bar("scoring and explaining"):
        refuse_other_filling(run, spec, frame, {f.name: f.needs for f in catalog.features})
        scored = score_rows(settings, champion.model, frame, nameable)
        chances = outcome_probabilities(settings, champion.model, scored)
        if chances and settings.label.horizon_days in chances.horizons:
            scored[REMAINS] = chances.remaining(settings.label.horizon_days)
        causes = causes_of(settings, champion.model, catalog, scored, as_of)
        scored = with_effects(run, spec, scored)
        stage.rows_in = stage.rows_out = len(scored)
    return CohortScores(scored, chances, causes)
