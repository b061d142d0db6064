"""Schema of the customer lists: every column, and which list has which.

One table, so that CSV, Parquet, documentation and titles cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import pandas as pd

from pipelines.lists.contact import BLOCK_REASONS, CONTACT_CHANNELS
from pipelines.lists.holdout import ARMS
from pipelines.lists.lanes import LANES, RULES
from pipelines.publication.manifest import Field, columns

SCHEMA_VERSION = "1"
REASONS = 3
BANDS = ("low", "medium", "high", "very_high")
QUALITIES = ("ok", "partial", "cold_start")
_WHY = (
    "A fact of the customer's own that is associated with {} risk in the model; "
    "association is not cause."
)

FIELDS: tuple[Field, ...] = (
    *columns(
        """
        schema_version
        run_id
        as_of_date
        call_rank            integer     1 is called first: the highest expected value.
        customer_id
        product_line         text        Product line.
        segment              text        Customer segment, as the company names it.
        churn_probability    decimal!    Calibrated probability of voluntary notice within the
                                         horizon after the lead time.
        horizon_days
        risk_band            text!       Band of the probability.
        risk_rank            integer!    1 is the highest risk; equals share a rank.
        risk_percentile      percentile  Share of the list with at most this risk, 0 to 100.
        risk_change_7d       decimal     Probability now minus the one published 7 to 13 days ago;
                                         null without one.
        lane                 text!       What becomes of the customer tonight.
        lane_rule            text        Rule that kept the customer off the call list.
        lane_rule_source     text        Whose rule that is.
        is_new               boolean!    On the call list, and not the night before.
        nights_on_list       integer!    Published nights in a row on the call list, this one
                                         included; 0 when not on it.
        expected_value       amount      What contacting the customer is expected to bring, at the
                                         low acquisition multiple.
        expected_value_high  amount      The same at the high acquisition multiple.
        value_at_risk        amount      Chance of a notice before any other end, times the
                                         customer's value at the low multiple.
        currency
        """,
        risk_band=BANDS,
        lane=LANES,
        lane_rule=(*RULES,),
    ),
    *chain.from_iterable(
        columns(
            f"""
            reason_{number}_driver        text     Driver of reason {number}: first those that can
                                                   be acted on, then others, strongest first.
            reason_{number}_text          text     {_WHY.format("higher")}
            reason_{number}_contribution  decimal  Contribution of the driver, or of the company's
                                                   own attribute in the sentence, in log-odds.
            """
        )
        for number in range(1, REASONS + 1)
    ),
    *columns(
        f"""
        protective_1_driver  text        Driver that lowers the risk most.
        protective_1_text    text        {_WHY.format("lower")}
        suggested_action     text        What the rule table names for the first reason that
                                         calls for something.
        opening_text         text        What may be said first where that action meets the
                                         customer.
        no_action_text       text        Why the rule table names nothing to do; null with an
                                         action.
        do_not               text        What the rule table forbids for this customer, joined by
                                         `;`.
        minutes              decimal     Minutes of an agent's time that the action takes.
        preferred_channel    text        Channel that the customer prefers.
        use_channel          text        Channel of the outreach: the preferred one where it is
                                         allowed, else the first of contact.order that is.
        """,
        use_channel=CONTACT_CHANNELS,
    ),
    *columns(
        "\n".join(
            f"contact_allowed_{at} boolean! An outreach by {at} is allowed, as read at publication."
            for at in CONTACT_CHANNELS
        )
    ),
    *columns(
        """
        contact_block_reason text        Why no channel is open; null where one is.
        call_from            text        Not phoned before, local time; null unless by phone.
        call_until           text        Not phoned after, local time; null unless by phone.
        team                 text        Team, or number of the agent, whose worklist has the row.
        open_case_id         text        The customer's open case.
        binding_until        date        Last day of the binding period.
        last_contact_on      date        Day of the latest contact.
        arm                  text!       Treated or held out, by household; stays over the nights.
        data_quality         text!       How much the score rests on.
        model_version
        """,
        contact_block_reason=BLOCK_REASONS,
        arm=ARMS,
        data_quality=QUALITIES,
    ),
)

EMPTY_LEFT_OUT = frozenset(
    {"segment", "open_case_id", "binding_until", "last_contact_on", "preferred_channel", "team"}
)
"""Columns that are left out where the company has no data for them."""

_OF_SOME_LISTS = ("call_rank", "lane_rule_source", "minutes", "call_from", "call_until")
_WHO = ("schema_version", "run_id", "as_of_date", "customer_id", "product_line", "segment")
_RULED = (
    *_WHO,
    *("churn_probability", "risk_band", "risk_rank", "lane_rule", "lane_rule_source"),
    *("expected_value", "currency", "contact_block_reason", "arm", "model_version"),
)


def _all_but(*names: str) -> tuple[str, ...]:
    return tuple(field.name for field in FIELDS if field.name not in names)


@dataclass(frozen=True, slots=True)
class LaneList:
    """The list of one lane, or of its part to ``phone`` or write to; columns as in ``FIELDS``."""

    lane: str
    description: str
    columns: tuple[str, ...]
    phone: bool | None = None

    def members(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Its rows of the risk list, the called by rank, the others riskiest first."""
        found = rows[rows["lane"].eq(self.lane)]
        if self.phone is not None:
            found = found[found["use_channel"].eq("phone").eq(self.phone)]
        return found.sort_values("call_rank", kind="stable")


ALL = _all_but()
RISK_LIST = _all_but(*_OF_SOME_LISTS)
_RULES, _HOURS = ("lane_rule", "lane_rule_source", "no_action_text"), ("call_from", "call_until")
_WITHOUT_CALLS = _all_but("call_rank", "use_channel", *_HOURS, *_RULES)
LANE_LISTS: Mapping[str, LaneList] = {
    "call_list": LaneList(
        "call",
        "whom to phone tonight, first the highest expected value: phoning is allowed, the "
        "treatment arm, worth it, one a household, within the team's minutes",
        _all_but(*_RULES),
        phone=True,
    ),
    "write_list": LaneList(
        "call",
        "whom to write to instead, by the same rules: an e-mail, SMS or letter is allowed",
        _all_but(*_HOURS, *_RULES),
        phone=False,
    ),
    "fix_list": LaneList(
        "fix", "the company's own faults: repaired without contacting anybody", _WITHOUT_CALLS
    ),
    "service_list": LaneList("service", "service information to send", _WITHOUT_CALLS),
    "leave_in_peace": LaneList(
        "leave_in_peace",
        "whom a list by risk would have called, but contact is expected to do harm, the "
        "satisfied and silent, and those asleep",
        _RULED,
    ),
    "suppressed": LaneList(
        "suppressed", "who would have been considered, and the rule that left them out", _RULED
    ),
}
