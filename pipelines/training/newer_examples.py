"""Examples newer than a champion's training data, for recalibration.

Only rows that the boosters have not learned from can show that their level has moved.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from features.errors import GateError
from models.calibration.open_windows import OpenWindowRows
from models.calibration.shrinkage import USUAL_SWING
from models.causal.treated_rows import Exposure
from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix
from pipelines.matrices.gates import refuse_other_features
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import Champion
from pipelines.training.dates import training_as_ofs
from pipelines.training.examples import TrainingData
from pipelines.training.open_windows import known_shares, open_as_ofs, open_rows
from pipelines.training.treated_rows import leave_out_treated

BOOSTERS_KNOWN_BEFORE = "boosters_known_before"
MONTHLY_SWING = "monthly_swing"


@dataclass(frozen=True, slots=True)
class NewerExamples:
    """Rows that the boosters have not learned from: of complete months, and of open ones if any."""

    examples: Examples
    open_rows: OpenWindowRows | None


def newer_examples(run: Run, snapshot: Snapshot, champion: Champion) -> NewerExamples:
    """The months whose outcome was not complete when the boosters were trained.

    Customers treated since are dealt with as in training.
    """
    settings, today, record = run.settings, run.as_of, run.record
    label, spec = champion.registered.label, champion.model.spec
    catalog = catalog_of(settings, snapshot)
    refuse_other_features(label, spec, catalog)
    learned, window = training_cutoff(champion), settings.label_window()
    matured = training_as_ofs(settings, snapshot, today)
    as_ofs = tuple(day for day in matured if not window.complete(day, learned))
    if not as_ofs:
        raise GateError(
            f"model {label} has learned from every month whose outcome is known on {today}: "
            f"it was trained on what was known before {learned}. There is nothing newer to "
            "calibrate on; run stille recalibrate again next month."
        )
    opened = open_as_ofs(settings, snapshot, matured, today)
    shares = known_shares(settings, snapshot, matured, opened, today)
    built = (*as_ofs, *shares)
    with record.stage("features") as stage:
        job = MatrixJob(catalog.only(list(spec.names)), built, labels_known_before=today)
        frame = make_matrix(run, snapshot, job, spec.names)
        labelled = frame[frame["label"].notna()]
        stage.rows_out = len(labelled)
        prepared = TrainingData(
            examples=Examples.build(labelled, spec, labelled["label"].astype("int8")),
            outcomes={},
            silent=(),
            exposure=Exposure.build(
                labelled, settings.label.lead_days + settings.label.horizon_days
            ),
        )
        newest = open_rows(run, champion, frame, shares)
    return NewerExamples(leave_out_treated(run, prepared)[0].examples, newest)


def training_cutoff(champion: Champion) -> date:
    """The day before which everything known has been learned by the boosters."""
    tags = champion.registered.tags
    try:
        return date.fromisoformat(tags.get(BOOSTERS_KNOWN_BEFORE, tags["known_before"]))
    except (KeyError, ValueError) as error:
        raise GateError(
            f"model {champion.registered.label} does not say when it was trained, so what it has "
            "not learned from is unknown. Train again: stille train."
        ) from error


def monthly_swing_of(champion: Champion) -> float:
    """How the level swung over the months that were learned from; the usual where no tag says."""
    try:
        swing = float(champion.registered.tags[MONTHLY_SWING])
    except (KeyError, ValueError):
        return USUAL_SWING
    return swing if np.isfinite(swing) else USUAL_SWING
