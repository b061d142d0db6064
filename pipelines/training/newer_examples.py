"""Examples newer than a champion's training data, for recalibration.

Only rows that the boosters have not learned from can show that their level has moved. Rows of
months whose label window is still open tell of it a whole window earlier than complete months do
(current status, Sun 2006).
"""

from collections.abc import Collection, Mapping
from datetime import date

import numpy as np
import pandas as pd

from features.errors import GateError
from features.timeline import LabelWindow, month_starts
from models.calibration.open_windows import OpenWindowRows, current_status
from models.calibration.recalibration import ENOUGH
from models.calibration.shrinkage import USUAL_SWING
from models.dataset.examples import Examples
from models.dataset.exposure import Exposure, by_customer_and_date, days_after, whole_times
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix
from pipelines.matrices.gates import refuse_other_features
from pipelines.matrices.shard import Shard, open_shard
from pipelines.runtime.duckdb_connection import connect
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import Champion
from pipelines.training import examples

BOOSTERS_KNOWN_BEFORE = "boosters_known_before"
MONTHLY_SWING = "monthly_swing"
_A_YEAR = 12


def newer_examples(
    run: Run, snapshot: Snapshot, champion: Champion
) -> tuple[Examples, OpenWindowRows | None] | None:
    """The months whose outcome was not complete when the boosters were trained; None without any.

    Their rows, of complete months and of open ones if any. Customers treated since are dealt with
    as in training.
    """
    settings, today, record = run.settings, run.as_of, run.record
    spec = champion.model.spec
    catalog = catalog_of(settings.sources, snapshot)
    refuse_other_features(champion.registered.label, spec, catalog)
    learned, window = training_cutoff(champion), settings.label_window()
    matured = examples.training_as_ofs(settings, snapshot, today)
    as_ofs = tuple(day for day in matured if not window.complete(day, learned))
    if not as_ofs:
        return None
    opened = open_as_ofs(settings, snapshot, matured, today)
    shares = known_shares(settings, snapshot, matured, opened, today)
    built = (*as_ofs, *shares)
    with record.stage("features") as stage:
        job = MatrixJob(catalog.only(list(spec.names)), built, labels_known_before=today)
        frame = make_matrix(run, snapshot, job, spec.names)
        labelled, order = frame[frame["label"].notna()], by_customer_and_date(frame)
        exposure = examples.exposure_of_matrix(run, snapshot, frame, spec)
        stage.rows_out = len(labelled)
        prepared = examples.TrainingData(
            examples=Examples.build(labelled, spec, labelled["label"].astype("int8")),
            exposure=exposure.take(frame["label"].notna().to_numpy(dtype=bool)[order]),
        )
        newest = open_rows(run, champion, frame, exposure.take(np.argsort(order)), shares)
    return examples.leave_out_treated(run, prepared)[0].examples, newest


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
    return float(champion.registered.tags.get(MONTHLY_SWING, USUAL_SWING))


def open_as_ofs(
    settings: Settings, snapshot: Snapshot, matured: Collection[date], today: date
) -> tuple[date, ...]:
    """First days of months after the matured ones whose label window has begun.

    None where outcomes come as labels, which do not say when a notice was known.
    """
    if "terminations" not in snapshot.tables or "labels" in snapshot.tables:
        return ()
    window = settings.label_window()
    newer = month_starts(max(matured), settings.training.last_as_of or today)[1:]
    return tuple(day for day in newer if window.start(day) < today)


def known_shares(
    settings: Settings,
    snapshot: Snapshot,
    matured: Collection[date],
    opened: Collection[date],
    today: date,
) -> dict[date, float]:
    """How many of a whole window's leavers are known as far into it as ``today`` is, by open month.

    Counted on the newest twelve matured months, a season's round, each as it was known then:
    late notices are missing then too. Months of which nothing is known yet are left out, and all
    are where the twelve have fewer than 400 leavers.
    """
    past, days = sorted(matured)[-_A_YEAR:], {day: today - day for day in opened}
    if not days:
        return {}
    then, whole = dict.fromkeys(days, 0), 0
    catalog, window = catalog_of(settings.sources, snapshot), settings.label_window()
    for number in range(snapshot.shards):
        with connect(settings.engine, settings.paths.spill) as con:
            shard = open_shard(con, settings, snapshot, catalog, number, past[0])
            for as_of in past:
                shard.cohort(as_of)
                whole += _left(shard, as_of, today, window)
                for day, passed in days.items():
                    then[day] += _left(shard, as_of, as_of + passed, window)
    if whole < ENOUGH:
        return {}
    return {day: min(left / whole, 1.0) for day, left in then.items() if left}


def open_rows(
    run: Run,
    champion: Champion,
    frame: pd.DataFrame,
    exposure: Exposure,
    shares: Mapping[date, float],
) -> OpenWindowRows | None:
    """The rows of ``frame`` (customer_id, as_of, product_line, features, cause) in open months.

    ``exposure`` is that of its rows; who was treated is out, and the others are repeated by what
    they count until the run's day. None where there are no such months.
    """
    settings, today = run.settings, np.datetime64(run.as_of)
    here = frame["as_of"].isin([pd.Timestamp(day) for day in shares]).to_numpy(dtype=bool)
    if not here.any():
        run.record.notes.append("the level follows complete months only: no other can be told")
        return None
    frame, exposure = frame[here], exposure.take(here)
    as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
    window = settings.label_window()
    passed = np.minimum((today - as_of).astype(np.int64), window.lead_days + window.horizon_days)
    cause = frame["cause"].fillna("").to_numpy(dtype=object)
    left, out = current_status(exposure.ended_after, cause, window)
    ignored = settings.training.feedback == "ignore"
    weight = np.where(out, 0.0, 1.0 if ignored else exposure.weights(passed))
    model = champion.model
    share = frame["as_of"].map({pd.Timestamp(day): share for day, share in shares.items()})
    return OpenWindowRows(
        customer_id=frame["customer_id"].to_numpy(dtype=object),
        as_of=as_of,
        product_line=frame["product_line"].to_numpy(dtype=object),
        raw=model.raw(model.spec.encode(frame), settings.engine.threads),
        y=left,
        share=np.asarray(share, dtype=np.float64),
    ).take(np.repeat(np.arange(len(frame)), whole_times(weight, left)))


def _left(shard: Shard, as_of: date, known_before: date, window: LabelWindow) -> int:
    """How many of the shard's cohort were known to have left in the window."""
    ended = shard.endings(known_before).to_pandas(date_as_object=False)
    days = days_after(np.full(len(ended), as_of, dtype="datetime64[D]"), ended["ended_on"])
    left, _ = current_status(days, ended["cause"].fillna("").to_numpy(dtype=object), window)
    return int(left.sum())
