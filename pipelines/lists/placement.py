"""Placement of the night's customers: permissions, arm, peace, value and lane.

It joins what the steps need; the rules themselves are in ``lanes`` and ``contact``. Contact may
wake who stays out of inertia (Ascarza, Iyengar and Schleicher 2016).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from pipelines.config.settings import Settings
from pipelines.lists.contact import ContactRules, allowed_contact
from pipelines.lists.holdout import arms
from pipelines.lists.lanes import RULES, Capacity, place
from pipelines.lists.leave_in_peace import satisfied_silent
from pipelines.lists.permissions import Permissions
from pipelines.lists.previous_nights import Before, PublishedNight


@dataclass(frozen=True, slots=True)
class NightContext:
    """What a night knows of its customers beside the scores.

    ``permissions`` has the index of the scores; ``key`` draws the holdout; ``before`` is what
    earlier nights published.
    """

    permissions: Permissions
    key: bytes
    before: Before


def place_customers(
    settings: Settings, scored: pd.DataFrame, context: NightContext, as_of: date
) -> pd.DataFrame:
    """``scored`` with the columns of the lists about contact, arm and lane.

    ``scored`` has the columns of ``place`` that a rule table and economics give, and facts.
    """
    contact, before = settings.contact, context.before
    quiet = contact.quiet(as_of, settings.company.country)
    rules = ContactRules(contact.legal_basis, contact.cooldown_days, contact.register_days, quiet)
    household = context.permissions.customers["household_id"]
    scored = scored.join(allowed_contact(context.permissions.customers, rules, as_of)).assign(
        arm=arms(scored["customer_id"], household, context.key, settings.list.holdout_share)
    )
    was_called = _of(before.last, scored, "lane").eq("call")
    asked = scored.assign(
        expected_value=scored.get("expected_value", np.nan),
        satisfied_silent=satisfied_silent(settings.list.peace, scored, as_of),
        household_id=household,
        was_called=was_called,
    )
    lanes = place(asked, Capacity(settings.list.capacity_minutes))
    called = lanes["lane"].eq("call")
    nights = _of(before.last, scored, "nights_on_list").where(was_called).astype("float64")
    week_ago = _of(before.week_ago, scored, "churn_probability").astype("float64")
    first, last = contact.calling_hours
    return scored.join(lanes).assign(
        is_new=called & ~was_called,
        nights_on_list=(nights.fillna(0) + 1).where(called, 0),
        risk_change_7d=scored["churn_probability"].round(6) - week_ago,
        lane_rule_source=lanes["lane_rule"].map({name: by.source for name, by in RULES.items()}),
        call_from=np.where(scored["contact_allowed_phone"], f"{first:%H:%M}", ""),
        call_until=np.where(scored["contact_allowed_phone"], f"{last:%H:%M}", ""),
    )


def _of(night: PublishedNight | None, scored: pd.DataFrame, name: str) -> pd.Series:
    """What an earlier night published of each customer; null where it did not."""
    if night is None:
        return pd.Series(None, index=scored.index, dtype=object)
    return night.rows[name].reindex(scored["customer_id"].to_numpy()).set_axis(scored.index)
