"""Suppression of needless contact: the satisfied and silent, and sleeping dogs.

Contact may wake who stays out of inertia (Ascarza, Iyengar and Schleicher 2016).
"""

from datetime import date

import pandas as pd

from pipelines.config.lists import Peace

_DEALINGS = ("last_contact_on", "latest_complaint_on", "latest_treatment_on")
_WINDOWS = (30, 90, 365)


def satisfied_silent(peace: Peace, scored: pd.DataFrame, as_of: date) -> "pd.Series[bool]":
    """Satisfied at the latest survey, which is not too old, and without contact since long."""
    score = scored.reindex(columns=["csat_last_score"])["csat_last_score"]
    if peace.csat is None:
        return pd.Series(False, index=scored.index)
    satisfied = score.astype("float64") >= peace.csat
    lately = _days_since(scored, "csat_last_on", as_of) <= peace.survey_days
    spoken = _days_since(scored, "last_contact_on", as_of)
    return satisfied & lately & (spoken.isna() | (spoken >= peace.silent_days))


def asleep(peace: Peace, scored: pd.DataFrame, as_of: date) -> "pd.Series[bool]":
    """On autopay, and nothing to do with the company for ``peace.asleep_days``.

    No contact either way, no complaint, no outreach and nothing finished in self-service, of
    which a window at least as long is asked. Nobody where the way of paying is not known.
    """
    if peace.asleep_days is None:
        return pd.Series(False, index=scored.index)
    window = next((days for days in _WINDOWS if days >= peace.asleep_days), _WINDOWS[-1])
    helped = f"self_service_success_{window}d"
    facts = scored.reindex(columns=["autopay", helped]).astype("float64").fillna(0)
    quiet = (facts["autopay"] > 0) & (facts[helped] <= 0)
    for name in _DEALINGS:
        quiet &= ~(_days_since(scored, name, as_of) < peace.asleep_days)
    return quiet


def _days_since(scored: pd.DataFrame, name: str, as_of: date) -> "pd.Series[float]":
    given = pd.to_datetime(scored.reindex(columns=[name])[name])
    return (pd.Timestamp(as_of) - given).dt.days.astype("float64")
