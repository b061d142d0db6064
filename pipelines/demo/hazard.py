"""The leaving rule: a monthly logistic hazard, and every number of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.demo.clock import Floats
from pipelines.demo.pricelist import PriceBook
from pipelines.demo.world import AUTOPAY, MANUAL, PAPER, SIGNALS, Month, World

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
    "contact_volume",
    "claims",
    "profile",
)
"""Every driver code; the last three change no risk here."""


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
    ``scattered_history``: the history must follow the customer (S2). ``uninformed_incident``:
    informed customers stay (S0). ``satisfaction``: small, nothing at the top box (S1, S4).
    ``first_year``, ``settled``: relations grow (S2, S3). ``telephony``, ``insurance``,
    ``broadband`` against electricity: how mobile customers are (S3). ``season``: half the
    difference between January and July. ``frailty_sd``, ``monthly_sd``: what nobody can see.
    """

    base: float = -5.25
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
    uninformed_incident: float = 0.10
    satisfaction: float = 0.20
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
}
_CAP = 2.0
_LINE_TERMS = ("electricity", "broadband", "telephony", "insurance")
_YEAR, _FIVE_YEARS, _CLIFF_DAYS = 365, 1826, 60


@dataclass(frozen=True, slots=True)
class Hazard:
    """The hazard of one month, for customers alive at its start.

    ``shares``: additive parts of ``log_odds`` by name (``share_…``), float32-rounded;
    ``log_odds`` and ``probability`` of a voluntary notice in the month: float64 (n,).
    """

    shares: Mapping[str, Floats]
    log_odds: Floats
    probability: Floats


def hazard(world: World, month: Month, book: PriceBook, k: Coefficients) -> Hazard:
    """The leaving rule, from what happened before the first day of the month."""
    shares = {f"share_{code}": np.zeros(len(world)) for code in CODES}
    _add_signals(shares, world, k)
    _add_prices(shares, world, month, book, k)
    _add_relation(shares, world, month, k)
    shares["share_season"] = np.full(
        len(world), k.season * math.cos(2 * math.pi * (month.season - 1) / 12)
    )
    noise = month.rng("noise").normal(0, k.monthly_sd, len(world))
    shares["share_noise"] = world.frailty + noise
    rounded = {name: share.astype(np.float32).astype(np.float64) for name, share in shares.items()}
    log_odds = k.base + np.sum(list(rounded.values()), axis=0)
    return Hazard(rounded, log_odds, 1 / (1 + np.exp(-log_odds)))


def _add_signals(shares: dict[str, Floats], world: World, k: Coefficients) -> None:
    for code in SIGNALS:
        if code != "bundle":
            felt = np.minimum(world.felt(code), CAPS.get(code, _CAP))
            shares[f"share_{code}"] += getattr(k, code) * felt
    calm = 1 - k.autopay_dampens * (world.method == AUTOPAY)
    for code in ("price_rise", "silent_price_rise"):
        shares[f"share_{code}"] *= calm


def _add_prices(
    shares: dict[str, Floats], world: World, month: Month, book: PriceBook, k: Coefficients
) -> None:
    campaign = np.array(book.campaign)[world.plan[:, 0]]
    own = np.maximum(world.price[:, 0], 1)
    gap = np.where(campaign > 0, np.clip(1 - campaign / own - k.gap_noticed, 0, 0.5), 0.0)
    calm = 1 - k.autopay_dampens * (world.method == AUTOPAY)
    shares["share_newcomer_offer"] += k.newcomer_offer * gap * calm
    shares["share_closed_tariff"] += k.closed_tariff * ~np.array(book.open)[world.plan[:, 0]]
    until = world.binding.max(axis=1)
    left = until - month.first
    bound = np.clip(left / k.binding_fades_days, 0, 1) * (until >= 0)
    cliff = (until >= 0) & (left < 0) & (left >= -_CLIFF_DAYS)
    shares["share_binding"] += k.binding * bound + k.binding_cliff * cliff
    together = k.bundle * world.bundled + 0.4 * k.bundle * (world.has(1) & ~world.bundled)
    broken = k.bundle_broken * np.minimum(world.felt("bundle"), 1)
    shares["share_bundle"] += together + broken


def _add_relation(shares: dict[str, Floats], world: World, month: Month, k: Coefficients) -> None:
    paying = k.autopay * (world.method == AUTOPAY) + k.manual * (world.method == MANUAL)
    shares["share_payment_method"] += paying + k.paper * (world.format == PAPER)
    days = month.first - world.joined
    shares["share_tenure"] += k.first_year * (days < _YEAR) + k.settled * (days > _FIVE_YEARS)
    terms = np.array([getattr(k, name, 0.0) for name in _LINE_TERMS])
    shares["share_product"] += terms[world.line[:, 0]]
