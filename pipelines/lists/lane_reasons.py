"""Exclusion rules: what keeps a customer off the call list, in words, with the source.

A customer who asks why nobody called gets the rule by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class LaneRule:
    """A rule as people read it, and its source."""

    says: str
    source: str


_LAW = "Norwegian Marketing Control Act; docs/allowed-contact.md"
_COMPANY = "company's configuration"

RULES: Mapping[str, LaneRule] = MappingProxyType(
    {
        "unread": LaneRule(
            "What customers allow could not be read at publication, or a row of this customer's "
            "breaks the contract.",
            "closed by default; docs/allowed-contact.md",
        ),
        "vulnerable": LaneRule(
            "The company has marked the customer as vulnerable.", "company's contact_bars"
        ),
        "open_complaint": LaneRule("A complaint is open: nothing is sold to it.", "S0"),
        "opted_out": LaneRule(
            "The customer objected to this use or to all contact.", "GDPR art. 21"
        ),
        "cooldown": LaneRule(
            "An action of the list was taken less than contact.cooldown_days ago.",
            f"S0, S3: no noise; {_COMPANY}",
        ),
        "channel_opted_out": LaneRule(
            "The customer refused the channel, and no other is open.", "GDPR art. 21"
        ),
        "reserved": LaneRule(
            "The reservation register bars the channel, and no other is open.", _LAW
        ),
        "register_old": LaneRule(
            "The register was not asked within contact.register_days, and no other channel is "
            "open.",
            _LAW,
        ),
        "no_consent": LaneRule(
            "The channel's legal basis is missing for this customer, and no other is open.", _LAW
        ),
        "quiet_day": LaneRule("Nobody is called on this day, and no other channel is open.", _LAW),
        "no_action": LaneRule(
            "None of the given reasons calls for a contact; reasons are given to the first rows.",
            "S0, S3: no contact without a reason of the customer's own; configs/actions.yaml",
        ),
        "satisfied_silent": LaneRule(
            "Satisfied at the latest survey and silent since long: list.peace.",
            "S4: no contact can be the best service; S1",
        ),
        "asleep": LaneRule(
            "Asleep (on autopay, nothing to do with the company for list.peace.asleep_days), and "
            "contact, which may wake them, is not expected to save more than it loses.",
            "an assumption: Ascarza, Iyengar and Schleicher 2016; S3, S4",
        ),
        "not_worth_it": LaneRule(
            "Contact is expected to lose more than it saves, as it makes some stayers leave.",
            "Ascarza, Iyengar and Schleicher 2016; economics of the configuration",
        ),
        "household": LaneRule("Another member of the household is called for.", "S0, S3: no noise"),
        "holdout": LaneRule(
            "Held out, so that it can be measured whether contacting helps.", "docs/outputs.md"
        ),
        "capacity": LaneRule("Worth less per minute than what fills the team's time.", _COMPANY),
    }
)
