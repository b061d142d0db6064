"""Input and score drift (PSI) of one as-of date against the champion's training rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from models.drift.psi import Drift, by_family, feature_drift, score_drift
from models.drift.reference import Reference
from pipelines.config.run import Run
from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix
from pipelines.matrices.gates import refuse_other_features
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import Champion

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Inputs:
    """How the date's cohort differs from the training rows; ``features`` greatest first."""

    as_of_date: date
    rows: int
    score: Drift
    families: dict[str, float]
    features: tuple[Drift, ...]


def measure_inputs(
    run: Run, snapshot: Snapshot, champion: Champion, reference: Reference
) -> Inputs | None:
    """Build the run's matrix and hold it against the reference; None for an empty cohort."""
    settings, as_of, record = run.settings, run.as_of, run.record
    catalog = catalog_of(settings.sources, snapshot)
    spec = champion.model.spec
    refuse_other_features(champion.registered.label, spec, catalog)
    with record.stage("drift") as stage:
        frame = make_matrix(run, snapshot, MatrixJob(catalog, (as_of,)), spec.names)
        stage.rows_in = stage.rows_out = len(frame)
        if frame.empty:
            return None
        x = spec.encode(frame)
    drifts = feature_drift(x, spec, reference)
    lines = frame["product_line"].to_numpy(dtype=object)
    p = champion.model.probability(x, lines, settings.engine.threads)
    return Inputs(as_of, len(x), score_drift(p, reference), by_family(drifts), drifts)


def input_alarms(inputs: Inputs, limit: float) -> Iterator[str]:
    """A sentence for the features beyond the limit, and one for the scores."""
    moved = [drift for drift in inputs.features if drift.psi > limit]
    if moved:
        named = ", ".join(f"{d.name} ({d.psi:.2f})" for d in moved[:_NAMED])
        more = f" and {len(moved) - _NAMED} more" if len(moved) > _NAMED else ""
        yield f"inputs have moved from those of training, by more than {limit:g}: {named}{more}"
    if inputs.score.psi > limit:
        yield f"the scores have moved by {inputs.score.psi:.2f}; at most {limit:g} is expected"
