"""Training examples: labelled matrix rows of every month whose label window is complete.

The as-of dates are chosen, their matrices built and read in one place, so that training, ablations
and the search for leaks learn from the same rows. Horizons also use newer months, as a
discrete-time model learns from each complete period.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from features.catalog import Catalog
from features.errors import GateError
from features.timeline import LabelWindow, month_starts
from models.causal.lot import exposure_of
from models.causal.propensity import treatment_hazard
from models.causal.sleeping_dogs import asleep, facts_of_sleep
from models.competing_risks.person_periods import PERIOD_DAYS
from models.dataset.array_types import rows_of
from models.dataset.examples import ASLEEP, MARGIN, Examples
from models.dataset.exposure import Exposure, by_customer_and_date, days_after
from models.dataset.feature_spec import FeatureSpec, learn_spec
from models.dataset.histories import Histories
from pipelines.config.run import Run
from pipelines.config.sections import Label
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
    outcomes: dict[str, int]
    silent: tuple[str, ...]
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


def labelled_as_ofs(settings: Settings, snapshot: Snapshot, today: date) -> tuple[date, ...]:
    """``training_as_ofs``, and with horizons the newer months whose first period is complete."""
    matured = training_as_ofs(settings, snapshot, today)
    if not learns_horizons(settings.label, snapshot):
        return matured
    period = LabelWindow(settings.label.lead_days, PERIOD_DAYS)
    newer = month_starts(matured[-1], settings.training.last_as_of or today)[1:]
    return (*matured, *(day for day in newer if period.complete(day, today)))


def learns_horizons(label: Label, snapshot: Snapshot) -> bool:
    """Whether outcomes by horizon are asked for, and ends have the days that they need."""
    tables = snapshot.tables
    return bool(label.horizons) and "terminations" in tables and "labels" not in tables


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


def make_examples(run: Run, snapshot: Snapshot, newest: int | None = None) -> TrainingData:
    """Build the labelled matrix of every matured month, or the ``newest``, and read it as examples.

    Raises ``GateError`` when no label window is complete.
    """
    settings, record = run.settings, run.record
    catalog = catalog_of(settings.sources, snapshot)
    as_ofs = labelled_as_ofs(settings, snapshot, run.as_of)
    if newest is not None:
        first = training_as_ofs(settings, snapshot, run.as_of)[-newest:][0]
        as_ofs = tuple(day for day in as_ofs if day >= first)
    sleep = settings.list.peace.asleep_days
    facts = (MARGIN, *facts_of_sleep(sleep))
    columns = catalog.only([*(feature.name for feature in catalog.model_features), *facts])
    with record.stage("features") as stage:
        job = MatrixJob(columns, as_ofs, labels_known_before=run.as_of)
        names = [feature.name for feature in columns.features]
        frame = make_matrix(run, snapshot, job, names)
        frame = frame.assign(**{ASLEEP: asleep(frame, frame["as_of"], sleep)})
        prepared, learns = (
            prepare_examples(frame, catalog),
            learns_horizons(settings.label, snapshot),
        )
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
