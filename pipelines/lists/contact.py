"""Contact permissions: consent, opt-outs, reservation register and cooldown, by channel.

The default is closed: what nobody has allowed, or what nobody has looked up lately, is not allowed.
"""

from collections.abc import Collection
from datetime import date

import numpy as np
import pandas as pd

from models.causal.sleeping_dogs import days_since
from pipelines.config.lists import Channel, Contact

CONTACT_CHANNELS: tuple[Channel, ...] = ("phone", "sms", "email", "post")
_IN_REGISTER: tuple[Channel, ...] = ("phone", "post")

CUSTOMER_RULES = ("unread", "vulnerable", "open_complaint", "opted_out", "cooldown")
CHANNEL_RULES = ("channel_opted_out", "reserved", "register_old", "no_consent", "quiet_day")
BLOCK_REASONS = (*CUSTOMER_RULES, *CHANNEL_RULES)


def allowed_contact(
    customers: pd.DataFrame, rules: Contact, as_of: date, country: str | None
) -> pd.DataFrame:
    """``contact_allowed_<channel>`` (bool) and ``contact_block_reason`` (text or null) by customer.

    ``rules`` are what the company has decided with its lawyer; no second outreach within their
    ``cooldown_days``. ``country`` (ISO 3166, two letters) is where public holidays count.
    ``customers`` has one row per customer, as the company knows them now: ``unread`` (bool: what is
    known could not be read), ``vulnerable``, ``open_complaint``, ``opted_out`` and
    ``opted_out_<channel>`` (bool), ``consent_<channel>`` (True, False or null: never asked),
    ``reserved_phone``, ``reserved_post`` (bool), ``register_on`` (the day the register was
    asked, null for never) and ``last_outreach_on`` (day or null). A consent that was withdrawn
    closes its channel whatever the basis. The reason is given where no channel is open: the
    first rule of ``BLOCK_REASONS`` that closes one.
    """
    barred = {rule: _true(customers[rule]) for rule in CUSTOMER_RULES if rule != "cooldown"}
    # An outreach after the as-of date counts as one of that day.
    quiet = days_since(customers["last_outreach_on"], as_of).clip(lower=0)
    barred["cooldown"] = quiet.lt(rules.cooldown_days).to_numpy()
    closed = {c: _channel_rules(customers, rules, as_of, c) for c in CONTACT_CHANNELS}
    closed["phone"]["quiet_day"] = np.full(len(customers), rules.quiet(as_of, country))
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


def use_channel(
    allowed: pd.DataFrame, preferred: "pd.Series[str]", order: Collection[Channel]
) -> "pd.Series[str]":
    """The channel of an outreach by customer: the preferred one if allowed, else the first that is.

    ``allowed`` has ``contact_allowed_<channel>``; ``order`` are the channels that the company
    uses. Null where none is allowed.
    """
    chosen = np.full(len(allowed), None, dtype=object)
    open_to = {c: allowed[f"contact_allowed_{c}"].to_numpy(dtype=bool) for c in order}
    for channel in reversed([*order]):
        chosen[open_to[channel]] = channel
    for channel, may in open_to.items():
        chosen[may & preferred.eq(channel).to_numpy(dtype=bool, na_value=False)] = channel
    return pd.Series(chosen, index=allowed.index, dtype="str")


def _channel_rules(
    customers: pd.DataFrame, rules: Contact, as_of: date, channel: Channel
) -> dict[str, np.ndarray]:
    consent = customers[f"consent_{channel}"].astype("boolean")
    basis = rules.legal_basis.get(channel)
    unasked = consent.isna().to_numpy() if basis != "customer_relation" else False
    found = {
        "channel_opted_out": _true(customers[f"opted_out_{channel}"]),
        "no_consent": unasked | ~consent.fillna(value=True).to_numpy(dtype=bool) | (basis is None),
    }
    if channel in _IN_REGISTER and rules.register_days is not None:
        age = days_since(customers["register_on"], as_of)
        found["reserved"] = _true(customers[f"reserved_{channel}"])
        found["register_old"] = ~age.le(rules.register_days).to_numpy()
    return found


def _true(values: pd.Series) -> np.ndarray:
    return values.astype("boolean").fillna(value=False).to_numpy(dtype=bool)
