"""Record of treatment: the table ``treatments`` and the call lists of earlier publications.

Both change after a matrix is stored, so rows are joined with it when they are read.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.treatments import ASSIGNMENT, recorded_treatments
from models.causal.lot import weigh_lot
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.matrices.shard import prepared_tables
from pipelines.publication.reader import Publication, newest_publications
from pipelines.snapshots.snapshot import Snapshot

Query = Callable[..., pa.Table]
TYPES = dict.fromkeys(ASSIGNMENT, pa.string()) | {
    "assigned_on": pa.date32(),
    "probability": pa.float64(),
}
_LIST, _CALLED, _HELD_OUT = "risk_list.parquet", "call", "holdout"
_SOURCE_COLUMNS = {
    **{name: name for name in ("customer_id", "product_line", "risk_band")},
    **{"suggested_action": "action", "churn_probability": "probability"},
    "use_channel": "channel",
}


def treatment_marks(run: Run, snapshot: Snapshot) -> pd.DataFrame:
    """Who was treated or spared when, before the run's day, as ``models.causal.lot`` weighs it.

    Whoever was on a published call list counts as treated, and whoever its holdout spared as
    spared, whether or not a CRM reports it. The run's record says where that is known from.
    """
    settings, today = run.settings, run.as_of
    published = assignments_of(settings.paths.out, today).to_pandas(date_as_object=False)
    reported = reported_treatments(settings, snapshot, today).to_pandas(date_as_object=False)
    lists = published[["customer_id"]].assign(
        day=published["assigned_on"], treated=published["arm"].eq("treat"), by_lot=True
    )
    types = {"customer_id": object, "day": "datetime64[s]", "treated": bool, "by_lot": bool}
    record = pd.concat([lists.astype(types), reported.astype(types)], ignore_index=True)
    marks = weigh_lot(record, settings.contact.cooldown_days)
    if len(marks):
        run.record.notes.append(_note(marks, len(published), len(reported)))
    return marks


def reported_treatments(
    settings: Settings, snapshot: Snapshot, today: date, query: Query = recorded_treatments
) -> pa.Table:
    """What a query of ``features.treatments`` finds in the snapshot."""
    with prepared_tables(settings, snapshot, ["treatments"]) as con:
        return query(con, today=today, zone=settings.company.timezone)


def _note(marks: pd.DataFrame, published: int, reported: int) -> str:
    sources = (("the table treatments", reported), ("the published call lists", published))
    known = " and ".join(name for name, rows in sources if rows)
    spared = marks.loc[~marks["treated"] & marks["by_lot"], ["customer_id", "held_out_for"]]
    lot = (
        f"{spared['customer_id'].nunique()} were held out by lot, "
        f"1 of {spared['held_out_for'].median():.1f}"
        if len(spared)
        else "no lot held anybody out (list.holdout_share)"
    )
    if not reported:
        known += ", as no treatments are reported"
    treated = marks.loc[marks["treated"], "customer_id"].nunique()
    return f"{treated} customers were treated, as known from {known}; {lot}"


def assignments_of(out: Path, today: date) -> pa.Table:
    """Assignments of the publications before ``today``, columns ``ASSIGNMENT``.

    Treated is who was on the call list, held out who would there been but for the lot.
    """
    parts = [_of_publication(each) for each in newest_publications(out) if each.as_of < today]
    return pa.concat_tables([pa.schema(TYPES).empty_table(), *(p for p in parts if p is not None)])


def _of_publication(publication: Publication) -> pa.Table | None:
    path = publication.folder / _LIST
    there = set(pq.read_schema(path).names)
    if not {"lane", "lane_rule"} <= there:
        return None
    names = [name for name in (*_SOURCE_COLUMNS, "lane", "lane_rule") if name in there]
    rows = pq.read_table(path, columns=names)
    called, held_out = pc.equal(rows["lane"], _CALLED), pc.equal(rows["lane_rule"], _HELD_OUT)
    rows = rows.filter(pc.or_kleene(called, held_out))
    columns = {
        ours: rows[name] if name in there else pa.nulls(len(rows), TYPES[ours])
        for name, ours in _SOURCE_COLUMNS.items()
    } | {
        "assigned_on": pa.repeat(pa.scalar(publication.as_of, pa.date32()), len(rows)),
        "arm": pc.if_else(pc.equal(rows["lane"], _CALLED), "treat", "holdout"),
        "lane": pa.repeat(_CALLED, len(rows)),
    }
    return pa.table({name: columns[name] for name in ASSIGNMENT}, schema=pa.schema(TYPES))
