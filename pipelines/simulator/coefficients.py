"""Every number of the leaving rule, and the drivers it adds up."""

from collections.abc import Mapping
from dataclasses import dataclass

CODES = (
    "bill_shock",
    "bill_correction",
    "unclear_bill",
    "dunning",
    "payment_failure",
    "payment_method",
    "payment_setup",
    "price_rise",
    "silent_price_rise",
    "newcomer_offer",
    "closed_tariff",
    "binding",
    "bundle",
    "wait",
    "unresolved_case",
    "late_delivery",
    "bot_loop",
    "fault_response",
    "repeat_contact",
    "scattered_history",
    "uninformed_incident",
    "satisfaction",
    "tenure",
    "product",
    "missing_reading",
    "loyalty_benefit",
    "market_gap",
    "self_service",
    "complaint",
    "noise",
    "contradicting_message",
    "forced_channel",
    "household",
    "benefits_used",
    "channel_mix",
    "survey_silence",
    "outreach",
    "contact_volume",
    "claims",
    "profile",
)
"""Every driver code; the last six change no risk, but for ``outreach`` where lists are acted on
and ``claims`` where insurance is sold."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Weights on the log-odds of giving notice in a month; S0–S4 are the source articles.

    ``base``: everything else zero; tuned to a voluntary hazard of 1.2–1.8 % a month.
    ``bill_shock``, ``bill_correction``, ``unclear_bill``: the invoice is the main contact surface
    of a silent product, unclear ones irritate (S3). ``dunning``: reminders are information (S0),
    fees are friction (S3). ``payment_failure``, ``payment_setup``: smooth payment decides whether
    people stay (S3). ``autopay``, ``manual``, ``paper``: ways of paying and digital bills (S3).
    ``autopay_dampens``: share of the price terms that autopay takes away (S3: out of sight).
    ``price_rise``, ``silent_price_rise``: a rise, and one without notice or reason (S3).
    ``newcomer_offer``: existing customers see campaigns for new ones (S3); a unit is a gap of
    100 % of the price beyond ``gap_noticed``. ``closed_tariff``: the plan is off the list (S3).
    ``binding``: lower prices for longer binding (S3), fading over the last ``binding_fades_days``;
    ``binding_cliff``: the two months after its end. ``bundle``, ``bundle_broken``: products sold
    together (S3). ``wait``: help must be fast (S3), less than resolution (S1).
    ``unresolved_case``: resolution counts most (S1). ``late_delivery``: late against promise
    loses customers (S1). ``bot_loop``, ``fault_response``: fast and personal when something
    fails (S3). ``repeat_contact``: effort decides more than delight (S4).
    ``scattered_history``: the history must follow the customer (S2). ``uninformed_incident``,
    ``kept_informed``: informed customers stay (S0). ``satisfaction``: small,
    nothing at the top box (S1, S4).
    ``missing_reading``: a bill to come that is only estimated (S0). ``loyalty_benefit``,
    ``no_benefit`` after two years, ``benefits_used``: loyalty that is rewarded (S3).
    ``market_gap``: a unit is a price 100 % above the market's beyond ``gap_noticed`` (S3);
    ``market_gap_irritated``: what a full irritation adds to it. ``self_service``,
    ``self_service_success``: quick for those who want it, and in vain (S3, S4). ``complaint``:
    weighs less with the informed (S0). ``noise``: the right message, not many (S0, S3).
    ``contradicting_message``, ``forced_channel``: consistent, and in the channel one likes (S2).
    ``household``: those one lives with leave (S2, S3).
    ``claims``: refused, cut or slow, when the product is used at last (S1, S3);
    ``claims_honoured``: settled in full within a month.
    ``outreach``: a call that solves what is open, where lists are acted on; never in the demo.
    ``first_year``, ``settled``: relations grow (S2, S3). ``telephony``, ``insurance``,
    ``broadband`` against electricity: how mobile customers are (S3). ``season``: half the
    difference between January and July. ``frailty_sd``, ``monthly_sd``: what nobody can see.
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


CAPS: Mapping[str, float] = {
    "price_rise": 2.6,
    "unresolved_case": 2.0,
    "repeat_contact": 3.5,
    "dunning": 3.0,
    "bundle_broken": 1.0,
}
