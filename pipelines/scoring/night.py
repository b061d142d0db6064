"""Batch inference of one night: the cohort's matrix built, gated, scored and explained.

Each shard is scored by itself, and only the columns that lists need of everybody stay in memory;
the matrix lies in a scratch folder of the run, from which the rows to explain are read by rank.
"""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.errors import ContractError
from models.causal.uplift import UpliftModel
from models.churn.model import ChurnModel
from models.dataset.array_types import Floats
from models.drift.psi import count_missing
from models.explain.driver_removal import Removal
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.matrices.build import MatrixJob, built_matrix, catalog_of
from pipelines.matrices.files import KEYS, read_matrix, read_rows
from pipelines.matrices.gates import refuse_other_features, refuse_other_filling
from pipelines.runtime.progress import bar
from pipelines.scoring import scores, uplift
from pipelines.scoring.scores import Nameable
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import Champion

_SHARED = ("product_line", "segment", "preferred_channel")


@dataclass(frozen=True, slots=True)
class CohortScores:
    """The night's cohort, riskiest first, with outcomes by horizon and removals of causes.

    ``rows`` have what lists need of everybody, ``facts`` every column of those with reasons, who
    come first in ``rows`` under the same index.
    """

    rows: pd.DataFrame
    facts: pd.DataFrame
    chances: scores.OutcomeProbabilities | None
    causes: tuple[Removal, ...]


def score_cohort(
    run: Run, snapshot: Snapshot, champion: Champion, nameable: Nameable, columns: Collection[str]
) -> CohortScores:
    """Build the cohort's matrix, score it shard by shard and explain its riskiest rows.

    ``columns`` are those wanted of everybody, where the matrix has them. Raises what the gates on
    the matrix raise, and ``ContractError`` for an empty cohort.
    """
    settings, as_of, record, model = run.settings, run.as_of, run.record, champion.model
    catalog = catalog_of(settings.sources, snapshot)
    refuse_other_features(champion.registered.label, model.spec, catalog)
    names = [*KEYS, *(feature.name for feature in catalog.features)]
    light = [name for name in names if name in (*KEYS, *columns)]
    with ExitStack() as stack:
        with record.stage("features"):
            parts = stack.enter_context(built_matrix(run, snapshot, MatrixJob(catalog, (as_of,))))
        stage = stack.enter_context(record.stage("scoring"))
        advance = stack.enter_context(bar("scoring and explaining", len(parts) + 1))
        responds = uplift.read(settings.paths.uplift, model.spec, record)
        shards = []
        for part in parts:
            frame = read_matrix([part], names)
            if not frame.empty:
                shards.append(_score(settings, model, responds, frame, light, as_of))
            advance("")
        if not shards:
            raise ContractError(
                f"nobody had an active contract on {as_of}: the cohort is empty. Check the dates "
                "of contracts and terminations: stille check."
            )
        rows, incidences, (counts, *others) = zip(*shards, strict=True)
        scored = pd.concat(rows, ignore_index=True)
        # As codes the few texts that many share take a byte or two each.
        shared = scored.columns.intersection(_SHARED)
        scored = scored.astype(dict.fromkeys(shared, "category"))
        needs = {feature.name: feature.needs for feature in catalog.features}
        refuse_other_filling(run, model.spec, sum(others, counts), needs)
        order = scores.risk_order(scored)
        scored = scored.iloc[order].reset_index(drop=True)
        if responds is not None:
            uplift.note_effects(record, scored[scores.UPLIFT])
        chances = None
        horizons = scores.outcome_horizons(settings, model)
        if model.incidence is not None and horizons:
            incidence = np.concatenate(incidences)[order]
            known = (horizons, model.incidence.causes)
            chances = scores.OutcomeProbabilities(scored["customer_id"], incidence, *known)
            if settings.label.horizon_days in horizons:
                scored[scores.REMAINS] = chances.remaining(settings.label.horizon_days)
        explained, sample = (
            scored["customer_id"].iloc[rows]
            for rows in (slice(settings.list.explained_rows), scores.evenly_spread(len(scored)))
        )
        facts = read_rows(parts, names, pd.concat([explained, sample]))
        facts, evidence = facts.iloc[: len(explained)], facts.iloc[len(explained) :]
        told = scores.reasons(settings, model, facts, nameable)
        # Most rows have none: as codes they take a byte each, and eight as texts.
        texts = told.select_dtypes(exclude="number").columns
        scored = scored.join(told.astype(dict.fromkeys(texts, "category")))
        causes = scores.causes_of(settings, model, catalog, scored, evidence, as_of)
        stage.rows_in = stage.rows_out = len(scored)
        advance("")
    return CohortScores(scored, facts, chances, causes)


def _score(
    settings: Settings,
    model: ChurnModel,
    responds: UpliftModel | None,
    frame: pd.DataFrame,
    light: Sequence[str],
    as_of: date,
) -> tuple[pd.DataFrame, Floats, pd.DataFrame]:
    """A shard's light rows with probabilities, incidence (n, horizons, 1 + causes), fillings."""
    x = model.spec.encode(frame)
    threads, horizons = settings.engine.threads, scores.outcome_horizons(settings, model)
    lines = frame["product_line"].to_numpy(dtype=object)
    scored = frame.assign(churn_probability=model.probability(x, lines, threads))
    effects = np.nan if responds is None else uplift.effects(responds, x, scored, as_of, threads)
    incidence = np.empty((len(frame), 0, 0))
    if model.incidence is not None and horizons:
        incidence = model.incidence.incidence(x, horizons, threads)
    rows = scored[[*light, "churn_probability"]].assign(**{scores.UPLIFT: effects})
    return rows, incidence, count_missing(model.spec, frame)
