"""What a caller may set: the numbers of the leaving rule, and the dials of the tables."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from features.catalog import build_catalog
from features.contract import TABLES

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
    )
    for signal in signals
}
"""What remains of each irritation (or comfort) after a month: it fades over one to six months."""

SIGNALS = tuple(DECAY)
CALL_REMAINS = 0.85
"""What remains of a call's effect after a month."""

DRIVERS = {
    "bundle_broken": "bundle",
    "self_service_success": "self_service",
    "kept_informed": "uninformed_incident",
    "claims_honoured": "claims",
}
"""The driver a signal counts under; the others are drivers of the same name."""


TYPES = ("sleeping_dog", "sure", "lost", "persuadable")
"""Customers by what being contacted does to them, in the order in which they are dealt."""

USUAL_TYPES: Mapping[str, float] = MappingProxyType(
    {"persuadable": 0.25, "sure": 0.45, "lost": 0.20, "sleeping_dog": 0.10}
)
Sleepers = Literal["silence", "price"]
Share = Annotated[float, Field(ge=0, le=1)]


def _of_all(types: Mapping[str, float]) -> Mapping[str, float]:
    if types.keys() != set(TYPES) or min(types.values()) < 0 or abs(sum(types.values()) - 1) > 1e-9:
        raise ValueError(f"give each of {', '.join(sorted(TYPES))} a share, 1 together")
    return types


Types = Annotated[Mapping[str, float], AfterValidator(_of_all)]


@dataclass(frozen=True, slots=True)
class OwnList:
    """A list by the hazard of that very night, acted on at the start of each month.

    ``share`` of the customers are listed; ``held_out``: share of the households among them that
    are never called, always the same ones.
    """

    share: Share = 0.05
    held_out: Share = 0.1


@dataclass(frozen=True, slots=True)
class Dials:
    """What a simulated company can be given; ``docs/simulation.md`` tells what each one does.

    Raises ``ValueError`` for shares outside 0 to 1, unknown types, or types that do not add up
    to 1.
    """

    types: Types = Field(default_factory=lambda: USUAL_TYPES)
    own_list: OwnList | None = None
    reach: Share = 0.7
    fit: tuple[float, float] = (1.0, 1.0)
    accept: Share = 0.0
    household_spill: Share = 0.0
    sleepers: Sleepers = "silence"
    level: float = 0.0
    regime: date | None = None
    frailty: Annotated[float, Field(ge=0)] = 0.35
    drift: Share = 0.0
    rival: float = 0.0
    month_shock: Annotated[float, Field(ge=0)] = 0.0
    jump: float = 0.0
    delay: Literal[0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] = 0
    bursts: Share = 0.0
    win_backs: Share = 0.0


KIND = Dials()
"""The demo's company: what features see adds up to the chance of leaving, and nobody is called."""
HARD = Dials(
    types={"persuadable": 0.35, "sure": 0.35, "lost": 0.20, "sleeping_dog": 0.10},
    own_list=OwnList(share=0.05, held_out=0.1),
    reach=0.6,
    fit=(1.5, 0.5),
    accept=0.4,
    household_spill=0.5,
    sleepers="price",
    level=-0.9,
    regime=date(2024, 1, 1),
    frailty=1.0,
    drift=0.03,
    rival=0.8,
    month_shock=0.2,
    jump=1.2,
    delay=6,
    bursts=0.02,
    win_backs=0.02,
)
"""A company at which the usual assumptions fail, each by one dial."""
COMPANIES = {"kind": KIND, "hard": HARD}


_CATALOG = build_catalog(tuple(TABLES))
CODES = (*dict.fromkeys(f.driver for f in _CATALOG.model_features), "profile")
"""Every driver code: those of the features, and the one of a company's own attributes."""

CAPS = {"price_rise": 2.6, "repeat_contact": 3.5, "dunning": 3.0, "bundle_broken": 1.0}


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
    renewal: float = 0.6
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
    monthly_sd: float = 0.10


THE_RULE = Coefficients()
LATER: Mapping[str, float] = MappingProxyType(
    {"price_rise": 0.5, "newcomer_offer": 2.4, "market_gap": 2.0, "unresolved_case": 0.6}
    | {"repeat_contact": 0.3, "autopay": -0.1, "binding": -0.7, "household": 1.5}
)
"""What a change of regime (``Dials.regime``) makes of some of them: prices count, service less."""
