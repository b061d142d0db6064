"""Treatment assignments of past publications: who was on the call list, and who was held out."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.treatments import ASSIGNMENT
from pipelines.publication.reader import Publication, newest_publications

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
