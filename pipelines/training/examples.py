"""Training examples: labelled matrix rows of every month whose label window is complete.

The as-of dates are chosen, their matrices built and read in one place, so that training, ablations
and the search for leaks learn from the same rows. Horizons also use newer months, as a
discrete-time model learns from each complete period.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd

from features.catalog import Catalog
from features.errors import GateError
from features.timeline import LabelWindow, month_starts
from models.causal.lot import exposure_of
from models.causal.propensity import treatment_hazard
from models.causal.sleeping_dogs import asleep, facts_of_sleep
from models.causal.treated_rows import UntreatedRows, select_untreated
from models.competing_risks.person_periods import PERIOD_DAYS
from models.dataset.array_types import rows_of
from models.dataset.examples import ASLEEP, MARGIN, Examples
from models.dataset.exposure import MOST_WEIGHT, Exposure, by_customer_and_date, days_after
from models.dataset.feature_spec import FeatureSpec, learn_spec
from models.dataset.histories import Histories
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix
from pipelines.matrices.gates import feature_columns
from pipelines.matrices.shard import label_as_ofs
from pipelines.matrices.treatment_record import treatment_marks
from pipelines.snapshots.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Examples, rows by outcome, features that never vary, and those without their tables.

    ``exposure`` says which examples were treated since; None where none of its rows matters.
    ``histories`` are all rows, matured or not, where outcomes by horizon are learned.
    """

    examples: Examples
    outcomes: dict[str, int] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    histories: Histories | None = None
    exposure: Exposure | None = None


def training_as_ofs(settings: Settings, snapshot: Snapshot, today: date) -> tuple[date, ...]:
    """First days of months whose label window is complete, or the dates of a labels table.

    Raises ``GateError`` when there is none.
    """
    given = label_as_ofs(settings, snapshot)
    if given:
        return given
    training, window = settings.training, settings.label_window()
    months = month_starts(training.first_as_of, training.last_as_of or today)
    matured = tuple(day for day in months if window.complete(day, today))
    if not matured:
        raise GateError(
            f"no label window since training.first_as_of {training.first_as_of} was complete on "
            f"{today}: lead {window.lead_days} and horizon {window.horizon_days} days must have "
            "passed. Set training.first_as_of earlier or train later."
        )
    return matured


def prepare_examples(frame: pd.DataFrame, catalog: Catalog) -> TrainingData:
    """Rows with a label as examples; columns with one value or none are left out of the spec.

    ``frame`` is the labelled matrix. Raises ``GateError`` when no row has a label.
    """
    columns = feature_columns(catalog)
    counts = frame["outcome"].value_counts().sort_index()
    labelled = frame[frame["label"].notna()]
    if labelled.empty:
        raise GateError(
            "no customer has a known outcome: the label windows are not complete. Set "
            "training.first_as_of earlier or train on a later --as-of."
        )
    varying = [c for c in columns if labelled[c.name].nunique(dropna=False) > 1]
    spec = learn_spec(varying, labelled)
    return TrainingData(
        examples=Examples.build(labelled, spec, labelled["label"].astype("int8")),
        outcomes={str(name): int(count) for name, count in counts.items()},
        silent=tuple(sorted({c.name for c in columns} - {c.name for c in varying})),
        omitted=tuple(catalog.omitted),
    )


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


def make_examples(run: Run, snapshot: Snapshot) -> TrainingData:
    """Build the labelled matrix of every matured month, and read it as examples.

    With horizons also of newer months whose first period is complete. Raises ``GateError`` when no
    label window is complete.
    """
    settings, record, today = run.settings, run.record, run.as_of
    catalog = catalog_of(settings.sources, snapshot)
    # Outcomes by horizon need ends with their days.
    dated = "terminations" in snapshot.tables and "labels" not in snapshot.tables
    learns = dated and bool(settings.label.horizons)
    as_ofs = training_as_ofs(settings, snapshot, today)
    if learns:
        period = LabelWindow(settings.label.lead_days, PERIOD_DAYS)
        newer = month_starts(as_ofs[-1], settings.training.last_as_of or today)[1:]
        as_ofs += tuple(day for day in newer if period.complete(day, today))
    sleep = settings.list.peace.asleep_days
    facts = (MARGIN, *facts_of_sleep(sleep))
    columns = catalog.only([*(feature.name for feature in catalog.model_features), *facts])
    with record.stage("features") as stage:
        job = MatrixJob(columns, as_ofs, labels_known_before=today)
        names = [feature.name for feature in columns.features]
        frame = make_matrix(run, snapshot, job, names)
        frame = frame.assign(**{ASLEEP: asleep(frame, frame["as_of"], sleep)})
        prepared = prepare_examples(frame, catalog)
        spec, order = prepared.examples.spec, by_customer_and_date(frame)
        exposure = exposure_of_matrix(run, snapshot, frame, spec)
        prepared = replace(
            prepared,
            exposure=exposure.take(frame["label"].notna().to_numpy(dtype=bool)[order]),
            histories=Histories.build(frame, spec, exposure) if learns else None,
        )
        stage.rows_out = len(prepared.examples)
    record.notes += [
        f"not built: {name}, as {', '.join(tables)} is missing"
        for name, tables in catalog.omitted.items()
    ]
    record.notes += [f"left out, as it never varies: {name}" for name in prepared.silent]
    return prepared


def rows_digest(examples: Examples, prefix: str = "", *, features: bool = True) -> str:
    """SHA-256 (hex) of ``prefix`` and the rows: customers, dates, labels and feature values."""
    total = hashlib.sha256(prefix.encode())
    total.update("\n".join(examples.customer_id.astype(str).tolist()).encode())
    total.update(examples.as_of.astype("int64").tobytes())
    total.update(examples.y.tobytes())
    for column in examples.x.T if features else ():
        total.update(np.ascontiguousarray(column).data)
    return total.hexdigest()


def leave_out_treated(run: Run, prepared: TrainingData) -> tuple[TrainingData, Mapping[str, bytes]]:
    """The examples to learn from and be evaluated on, and ``feedback.json`` for MLflow.

    Raises ``GateError`` when too few leavers were left alone.
    """
    label, exposure, examples = run.settings.label, prepared.exposure, prepared.examples
    ignored = run.settings.training.feedback == "ignore"
    if ignored and prepared.histories is not None:
        untreated = Exposure.untreated(prepared.histories.ended_after)
        prepared = replace(prepared, histories=replace(prepared.histories, exposure=untreated))
    days = label.lead_days + label.horizon_days
    if exposure is None or not (exposure.treated_after < exposure.until(days)).any():
        return prepared, {}
    if ignored:
        run.record.notes.append(
            "treated customers are learned from as if nothing had been done (training.feedback)"
        )
        return prepared, {}
    rows = select_untreated(exposure, days, examples.y)
    run.record.notes += _notes(rows, len(examples))
    prepared = replace(prepared, examples=examples.take(rows.rows), exposure=None)
    facts = {name: value for name, value in asdict(rows).items() if name != "rows"}
    return prepared, {"feedback.json": json.dumps(facts, indent=1).encode()}


def _notes(rows: UntreatedRows, total: int) -> list[str]:
    notes = [
        f"{rows.treated} of {total} labelled rows were treated before their outcome was known and "
        f"are left out; {rows.held_out} were held out and count {rows.held_out_weight:.1f} times "
        f"each (at most {rows.largest_weight:.1f}). What remains says as much as "
        f"{rows.effective_rows:.0f} rows and {rows.effective_leavers:.0f} leavers."
    ]
    if rows.without_lot:
        notes.append(
            f"{rows.without_lot} of them were treated where no lot held anybody out: the others "
            "are weighted by what the tables showed each month, which misses who got worse within "
            "one and was treated at once. Hold some out (list.holdout_share)."
        )
    if rows.largest_weight >= MOST_WEIGHT:
        notes.append(
            f"a weight reached {MOST_WEIGHT:.0f}, the most that one row may count: hold out more."
        )
    return notes
