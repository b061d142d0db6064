from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config.lists import Contact
from pipelines.lists.contact import (
    BLOCK_REASONS,
    CONTACT_CHANNELS,
    allowed_contact,
)

DAY = date(2026, 3, 2)
OPEN = {
    "unread": False,
    "vulnerable": False,
    "open_complaint": False,
    "opted_out": False,
    **{f"opted_out_{channel}": False for channel in CONTACT_CHANNELS},
    **{f"consent_{channel}": True for channel in CONTACT_CHANNELS},
    "reserved_phone": False,
    "reserved_post": False,
    "register_on": DAY,
    "last_outreach_on": None,
}
RULES = Contact(
    legal_basis={
        "phone": "customer_relation",
        "sms": "consent",
        "email": "consent",
        "post": "customer_relation",
    },
    cooldown_days=30,
    register_days=31,
)


def one(rules=RULES, **changed):
    row = allowed_contact(pd.DataFrame([OPEN | changed]), rules, DAY, None).iloc[0]
    open_channels = {c for c in CONTACT_CHANNELS if row[f"contact_allowed_{c}"]}
    reason = row["contact_block_reason"]
    return open_channels, None if pd.isna(reason) else reason


def test_nothing_bars_an_open_customer():
    assert one() == ({"phone", "sms", "email", "post"}, None)


@pytest.mark.promise("barred")
@pytest.mark.parametrize(
    ("changed", "still_open", "reason"),
    [
        ({"unread": True, "vulnerable": True}, set(), "unread"),
        ({"vulnerable": True}, set(), "vulnerable"),
        ({"open_complaint": True}, set(), "open_complaint"),
        ({"opted_out": True}, set(), "opted_out"),
        ({"last_outreach_on": DAY - timedelta(29)}, set(), "cooldown"),
        ({"last_outreach_on": DAY - timedelta(30)}, {"phone", "sms", "email", "post"}, None),
        ({"opted_out_sms": True}, {"phone", "email", "post"}, None),
        ({"reserved_phone": True}, {"sms", "email", "post"}, None),
        ({"register_on": DAY - timedelta(31)}, {"phone", "sms", "email", "post"}, None),
        ({"register_on": DAY - timedelta(32)}, {"sms", "email"}, None),
        ({"register_on": None}, {"sms", "email"}, None),
        ({"consent_email": None}, {"phone", "sms", "post"}, None),
        ({"consent_phone": None}, {"phone", "sms", "email", "post"}, None),
        ({"consent_phone": False}, {"sms", "email", "post"}, None),
        (
            {"register_on": None, "consent_sms": None, "consent_email": False},
            set(),
            "register_old",
        ),
    ],
)
def test_each_rule_bars_what_it_is_about(changed, still_open, reason):
    assert one(**changed) == (still_open, reason)


def test_a_channel_without_a_legal_basis_is_never_used():
    rules = Contact(legal_basis={"email": "consent"}, register_days=None)
    assert one(rules) == ({"email"}, None)
    assert one(rules, consent_email=None) == (set(), "no_consent")


def test_nobody_is_called_on_a_quiet_day():
    rules = RULES.model_copy(update={"quiet_dates": (DAY,)})
    assert one(rules) == ({"sms", "email", "post"}, None)


def test_a_company_that_need_not_ask_the_register_says_so():
    rules = RULES.model_copy(update={"register_days": None})
    assert one(rules, register_on=None, reserved_phone=None) == (set(CONTACT_CHANNELS), None)


TRUTH = st.sampled_from([True, False, None])
DAYS = st.none() | st.integers(-3, 40).map(lambda age: DAY - timedelta(age))
CUSTOMER = st.fixed_dictionaries({name: DAYS if name.endswith("_on") else TRUTH for name in OPEN})
BASES = st.dictionaries(
    st.sampled_from(CONTACT_CHANNELS), st.sampled_from(["consent", "customer_relation"])
)


def barred(row, channel, rules):
    """The rules once more, said for one customer and channel."""
    basis, consent = rules.legal_basis.get(channel), row[f"consent_{channel}"]
    if any(row[rule] for rule in ("unread", "vulnerable", "open_complaint", "opted_out")):
        return True
    outreach = row["last_outreach_on"]
    if outreach is not None and (DAY - min(outreach, DAY)).days < rules.cooldown_days:
        return True
    if basis is None or consent is False or (basis == "consent" and consent is not True):
        return True
    if row[f"opted_out_{channel}"] or (channel == "phone" and rules.quiet_dates):
        return True
    if channel in ("phone", "post") and rules.register_days is not None:
        asked = row["register_on"]
        stale = asked is None or (DAY - min(asked, DAY)).days > rules.register_days
        return bool(stale or row[f"reserved_{channel}"])
    return False


@pytest.mark.promise("barred")
@settings(max_examples=60)
@given(
    st.lists(CUSTOMER, min_size=1, max_size=12),
    BASES,
    st.booleans(),
    st.sampled_from([None, 31]),
)
def test_no_barred_customer_is_ever_allowed(customers, bases, quiet, register_days):
    rules = Contact(
        legal_basis=bases, register_days=register_days, quiet_dates=(DAY,) if quiet else ()
    )
    got = allowed_contact(pd.DataFrame(customers), rules, DAY, None)
    for place, row in enumerate(customers):
        said = got.iloc[place]
        for channel in CONTACT_CHANNELS:
            assert said[f"contact_allowed_{channel}"] == (not barred(row, channel, rules))
        closed = not any(said[f"contact_allowed_{c}"] for c in CONTACT_CHANNELS)
        assert (said["contact_block_reason"] in BLOCK_REASONS) == closed
