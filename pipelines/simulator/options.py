"""What a caller may set: the numbers of the leaving rule, and the dials of the tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

CODES = (
    *("bill_shock", "bill_correction", "unclear_bill", "dunning", "payment_failure"),
    *("payment_method", "payment_setup", "price_rise", "silent_price_rise", "newcomer_offer"),
    *("closed_tariff", "binding", "bundle", "wait", "unresolved_case", "late_delivery"),
    *("bot_loop", "fault_response", "repeat_contact", "scattered_history"),
    *("uninformed_incident", "satisfaction", "tenure", "product", "missing_reading"),
    *("loyalty_benefit", "market_gap", "self_service", "complaint", "noise"),
    *("contradicting_message", "forced_channel", "household", "benefits_used"),
    *("channel_mix", "survey_silence", "outreach", "contact_volume", "claims", "profile"),
)
"""Every driver code; those of the last line change no risk, but for ``outreach`` where lists are
acted on and ``claims`` where insurance is sold."""

DECAY = {
    signal: share
    for share, signals in (
        (0.50, ("wait", "missing_reading")),
        (0.55, ("bill_shock", "unclear_bill", "bot_loop", "satisfaction", "noise")),
        (0.60, ("payment_failure", "fault_response", "self_service", "self_service_success")),
        (0.60, ("contradicting_message", "forced_channel")),
        (0.65, ("bill_correction", "dunning", "late_delivery", "scattered_history")),
        (0.68, ("unresolved_case",)),
        (0.70, ("payment_setup", "complaint")),
        (0.75, ("silent_price_rise", "household", "claims", "claims_honoured")),
        (0.78, ("uninformed_incident", "kept_informed")),
        (0.80, ("bundle_broken", "benefits_used")),
        (0.82, ("repeat_contact",)),
        (0.83, ("price_rise",)),
        (0.85, ("outreach",)),
    )
    for signal in signals
}
"""What remains of each irritation (or comfort) after a month: it fades over one to six months."""

SIGNALS = tuple(DECAY)

DRIVERS = {
    "bundle_broken": "bundle",
    "self_service_success": "self_service",
    "kept_informed": "uninformed_incident",
    "claims_honoured": "claims",
}
"""The driver a signal counts under; the others are drivers of the same name."""

CAPS = {
    "price_rise": 2.6,
    "unresolved_case": 2.0,
    "repeat_contact": 3.5,
    "dunning": 3.0,
    "bundle_broken": 1.0,
}


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Weights on the log-odds of giving notice in a month, with everything else zero at ``base``.

    ``docs/simulation.md`` says what each acts on, why, and from which source. ``base`` is tuned
    to a voluntary hazard of 1.2–1.8 % a month.
    """

    base: float = -5.6
    bill_shock: float = 0.28
    bill_correction: float = 0.30
    unclear_bill: float = 0.30
    dunning: float = 0.20
    payment_failure: float = 0.40
    payment_setup: float = 0.40
    autopay: float = -0.55
    manual: float = 0.45
    paper: float = 0.25
    autopay_dampens: float = 0.45
    price_rise: float = 1.1
    silent_price_rise: float = 0.45
    newcomer_offer: float = 1.3
    gap_noticed: float = 0.05
    closed_tariff: float = 0.12
    binding: float = -1.5
    binding_fades_days: float = 45.0
    binding_cliff: float = 0.9
    bundle: float = -0.30
    bundle_broken: float = 0.8
    wait: float = 0.25
    unresolved_case: float = 1.25
    late_delivery: float = 0.35
    bot_loop: float = 0.30
    fault_response: float = 0.20
    repeat_contact: float = 0.70
    scattered_history: float = 0.18
    uninformed_incident: float = 0.65
    kept_informed: float = -0.15
    satisfaction: float = 0.20
    missing_reading: float = 0.15
    loyalty_benefit: float = -0.25
    no_benefit: float = 0.08
    benefits_used: float = -0.10
    outreach: float = -2.0
    claims: float = 0.70
    claims_honoured: float = -0.20
    market_gap: float = 0.80
    market_gap_irritated: float = 0.5
    self_service: float = 0.30
    self_service_success: float = -0.08
    complaint: float = 0.80
    noise: float = 0.25
    contradicting_message: float = 0.40
    forced_channel: float = 0.30
    household: float = 0.90
    first_year: float = 0.30
    settled: float = -0.15
    broadband: float = 0.08
    telephony: float = 0.15
    insurance: float = -0.15
    season: float = 0.10
    frailty_sd: float = 0.35
    monthly_sd: float = 0.10


THE_RULE = Coefficients()

TYPES = ("sleeping_dog", "sure", "lost", "persuadable")
"""Customers by what being contacted does to them, in the order in which they are dealt."""

USUAL_TYPES: Mapping[str, float] = MappingProxyType(
    {"persuadable": 0.25, "sure": 0.45, "lost": 0.20, "sleeping_dog": 0.10}
)
USUAL_LATE_SHARE, USUAL_CORRECTIONS = 0.015, 0.008


@dataclass(frozen=True, slots=True)
class Dials:
    """``late_share``: rows of event tables that become known one to ten days late.

    ``corrections``: about the share of bills that are corrected, estimated ones far more often.
    ``acted_on``: share of those with an unresolved case who are called at the start of each month,
    mostly with success; the others are held out, always the same ones.
    ``dirty``: rows that break the contract. ``types``: share of customers of each type.
    Raises ``ValueError`` for shares outside 0 to 1, unknown types, or types that do not add up
    to 1.
    """

    late_share: float = USUAL_LATE_SHARE
    corrections: float = USUAL_CORRECTIONS
    dirty: float = 0.0
    acted_on: float = 0.0
    types: Mapping[str, float] = field(default_factory=lambda: USUAL_TYPES)

    def __post_init__(self) -> None:
        for name in ("late_share", "corrections", "dirty", "acted_on"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f"{name} {share} must lie between 0 and 1")
        wrong = set(self.types) != set(TYPES) or min(self.types.values(), default=-1) < 0
        if wrong or abs(sum(self.types.values()) - 1) > 1e-9:
            raise ValueError(
                f"types {dict(self.types)} must give each of {', '.join(sorted(TYPES))} a share, "
                "1 together"
            )
