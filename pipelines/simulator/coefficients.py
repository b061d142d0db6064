"""Every number of the leaving rule, and the drivers it adds up."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from features.catalog import build_catalog
from features.contract import TABLES

_CATALOG = build_catalog(tuple(TABLES))
CODES = (*dict.fromkeys(f.driver for f in _CATALOG.model_features), "profile")
"""Every driver code: those of the features, and the one of a company's own attributes."""

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
