"""Summary of a published night: first rows and customers by lane.

Read from the files, so that it shows what a person will find there.
"""

import json
from pathlib import Path

import pandas as pd

from pipelines.publication.manifest import MANIFEST


def top_rows(folder: Path, count: int = 10) -> list[dict[str, str]]:
    """The first rows of a published risk list, as text."""
    names = [
        "risk_rank",
        "customer_id",
        "product_line",
        "churn_probability",
        "risk_band",
        "reason_1_text",
        "reason_2_text",
        "reason_3_text",
        "protective_1_text",
    ]
    rows = pd.read_parquet(folder / "risk_list.parquet").head(count)
    kept = [name for name in names if name in rows.columns]
    shown = rows[kept].astype("str").fillna("")
    return [dict(zip(kept, row, strict=True)) for row in shown.itertuples(index=False)]


def lane_counts(folder: Path) -> dict[str, int]:
    """Customers of each lane of a publication, as its manifest tells."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    return dict(manifest["stille"].get("lanes", {}))
