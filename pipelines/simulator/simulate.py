"""Simulate the company month by month, and write its tables and the answer key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.benefits import first_benefits
from pipelines.simulator.clock import Clock, Ints, make_clock
from pipelines.simulator.coefficients import THE_RULE, Coefficients
from pipelines.simulator.contract_breaks import write_dirt
from pipelines.simulator.customer_types import deal_types, quiet_by_nature
from pipelines.simulator.events import happen
from pipelines.simulator.hazard import Hazard, hazard
from pipelines.simulator.households import hear, move_in, move_out, share_homes
from pipelines.simulator.leaving import decide, withdraw_products
from pipelines.simulator.margins import margins
from pipelines.simulator.market import market_prices, publish_market
from pipelines.simulator.marketing import first_consents
from pipelines.simulator.masterdata import register_master_data
from pipelines.simulator.options import USUAL_CORRECTIONS, USUAL_LATE_SHARE, USUAL_TYPES, Dials
from pipelines.simulator.population import new_customers, register, settled_days, sign_contracts
from pipelines.simulator.pricelist import PriceBook, open_book
from pipelines.simulator.prices import apply_price_changes
from pipelines.simulator.truth import TruthFile
from pipelines.simulator.world import Month, Sink, World, forget
from pipelines.simulator.writer import CLAIMS, WRITTEN, Format, Recorder


def ignore(month: int) -> None:
    """Take no notice of progress."""


@dataclass(frozen=True, slots=True)
class Company:
    """What stays the same through a simulation."""

    lines: tuple[str, ...]
    size: int
    book: PriceBook
    rule: Coefficients
    market: Ints
    dials: Dials


def simulate(
    out: Path,
    *,
    customers: int,
    months: int,
    seed: int,
    products: tuple[str, ...] = ("electricity", "broadband"),
    start: date = date(2022, 1, 1),
    fmt: Format = "parquet",
    on_month: Callable[[int], None] = ignore,
    rule: Coefficients = THE_RULE,
    late_share: float = USUAL_LATE_SHARE,
    corrections: float = USUAL_CORRECTIONS,
    dirty: float = 0.0,
    types: Mapping[str, float] = USUAL_TYPES,
    acted_on: float = 0.0,
) -> None:
    """Write ``out``/tables/ (the contract's tables) and ``out``/truth/ (the answer key).

    About ``customers`` customers at any time; ``on_month`` gets the number of months done. Dates
    are local days (Europe/Oslo), instants naive UTC, money øre, prices kroner a month. The last
    five are described by ``Dials``. Raises ``ValueError`` for an unknown product, a ``start``
    that is not the first of a month, or a dial turned too far.
    """
    unknown = sorted(set(products) - set(PRODUCT_LINES))
    if unknown or not products or len(set(products)) < len(products) or customers < 1:
        raise ValueError(f"products {products} must be different ones of {PRODUCT_LINES}")
    clock = make_clock(start, months)
    dials = Dials(late_share, corrections, dirty, acted_on, types)
    book, market = open_book(products, clock.first(0)), market_prices(seed, months)
    company = Company(products, customers, book, rule, market, dials)
    tables, truth = out / "tables", out / "truth"
    names = (*WRITTEN, CLAIMS) if "insurance" in products else WRITTEN
    with Recorder(clock, tables, fmt, seed, dials, names) as sink, TruthFile(truth) as key:
        run(company, clock, sink, key, on_month)
    write_dirt(truth, sink.soiled)


def run(
    company: Company,
    clock: Clock,
    sink: Recorder,
    truth: TruthFile,
    on_month: Callable[[int], None],
) -> None:
    """Move the company through all months."""
    world = settle(company, clock, sink)
    _deal(world, company, sink.seed, 0, truth)
    for number in range(clock.months):
        month = Month(clock, number, sink.seed, sink, company.dials)
        apply_price_changes(world, month.first)
        asked = company.market[number - 1] if number else None
        rated = hazard(world, month, company.book, company.rule, asked)
        truth.write(world, month, rated, company.rule.base)
        world = live(world, month, company, rated, sink, truth)
        sink.close_month()
        on_month(number + 1)
    company.book.publish(sink)
    publish_market(company.market, company.lines, clock, sink)


def settle(company: Company, clock: Clock, sink: Recorder) -> World:
    """The customers who are there at the start."""
    rng = np.random.default_rng([sink.seed, 0])
    joined = settled_days(rng, clock, company.size)
    world = new_customers(rng, joined, company.lines, company.rule.frailty_sd)
    sign_contracts(rng, world, company.book, clock.first(0) - 1, settled=True)
    _enter(rng, world, clock, sink)
    share_homes(rng, world, sink)
    first_benefits(rng, world, clock, sink)
    return world


def _enter(rng: np.random.Generator, world: World, clock: Clock, sink: Sink) -> None:
    register(world, margins(rng.spawn(1)[0], world, clock), sink)
    register_master_data(world, clock, sink)
    first_consents(rng, world, clock, sink)


def _deal(world: World, company: Company, seed: int, month: int, truth: TruthFile) -> None:
    rng, quiet = np.random.default_rng([seed, month, *b"types"]), quiet_by_nature(world)
    truth.deal(world, quiet, deal_types(rng, quiet, company.dials.types))


def live(
    world: World,
    month: Month,
    company: Company,
    rated: Hazard,
    sink: Recorder,
    truth: TruthFile,
) -> World:
    """One month: leaving is decided first, then everything happens, then people come and go."""
    leavers = decide(world, month, rated)
    sink.leave(world.number[leavers.rows], leavers.notified)
    leaving = np.zeros(len(world), dtype=bool)
    leaving[leavers.rows] = True
    withdraw_products(world, month, leaving)
    hear(world, month, leavers)
    happen(world, month, company.book)
    forget(world)
    staying = world.keep(~leaving)
    coming = _newcomers(staying, month, company, sink)
    _deal(coming, company, month.seed, month.number + 1, truth)
    move_out(staying, month, move_in(staying, coming, month))
    return staying.joined_by(coming)


def _newcomers(staying: World, month: Month, company: Company, sink: Recorder) -> World:
    rng = month.rng("newcomers")
    count = int(rng.poisson(max(company.size - len(staying), 0)))
    joined = month.clock.random_days(rng, month.number, count)
    coming = new_customers(rng, joined, company.lines, company.rule.frailty_sd)
    sign_contracts(rng, coming, company.book, month.last, settled=False)
    _enter(rng, coming, month.clock, sink)
    return coming
