"""Contact permissions: consent, opt-outs, reservation register and cooldown, by channel.

The default is closed: what nobody has allowed, or what nobody has looked up lately, is not allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from pipelines.config.lists import Channel, LegalBasis

CONTACT_CHANNELS: tuple[Channel, ...] = ("phone", "sms", "email", "post")
_IN_REGISTER: tuple[Channel, ...] = ("phone", "post")

CUSTOMER_RULES = ("unread", "vulnerable", "open_complaint", "opted_out", "cooldown")
CHANNEL_RULES = ("channel_opted_out", "reserved", "register_old", "no_consent", "quiet_day")
BLOCK_REASONS = (*CUSTOMER_RULES, *CHANNEL_RULES)


@dataclass(frozen=True, slots=True)
class ContactRules:
    """What a company has decided, with its lawyer, about contacting its customers.

    ``legal_basis``: a channel that is not named is never used. ``cooldown_days``: no second
    outreach within so many days. ``register_days``: how old a look-up in the reservation
    register may be; None where no register has to be asked. ``quiet``: the as-of date is a day
    on which nobody is called.
    """

    legal_basis: Mapping[Channel, LegalBasis]
    cooldown_days: int
    register_days: int | None
    quiet: bool


def allowed_contact(customers: pd.DataFrame, rules: ContactRules, as_of: date) -> pd.DataFrame:
    """``contact_allowed_<channel>`` (bool) and ``contact_block_reason`` (text or null) by customer.

    ``customers`` has one row per customer, as the company knows them now: ``unread`` (bool: what is
    known could not be read), ``vulnerable``, ``open_complaint``, ``opted_out`` and
    ``opted_out_<channel>`` (bool), ``consent_<channel>`` (True, False or null: never asked),
    ``reserved_phone``, ``reserved_post`` (bool), ``register_on`` (the day the register was
    asked, null for never) and ``last_outreach_on`` (day or null). A consent that was withdrawn
    closes its channel whatever the basis. The reason is given where no channel is open: the
    first rule of ``BLOCK_REASONS`` that closes one.
    """
    barred = {rule: _true(customers[rule]) for rule in CUSTOMER_RULES if rule != "cooldown"}
    barred["cooldown"] = _days_before(customers["last_outreach_on"], as_of) < rules.cooldown_days
    closed = {
        channel: _channel_rules(customers, rules, as_of, channel) for channel in CONTACT_CHANNELS
    }
    everybody = np.logical_or.reduce([*barred.values()])
    allowed = {
        f"contact_allowed_{channel}": ~(everybody | np.logical_or.reduce([*hits.values()]))
        for channel, hits in closed.items()
    }
    reason = np.full(len(customers), None, dtype=object)
    for rule in reversed(BLOCK_REASONS):
        hit = [hits[rule] for hits in (barred, *closed.values()) if rule in hits]
        reason[np.logical_or.reduce(hit)] = rule
    reason[np.logical_or.reduce([*allowed.values()])] = None
    reasons = pd.Series(reason, index=customers.index, dtype="str")
    return pd.DataFrame({**allowed, "contact_block_reason": reasons}, customers.index)


def _channel_rules(
    customers: pd.DataFrame, rules: ContactRules, as_of: date, channel: Channel
) -> dict[str, np.ndarray]:
    consent = customers[f"consent_{channel}"].astype("boolean")
    basis = rules.legal_basis.get(channel)
    unasked = consent.isna().to_numpy() if basis != "customer_relation" else False
    found = {
        "channel_opted_out": _true(customers[f"opted_out_{channel}"]),
        "no_consent": unasked | ~consent.fillna(value=True).to_numpy(dtype=bool) | (basis is None),
        "quiet_day": np.full(len(customers), channel == "phone" and rules.quiet),
    }
    if channel in _IN_REGISTER and rules.register_days is not None:
        age = _days_before(customers["register_on"], as_of)
        found["reserved"] = _true(customers[f"reserved_{channel}"])
        found["register_old"] = ~(age <= rules.register_days)
    return found


def _true(values: pd.Series) -> np.ndarray:
    return values.astype("boolean").fillna(value=False).to_numpy(dtype=bool)


def _days_before(days: pd.Series, as_of: date) -> np.ndarray:
    """Days from each day to the as-of date; infinite where there is none.

    A day after the as-of date counts as the as-of date itself.
    """
    passed = (pd.Timestamp(as_of) - pd.to_datetime(days)).dt.days
    return passed.clip(lower=0).fillna(np.inf).to_numpy(dtype="float64")
