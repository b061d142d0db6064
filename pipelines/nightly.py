"""A night: champion → tables → matrix → scores → reasons → lists, published in one swap.

Plain functions; ``step`` decides whether a scheduler watches them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from features.catalog import needs_of
from features.errors import ContractError
from pipelines.champion import Champion, resolve_champion
from pipelines.digests import config_digest, inputs_digest
from pipelines.engine import MatrixJob, attributes_of, build_matrix, catalog_of
from pipelines.lists.manifest import Stamp
from pipelines.lists.written import Lists, write_chances, write_risk_lists
from pipelines.matrices.files import KEYS
from pipelines.matrices.pruning import prune
from pipelines.matrices.scratch import scratch
from pipelines.matrixgates import refuse_other_features, refuse_other_filling
from pipelines.progress import bar
from pipelines.publish import publish, publisher, refuse_older, republish, staged
from pipelines.published import Publication
from pipelines.record import RunRecord
from pipelines.scoring import Chances, chances_of, score_rows
from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.tables import read_tables
from pipelines.step import Step, plain
from pipelines.training.examples import read_matrix


@dataclass(frozen=True, slots=True)
class Scored:
    """The night's cohort, riskiest first, and its outcomes by horizon if the model has them."""

    rows: pd.DataFrame
    chances: Chances | None


@dataclass(frozen=True, slots=True)
class Night:
    """Where the night's publication stands and whether this run wrote it."""

    publication: Publication
    written: bool


def nightly(
    settings: Settings,
    as_of: date,
    record: RunRecord,
    step: Step = plain,
    *,
    backfill: bool = False,
) -> Night:
    """Publish the risk list of ``as_of``; a second run on the same inputs changes nothing.

    Raises ``BusyError`` when another night is publishing, ``ModelError`` without a usable
    champion, ``ContractError`` for broken tables, ``ConfigError`` for an as-of date before the
    published one without ``backfill``, ``PublicationError`` when the disk refuses. In each
    case the last publication stays as it was.
    """
    out = settings.paths.out
    record.as_of_date, record.config_digest = str(as_of), config_digest(settings)
    with publisher(out) as orphans:
        record.notes += [f"removed what run {orphan} left behind" for orphan in orphans]
        refuse_older(out, as_of, backfill=backfill)
        champion = step(resolve_champion, settings, record)
        snapshot = step(read_tables, settings, as_of, record)
        stamp = _stamp(settings, as_of, record, snapshot, champion)
        ready = republish(out, stamp)
        if ready is not None:
            record.publication = str(ready.folder)
            record.notes.append("nothing to do: this night is published already")
            return Night(ready, written=False)
        scored = step(score, settings, snapshot, champion, as_of, record)
        publication = Publication(out, as_of, record.run_id)
        with staged(publication) as staging:
            lists = step(write_night, settings, scored, stamp, staging, record)
            with record.stage("publish"):
                publish(publication, lists.stamp, lists.schemas, backfill=backfill)
        record.publication = str(publication.folder)
        prune(settings, snapshot)
        return Night(publication, written=True)


def score(
    settings: Settings,
    snapshot: Snapshot,
    champion: Champion,
    as_of: date,
    record: RunRecord,
) -> Scored:
    """Build the cohort's matrix, score it whole and explain its riskiest rows.

    Raises what the gates on the matrix raise, and ``ContractError`` for an empty cohort.
    """
    catalog = catalog_of(settings, snapshot)
    spec = champion.model.spec
    refuse_other_features(champion.registered.label, spec, catalog)
    with scratch(settings.paths.var, record.run_id) as folder:
        with record.stage("features"), bar("building features", snapshot.shards) as advance:
            parts = build_matrix(
                settings, snapshot, MatrixJob(catalog, (as_of,)), folder, lambda: advance("")
            )
        with record.stage("scoring") as stage, bar("scoring and explaining"):
            names = [*KEYS, *(feature.name for feature in catalog.features)]
            frame = read_matrix(parts, names)
            needs = needs_of(attributes_of(settings))
            refuse_other_filling(settings, spec, frame, needs, record)
            scored = score_rows(settings, champion.model, frame)
            chances = chances_of(settings, champion.model, scored)
            stage.rows_in = stage.rows_out = len(scored)
    if scored.empty:
        raise ContractError(
            f"nobody had an active contract on {as_of}: the cohort is empty. Check the dates of "
            "contracts and terminations: stille check."
        )
    return Scored(scored, chances)


def write_night(
    settings: Settings, scored: Scored, stamp: Stamp, staging: Path, record: RunRecord
) -> Lists:
    """Fill the staging folder: the risk list in each language, and outcomes by horizon."""
    with record.stage("lists") as stage, bar("writing lists", len(settings.list.languages)) as done:
        lists = write_risk_lists(settings, scored.rows, stamp, staging, done)
        if scored.chances is not None:
            lists = write_chances(settings, scored.chances, lists, staging)
        stage.rows_out = len(scored.rows)
    return lists


def _stamp(
    settings: Settings, as_of: date, record: RunRecord, snapshot: Snapshot, champion: Champion
) -> Stamp:
    return Stamp(
        as_of=as_of,
        run_id=record.run_id,
        created=datetime.now(UTC),
        inputs_digest=inputs_digest(snapshot),
        config_digest=config_digest(settings),
        model_version=champion.registered.label,
        model_digest=champion.registered.digest,
        horizon_days=settings.label.horizon_days,
        thresholds={},
        degraded=record.degraded,
    )
