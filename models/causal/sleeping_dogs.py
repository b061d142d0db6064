"""Sleeping dogs: customers who stay out of inertia, whom contact may wake.

A retention contact made customers leave who stayed out of inertia: it lowered the inertia and made
usage salient (Ascarza, Iyengar and Schleicher 2016, J. Marketing Research 53).
"""

from datetime import date

import pandas as pd

_DEALINGS = ("last_contact_on", "latest_complaint_on", "latest_treatment_on")
_WINDOWS = (30, 90, 365)


def facts_of_sleep(days: int | None) -> tuple[str, ...]:
    """Columns that ``asleep`` asks for: of self-service, a window at least as long as ``days``."""
    if days is None:
        return ()
    window = next((window for window in _WINDOWS if window >= days), _WINDOWS[-1])
    return ("autopay", f"self_service_success_{window}d", *_DEALINGS)


def asleep(
    customers: pd.DataFrame, as_of: "date | pd.Series[pd.Timestamp]", days: int | None
) -> "pd.Series[bool]":
    """On autopay, and nothing to do with the company for ``days`` before ``as_of``.

    No contact either way, no complaint, no outreach and nothing finished in self-service.
    ``as_of`` is one day, or each row's own. Nobody where the way of paying is not known, nor
    where ``days`` is None.
    """
    facts = customers.reindex(columns=[*facts_of_sleep(days)])
    if days is None:
        return pd.Series(False, index=facts.index)
    paid, helped, *dealings = facts.columns
    numbers = facts[[paid, helped]].astype("float64").fillna(0)
    quiet = (numbers[paid] > 0) & (numbers[helped] <= 0)
    for name in dealings:
        quiet &= ~(days_since(facts[name], as_of) < days)
    return quiet


def days_since(days: "pd.Series", as_of: "date | pd.Series[pd.Timestamp]") -> "pd.Series[float]":
    """Days from each of ``days`` (dates or texts of dates, null: unknown) to ``as_of``."""
    return (pd.to_datetime(as_of) - pd.to_datetime(days)).dt.days.astype("float64")
