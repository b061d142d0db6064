"""Past lists as a trial: who could have been called, which arm was drawn, and their features."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from models.causal.treatment_effect import RandomisedAssignments
from pipelines.config.run import Run
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.frames import read_matrix
from pipelines.matrices.scratch_folder import scratch
from pipelines.publication.reader import newest_publications
from pipelines.runtime.progress import bar
from pipelines.snapshots.snapshot import Snapshot

_KEYS = ["customer_id", "as_of"]
_LISTED = ["product_line", "churn_probability", "value_at_risk", "lane", "lane_rule"]


def could_be_called(out: Path, assigned: RandomisedAssignments) -> pd.DataFrame:
    """Who was called, held out or left for want of time on the days of ``assigned``.

    ``_LISTED`` as published, with ``lane`` call, holdout or capacity; ``treat`` and ``left`` of the
    assigned, null for the others. Only who has a probability and a value.
    """
    days = set(assigned.assigned_on.tolist())
    parts = [pd.DataFrame(columns=[*_KEYS, *_LISTED])]
    for each in newest_publications(out):
        if each.as_of in days:
            path = each.folder / "risk_list.parquet"
            there = [n for n in pq.read_schema(path).names if n in (_KEYS[0], *_LISTED)]
            parts.append(pd.read_parquet(path, columns=there).assign(as_of=each.as_of))
    rows = pd.concat(parts)
    numbers = rows[["churn_probability", "value_at_risk"]].astype("float64")
    lane = rows["lane_rule"].fillna(rows["lane"])
    could = lane.isin(["call", "holdout", "capacity"]) & (numbers > 0).all(axis=1)
    arms = {
        "customer_id": assigned.customer_id.astype(str),
        "as_of": assigned.assigned_on.astype("datetime64[s]"),
        **{"treat": assigned.treat, "left": assigned.left},
    }
    rows = rows.assign(**numbers, lane=lane, as_of=rows["as_of"].astype("datetime64[s]"))[could]
    return rows.merge(pd.DataFrame(arms), on=_KEYS, how="left")


def with_features(
    run: Run, snapshot: Snapshot, rows: pd.DataFrame, names: Sequence[str]
) -> pd.DataFrame:
    """``rows`` beside the features ``names`` that can be built, sorted by customer and day.

    The matrix of all customers on all days may be large, so it is read part by part.
    """
    catalog = catalog_of(run.settings.sources, snapshot)
    columns = [*_KEYS, *(f.name for f in catalog.features if f.name in set(names))]
    days = tuple(day.date() for day in sorted(rows["as_of"].unique()))
    found = [rows.head(0)]
    with (
        scratch(run.settings.paths.scratch, run.record.run_id) as folder,
        bar("building features", len(days) * snapshot.shards) as advance,
    ):
        job = MatrixJob(catalog, days)
        parts = days and build_matrix(run.settings, snapshot, job, folder, lambda: advance(""))
        for part in parts:
            matrix = read_matrix([part], columns)
            matrix["as_of"] = matrix["as_of"].astype("datetime64[s]")
            found.append(rows.merge(matrix, on=_KEYS))
    return pd.concat(found).sort_values(_KEYS, ignore_index=True)
