"""The leaving rule: a monthly logistic hazard."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.options import CAPS, CODES, DRIVERS, SIGNALS, Coefficients
from pipelines.simulator.population import AREAS
from pipelines.simulator.prices import PriceBook, above_market
from pipelines.simulator.world import AUTOPAY, MANUAL, PAPER, Month, World

_CAP = 2.0
_RIVAL_STARTS, _RIVAL_LASTS_MONTHS = 0.04, 3
_YEAR, _TWO_YEARS, _FIVE_YEARS, _CLIFF_DAYS = 365, 730, 1826, 60
_INSURANCE, _RENEWAL_DAYS = PRODUCT_LINES.index("insurance"), 45
_WIDEST_GAP = 0.6
_HEAVY = 0.3
_IRRITATIONS = tuple(dict.fromkeys(f"share_{DRIVERS.get(name, name)}" for name in SIGNALS))


@dataclass(frozen=True, slots=True)
class Hazard:
    """The hazard of one month, for customers alive at its start.

    ``shares``: additive parts of ``log_odds`` by name (``share_…``), float32-rounded;
    ``log_odds`` and ``probability`` of a voluntary notice in the month: float64 (n,).
    """

    shares: Mapping[str, Floats]
    log_odds: Floats
    probability: Floats


def hazard(
    world: World, month: Month, book: PriceBook, k: Coefficients, market: Ints | None
) -> Hazard:
    """The leaving rule, from what happened before the first day of the month.

    ``market``: the market's prices by product line (øre) of the month before; None before any.
    """
    shares = {f"share_{code}": np.zeros(len(world)) for code in CODES}
    _add_signals(shares, world, k)
    _add_prices(shares, world, month, book, k)
    if market is not None:
        _add_market(shares, world, k, market)
    _add_relation(shares, world, month, k)
    season = k.season * math.cos(2 * math.pi * (month.season - 1) / 12)
    shares["share_season"] = np.full(len(world), season)
    noise = month.rng("noise").normal(0, k.monthly_sd, len(world))
    shares["share_unseen"] = world.frailty + noise + _unseen_pressure(world, month)
    if month.dials.jump:
        _jump(shares, month.dials.jump)
    shares["share_outreach"] += world.touch
    return _added_up(shares, k.base)


def after_calls(rated: Hazard, change: Floats, base: float) -> Hazard:
    """The same hazards once tonight's calls have changed the log-odds."""
    outreach = rated.shares["share_outreach"] + change
    return _added_up({**rated.shares, "share_outreach": outreach}, base)


def _added_up(shares: Mapping[str, Floats], base: float) -> Hazard:
    rounded = {name: share.astype(np.float32).astype(np.float64) for name, share in shares.items()}
    log_odds = base + np.sum(list(rounded.values()), axis=0)
    return Hazard(rounded, log_odds, 1 / (1 + np.exp(-log_odds)))


def _jump(shares: dict[str, Floats], jump: float) -> None:
    """Add ``jump`` where two irritations are heavy at once, shared out evenly among the heavy."""
    heavy = {name: shares[name] > _HEAVY for name in _IRRITATIONS}
    count = np.sum(list(heavy.values()), axis=0)
    each = np.where(count >= 2, jump / np.maximum(count, 1), 0.0)
    for name, own in heavy.items():
        shares[name] += each * own


def _add_signals(shares: dict[str, Floats], world: World, k: Coefficients) -> None:
    for signal in SIGNALS:
        felt = np.minimum(world.irritation(signal), CAPS.get(signal, _CAP))
        shares[f"share_{DRIVERS.get(signal, signal)}"] += getattr(k, signal) * felt
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
    to_renewal = _YEAR - (month.first - world.started) % _YEAR
    renews = (world.line == _INSURANCE) & (to_renewal <= _RENEWAL_DAYS)
    shares["share_renewal"] += k.renewal * renews.any(axis=1)
    loose = world.has(1) & ~world.bundled
    shares["share_bundle"] += k.bundle * world.bundled + 0.4 * k.bundle * loose


def _add_market(shares: dict[str, Floats], world: World, k: Coefficients, market: Ints) -> None:
    gap = np.clip(above_market(world, market) - k.gap_noticed, 0, _WIDEST_GAP)
    irritated = np.minimum(world.irritation("price_rise") + world.irritation("repeat_contact"), 1)
    calm = 1 - k.autopay_dampens * (world.method == AUTOPAY)
    felt = k.market_gap * gap * calm
    shares["share_market_gap"] += felt * (1 + k.market_gap_irritated * irritated)


def _add_relation(shares: dict[str, Floats], world: World, month: Month, k: Coefficients) -> None:
    paying = k.autopay * (world.method == AUTOPAY) + k.manual * (world.method == MANUAL)
    shares["share_payment_method"] += paying + k.paper * (world.format == PAPER)
    days = month.first - world.joined
    rewarded = world.benefit >= month.first
    left_out = ~rewarded & (days > _TWO_YEARS)
    shares["share_loyalty_benefit"] += k.loyalty_benefit * rewarded + k.no_benefit * left_out
    shares["share_tenure"] += k.first_year * (days < _YEAR) + k.settled * (days > _FIVE_YEARS)
    terms = np.array([getattr(k, name, 0.0) for name in PRODUCT_LINES])
    shares["share_product"] += terms[world.line[:, 0]]


def _unseen_pressure(world: World, month: Month) -> Floats:
    """Log-odds (n,) that no table shows: of a competitor's campaigns by area, of the month."""
    dials = month.dials
    pressure = np.zeros(len(world))
    if dials.rival:
        lots = [month.rng("rival", back).random(AREAS) for back in range(_RIVAL_LASTS_MONTHS)]
        running = np.min(lots, axis=0) < _RIVAL_STARTS
        pressure += dials.rival * running[world.area]
    if dials.month_shock:
        pressure += month.rng("month shock").normal(0, dials.month_shock)
    return pressure


def drift(world: World, month: Month) -> None:
    """Let the lasting traits forget a share of themselves each month, at the same spread."""
    forgets = month.dials.drift
    if forgets:
        spread = month.dials.frailty * np.sqrt(1 - (1 - forgets) ** 2)
        news = month.rng("drift").normal(0, spread, len(world))
        world.frailty = (1 - forgets) * world.frailty + news
