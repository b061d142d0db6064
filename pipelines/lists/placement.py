"""Placement of the night's customers: permissions, arm, peace, value and lane.

It joins what the steps need; the rules themselves are in ``lanes`` and ``contact``. Contact may
wake who stays out of inertia (Ascarza, Iyengar and Schleicher 2016).
"""

import hmac
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.causal.uplift import woken_shares
from models.dataset.array_types import Floats
from models.dataset.examples import MARGIN
from models.metrics.profit import expected_value, uplift_value
from pipelines.config.lists import Peace
from pipelines.config.settings import Settings, customer_values, economics_of
from pipelines.lists.contact import ContactRules, allowed_contact
from pipelines.lists.lanes import RULES, Capacity, place
from pipelines.lists.permissions import Permissions
from pipelines.lists.previous_nights import Before, PublishedNight
from pipelines.scoring.scores import UPLIFT

ARMS = ("treat", "holdout")
_DRAW = b"stille arm\x00"


def arms(customer_id: "pd.Series[str]", key: bytes, holdout_share: float) -> "pd.Series[str]":
    """``treat`` or ``holdout`` for each customer, from the keyed hash of the id alone.

    A customer is held out when HMAC-SHA-256(key, id), read as a number in [0, 1), lies below
    ``holdout_share``. Whoever does not have the key cannot tell or choose an arm, and no other
    customer, night, order or risk enters, so the arm stays for as long as the key does; a larger
    share only adds customers to the holdout.

    Stratified by risk band: the same share is drawn in every band, each customer independently
    of the band, so within a band the arms differ by chance alone and the band's holdout is
    ``holdout_share`` of it up to a binomial error. Exact quotas in each band would need an arm to
    depend on who else is in the band that night, and the arm of a customer who moves to another
    band would jump. The manifest counts the arms by band, so that an analysis compares within
    bands.
    """
    draws = (hmac.digest(key, _DRAW + id_.encode(), "sha256") for id_ in customer_id.astype("str"))
    lots = np.array([int.from_bytes(draw[:8], "big") / 2.0**64 for draw in draws])
    arm = np.where(lots < holdout_share, "holdout", "treat")
    return pd.Series(arm, index=customer_id.index, dtype="str")


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
    settings: Settings, scored: pd.DataFrame, known: NightContext, as_of: date
) -> pd.DataFrame:
    """``scored`` with the columns of the lists about contact, arm and lane.

    ``scored`` has the columns of ``place`` that a rule table and economics give, and facts.
    """
    contact, before = settings.contact, known.before
    rules = ContactRules(
        contact.legal_basis, contact.cooldown_days, contact.register_days, contact.quiet(as_of)
    )
    scored = scored.join(allowed_contact(known.permissions.known, rules, as_of)).assign(
        arm=arms(scored["customer_id"], known.key, settings.list.holdout_share)
    )
    was_called = _of(before.last, scored, "lane").eq("call")
    asked = scored.assign(
        expected_value=scored.get("expected_value", np.nan),
        satisfied_silent=satisfied_silent(settings.list.peace, scored, as_of),
        household_id=known.permissions.known["household_id"],
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
        call_from=f"{first:%H:%M}",
        call_until=f"{last:%H:%M}",
    )


def _of(night: PublishedNight | None, scored: pd.DataFrame, name: str) -> pd.Series:
    """What an earlier night published of each customer; null where it did not."""
    if night is None:
        return pd.Series(None, index=scored.index, dtype=object)
    return night.rows[name].reindex(scored["customer_id"].to_numpy()).set_axis(scored.index)


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


def with_values(settings: Settings, scored: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """``scored`` with ``asleep``, and with values where the company gives economics.

    Where it was measured who responds (``kept``), that decides and nobody counts as asleep.
    """
    sleeps = asleep(settings.list.peace, scored, as_of) & (UPLIFT not in scored)
    scored = scored.assign(asleep=sleeps)
    economics = economics_of(settings)
    margin = scored.reindex(columns=[MARGIN])[MARGIN].astype("float64")
    values = customer_values(settings, np.asarray(margin, dtype=np.float64))
    if economics is None or values is None:
        return scored
    p = scored["churn_probability"].to_numpy(dtype="float64")
    woken = woken_shares(p, sleeps.to_numpy(dtype=bool), economics.woken_share)

    def worth(value: Floats) -> Floats:
        if UPLIFT in scored:
            return uplift_value(scored[UPLIFT].to_numpy(dtype="float64"), value, economics)
        return expected_value(p, value, economics, woken)

    low, high = values
    return scored.assign(
        expected_value=worth(low),
        expected_value_high=worth(high),
        value_at_risk=p * low,
        currency=settings.company.currency,
    )
