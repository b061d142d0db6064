"""Cumulative incidence by horizon as a list: probabilities that add up to one exactly.

Rounded to millionths together, as separately rounded ones would not add up.
"""

import numpy as np
import pandas as pd

from features.contract import OUTCOMES
from models.competing_risks.model import rounded
from models.competing_risks.person_periods import OTHER
from models.dataset.array_types import Floats
from pipelines.lists.list_columns import SCHEMA_VERSION
from pipelines.publication.manifest import Stamp
from pipelines.publication.schema import CUSTOMER_ID, HORIZON, MODEL_VERSION, STAMP_FIELDS, Field

OUTCOMES_NAME = "outcome_probabilities"
_CAUSE_DOCS = {
    "voluntary": "Chance of a voluntary notice within the horizon after the lead time.",
    OTHER: "Chance of any outcome that is too rare for a column of its own.",
}

_KEYS = (
    *STAMP_FIELDS,
    CUSTOMER_ID,
    HORIZON,
    Field("stayed", "decimal", "Chance of still being a customer at its end.", required=True),
)


def outcome_fields(causes: tuple[str, ...]) -> tuple[Field, ...]:
    """The list's columns for a model that tells these causes apart."""
    return (
        *_KEYS,
        *(Field(name, "decimal", _doc(name), required=True) for name in causes),
        MODEL_VERSION,
    )


def _doc(cause: str) -> str:
    plain = f"Chance of the outcome {cause.replace('_', ' ')} within the horizon."
    return _CAUSE_DOCS.get(cause, plain)


ALL_OUTCOME_FIELDS = outcome_fields((*OUTCOMES, OTHER))
"""Every column that the list can have, for the documentation."""


def outcome_rows(
    customer_id: "pd.Series[str]",
    incidence: Floats,
    horizons: tuple[int, ...],
    causes: tuple[str, ...],
    stamp: Stamp,
) -> pd.DataFrame:
    """One row per customer and horizon, in the customers' order, horizons rising.

    ``incidence`` (n, len(horizons), 1 + causes) as the model gives it. The chances of a row are
    whole millionths that add up to one; no cause falls from one horizon to the next.
    """
    parts = rounded(incidence).reshape(-1, 1 + len(causes)) / 1e6
    chances = dict(zip(("stayed", *causes), parts.T, strict=True))
    rows = pd.DataFrame(
        {
            "schema_version": SCHEMA_VERSION,
            "run_id": stamp.run_id,
            "as_of_date": pd.Timestamp(stamp.as_of),
            "customer_id": customer_id.repeat(len(horizons)).to_numpy(),
            "horizon_days": np.tile(horizons, len(customer_id)),
            **chances,
            "model_version": stamp.model_version,
        }
    )
    texts = rows.select_dtypes(exclude=["number", "datetime"]).columns
    return rows.astype(dict.fromkeys(texts, "str"))
