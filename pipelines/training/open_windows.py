"""Current-status rows of months whose label window is still open (Sun 2006).

They tell of a change of level a whole label window earlier than complete months do.
"""

from collections.abc import Collection, Mapping
from datetime import date

import numpy as np
import pandas as pd

from features.timeline import LabelWindow, month_starts
from models.calibration.open_windows import OpenWindowRows, current_status
from models.calibration.recalibration import ENOUGH
from models.causal.treated_rows import RARE
from models.dataset.examples import days_after
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.matrices.build import catalog_of
from pipelines.matrices.shard import Shard, open_shard
from pipelines.runtime.duckdb_connection import connect
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import Champion

_A_YEAR = 12


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
    catalog, window = catalog_of(settings, snapshot), settings.label_window()
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
    run: Run, champion: Champion, frame: pd.DataFrame, shares: Mapping[date, float]
) -> OpenWindowRows | None:
    """The rows of ``frame`` (customer_id, as_of, product_line, features, ends) in open months.

    None where there are none, or where over a twentieth were treated: who leaves at once cannot
    be treated, so the untreated would seem to leave the more.
    """
    settings = run.settings
    frame = frame[frame["as_of"].isin([pd.Timestamp(day) for day in shares])]
    as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
    ended = days_after(as_of, frame["ended_on"])
    treated = days_after(as_of, frame["treated_on"]) < ended
    if settings.training.feedback == "ignore":
        treated[:] = False
    if not len(frame) or treated.mean() > RARE:
        run.record.notes.append(
            "the level follows complete months only: "
            + ("too many customers were treated since" if len(frame) else "no other can be told")
        )
        return None
    cause = frame["cause"].fillna("").to_numpy(dtype=object)
    left, out = current_status(ended, cause, settings.label_window())
    model, keep = champion.model, ~out & ~treated
    share = frame["as_of"].map({pd.Timestamp(day): share for day, share in shares.items()})
    return OpenWindowRows(
        customer_id=frame["customer_id"].to_numpy(dtype=object),
        as_of=as_of,
        product_line=frame["product_line"].to_numpy(dtype=object),
        raw=model.raw(model.spec.encode(frame), settings.engine.threads),
        y=left,
        share=np.asarray(share, dtype=np.float64),
    ).take(keep)


def _left(shard: Shard, as_of: date, known_before: date, window: LabelWindow) -> int:
    """How many of the shard's cohort were known to have left in the window."""
    ended = shard.endings(known_before).to_pandas(date_as_object=False)
    days = days_after(np.full(len(ended), as_of, dtype="datetime64[D]"), ended["ended_on"])
    left, _ = current_status(days, ended["cause"].fillna("").to_numpy(dtype=object), window)
    return int(left.sum())
