"""Placement of the night's customers: permissions, arm, peace, value and lane.

It joins what the steps need; the rules themselves are in ``lanes`` and ``contact``. Contact may
wake who stays out of inertia (Ascarza, Iyengar and Schleicher 2016).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.causal.sleeping_dogs import asleep, days_since
from models.dataset.array_types import Floats
from models.metrics.profit import Contacts, uplift_value
from pipelines.config.economics import actions_with_offer, contacts_of
from pipelines.config.lists import Peace
from pipelines.config.settings import Settings
from pipelines.lists.contact import allowed_contact
from pipelines.lists.holdout import arms
from pipelines.lists.lanes import RULES, Capacity, place
from pipelines.lists.permissions import Permissions
from pipelines.lists.previous_nights import Before, PublishedNight
from pipelines.scoring.scores import REMAINS, UPLIFT


@dataclass(frozen=True, slots=True)
class NightContext:
    """What a night knows of its customers beside the scores.

    ``permissions`` has the index of the scores; ``key`` draws the holdout; ``before`` is what
    earlier nights published.
    """

    permissions: Permissions
    key: bytes
    before: Before


def with_values(settings: Settings, scored: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """``scored`` with ``asleep``, and with values where the company gives economics.

    Where it was measured how a customer like this one responds (``UPLIFT``), that decides and
    nobody counts as asleep. Elsewhere, where no trial has been, the rule before it stands.
    """
    reduction = scored.reindex(columns=[UPLIFT])[UPLIFT].to_numpy(dtype="float64")
    remains = scored.reindex(columns=[REMAINS])[REMAINS].fillna(1.0).to_numpy(dtype="float64")
    sleeps = asleep(scored, as_of, settings.list.peace.asleep_days)
    p = scored["churn_probability"].to_numpy(dtype="float64")
    offers = scored["suggested_action"].isin(actions_with_offer())
    cohort = scored.assign(asleep=sleeps, makes_offer=offers, as_of=pd.Timestamp(as_of))
    contacts = contacts_of(settings, cohort, p, as_of)
    scored = scored.assign(asleep=sleeps & np.isnan(reduction))
    if contacts is None:
        return scored

    def worth(each: Contacts) -> Floats:
        stays = remains * (1 - p)
        by_effect = uplift_value(reduction, each.value, each.economics, stays, each.offers)
        return np.where(np.isnan(reduction), each.worth(p, remains), by_effect)

    low, high = contacts
    return scored.assign(
        expected_value=worth(low),
        expected_value_high=worth(high),
        value_at_risk=p * remains * low.value,
        currency=settings.company.currency,
    )


def place_customers(
    settings: Settings, scored: pd.DataFrame, context: NightContext, as_of: date
) -> pd.DataFrame:
    """``scored`` with the columns of the lists about contact, arm and lane.

    ``scored`` has the columns of ``place`` that a rule table and economics give, and facts.
    """
    contact, before = settings.contact, context.before
    customers = context.permissions.customers
    household = customers["household_id"]
    allowed = allowed_contact(customers, contact, as_of, settings.company.country)
    scored = scored.join(allowed).assign(
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
        lane_rule_source=lanes["lane_rule"].map({name: by for name, (_, by) in RULES.items()}),
        call_from=np.where(scored["contact_allowed_phone"], f"{first:%H:%M}", ""),
        call_until=np.where(scored["contact_allowed_phone"], f"{last:%H:%M}", ""),
    )


def _of(night: PublishedNight | None, scored: pd.DataFrame, name: str) -> pd.Series:
    """What an earlier night published of each customer; null where it did not."""
    if night is None:
        return pd.Series(None, index=scored.index, dtype=object)
    return night.rows[name].reindex(scored["customer_id"].to_numpy()).set_axis(scored.index)


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
