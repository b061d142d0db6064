"""Cumulative incidence by horizon as a list: probabilities that add up to one exactly.

Rounded to millionths together, as separately rounded ones would not add up.
"""

import numpy as np
import pandas as pd

from models.competing_risks.model import OTHER, rounded
from pipelines.lists.list_columns import SCHEMA_VERSION
from pipelines.publication.manifest import Field, Stamp, columns
from pipelines.scoring.scores import OutcomeProbabilities

_DOCS = {
    "voluntary": "Chance of a voluntary notice within the horizon after the lead time.",
    OTHER: "Chance of any outcome that is too rare for a column of its own.",
}


def outcome_fields(causes: tuple[str, ...]) -> tuple[Field, ...]:
    """The list's columns for a model that distinguishes these causes."""
    plain = "Chance of the outcome {} within the horizon."
    docs = {cause: _DOCS.get(cause, plain.format(cause.replace("_", " "))) for cause in causes}
    *first, last = columns("outcome_probabilities")
    chances = (Field(name, "decimal", doc, required=True) for name, doc in docs.items())
    return (*first, *chances, last)


def outcome_rows(chances: OutcomeProbabilities, stamp: Stamp) -> pd.DataFrame:
    """One row per customer and horizon, in the customers' order, horizons rising.

    The chances of a row are whole millionths that add up to one; no cause falls from one horizon
    to the next.
    """
    horizons, names = chances.horizons, ("stayed", *chances.causes)
    parts = rounded(chances.incidence).reshape(-1, len(names)) / 1e6
    rows = pd.DataFrame(
        {
            "schema_version": SCHEMA_VERSION,
            "run_id": stamp.run_id,
            "as_of_date": pd.Timestamp(stamp.as_of),
            "customer_id": chances.customer_id.repeat(len(horizons)).to_numpy(),
            "horizon_days": np.tile(horizons, len(chances.customer_id)),
            **dict(zip(names, parts.T, strict=True)),
            "model_version": stamp.model_version,
        }
    )
    texts = rows.select_dtypes(exclude=["number", "datetime"]).columns
    return rows.astype(dict.fromkeys(texts, "str"))
