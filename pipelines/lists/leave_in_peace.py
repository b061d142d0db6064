"""Suppression of needless contact: the satisfied and silent."""

from datetime import date

import pandas as pd

from models.causal.sleeping_dogs import days_since
from pipelines.config.lists import Peace


def satisfied_silent(peace: Peace, scored: pd.DataFrame, as_of: date) -> "pd.Series[bool]":
    """Satisfied at the latest survey, which is not too old, and without contact since long."""
    score = scored.reindex(columns=["csat_last_score"])["csat_last_score"]
    if peace.csat is None:
        return pd.Series(False, index=scored.index)
    on = scored.reindex(columns=["csat_last_on", "last_contact_on"])
    satisfied = score.astype("float64") >= peace.csat
    lately = days_since(on["csat_last_on"], as_of) <= peace.survey_days
    spoken = days_since(on["last_contact_on"], as_of)
    return satisfied & lately & (spoken.isna() | (spoken >= peace.silent_days))
