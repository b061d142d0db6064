"""Simulate the company month by month, and write its tables and the answer key."""

import math
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator import calling, dealings, leaving, population, prices
from pipelines.simulator.billing import measure_usage, read_meters, send_bills
from pipelines.simulator.clock import Floats, Ints, make_clock
from pipelines.simulator.faults import break_things
from pipelines.simulator.hazard import Hazard, after_calls, drift, hazard
from pipelines.simulator.marketing import approach, ask, first_consents
from pipelines.simulator.options import KIND, LATER, THE_RULE, Coefficients, Dials
from pipelines.simulator.outreach import bar, first_benefits, grant_benefits, keyed_lot, reach_out
from pipelines.simulator.paying import change_ways_of_paying, pay_bills
from pipelines.simulator.record import TOPICS
from pipelines.simulator.service import BILLING, FAULT, MOVE, OTHER, PAYMENT, PRICE, serve
from pipelines.simulator.truth import TruthFiles
from pipelines.simulator.world import Month, World, forget, irritate
from pipelines.simulator.writer import CLAIMS, WRITTEN, ParquetFiles, Recorder

_COMPLAIN = 0.10
_PACE = 668_265_263
_IDLE_RATES = {MOVE: 0.006, OTHER: 0.050, PRICE: 0.010}


@dataclass(frozen=True, slots=True)
class Company:
    """What stays the same through a simulation, and the answer key that it writes."""

    lines: tuple[str, ...]
    size: int
    book: prices.PriceBook
    rule: Coefficients
    market: Ints
    dials: Dials
    nights: Mapping[int, calling.CallList]
    truth: TruthFiles


def simulate(
    out: Path,
    *,
    customers: int,
    months: int,
    seed: int,
    products: tuple[str, ...] = ("electricity", "broadband"),
    on_month: Callable[[int], None] = lambda month: None,
    rule: Coefficients = THE_RULE,
    dials: Dials = KIND,
    nights: Mapping[int, calling.CallList] = MappingProxyType({}),
) -> None:
    """Write ``out``/tables/ (the contract's tables) and ``out``/truth/ (the answer key).

    About ``customers`` customers at any time; ``on_month`` gets the number of months done. Dates
    are local days (Europe/Oslo), instants naive UTC, money øre, prices kroner a month. ``nights``
    are an outside policy's calls by number of the month; those of a night change nothing before
    it, so that a policy can be asked night by night: simulate up to the night, let it choose from
    the tables, add its calls, simulate a month more. Raises ``ValueError`` for an unknown product.
    """
    unknown = sorted(set(products) - set(PRODUCT_LINES))
    if unknown or not products or len(set(products)) < len(products) or customers < 1:
        raise ValueError(f"products {products} must be different ones of {PRODUCT_LINES}")
    clock = make_clock(months)
    book, market = prices.open_book(products, clock.first(0)), prices.market_prices(seed, months)
    rule = replace(rule, base=rule.base + dials.level)
    names = (*WRITTEN, CLAIMS) if "insurance" in products else WRITTEN
    tables, truth = ParquetFiles(out / "tables"), TruthFiles(out / "truth")
    with closing(tables), closing(truth):
        sink = Recorder(clock, tables, seed, dials, names)
        run(Company(products, customers, book, rule, market, dials, nights, truth), sink, on_month)
        sink.finish()


def run(company: Company, sink: Recorder, on_month: Callable[[int], None]) -> None:
    clock, world = sink.clock, settle(company, sink)
    gone = world.take(np.zeros(len(world), dtype=bool))
    _deal(world, company, sink.seed, 0)
    for number in range(clock.months):
        month = Month(clock, number, sink.seed, sink, company.dials)
        prices.apply_price_changes(world, month.first)
        asked = company.market[number - 1] if number else None
        turned = company.dials.regime and clock.date(number) >= company.dials.regime
        rule = replace(company.rule, **LATER) if turned else company.rule
        rated = hazard(world, month, company.book, rule, asked)
        rated = _act_on_list(world, month, company, rated, asked)
        world, gone = live(world, month, company, rated, gone)
        sink.close_month()
        on_month(number + 1)
    company.book.publish(sink)
    prices.publish_market(company.market, company.lines, sink)


def settle(company: Company, sink: Recorder) -> World:
    """The customers who are there at the start."""
    rng = np.random.default_rng([sink.seed, 0])
    joined = population.settled_days(rng, sink.clock, company.size)
    world = population.new_customers(rng, joined, company.lines, company.dials)
    population.sign_contracts(rng, world, company.book, sink.clock.first(0) - 1, settled=True)
    population.register(rng, world, sink)
    first_consents(rng, world, sink)
    leaving.share_homes(rng, world, sink)
    first_benefits(rng, world, sink)
    return world


def _deal(world: World, company: Company, seed: int, month: int) -> None:
    rng, quiet = np.random.default_rng([seed, month, *b"types"]), calling.quiet_by_nature(world)
    by_nature = calling.BY_NATURE[company.dials.sleepers]
    world.kind, world.effect = calling.deal_types(rng, quiet, company.dials.types, by_nature)
    if company.dials.delay:
        slow = 2 * keyed_lot(world.number, _PACE) - 1
        world.delay = np.where(slow < 0, 0, 2 + slow * (company.dials.delay - 1)).astype(np.int64)
    company.truth.deal(world, quiet)


def _act_on_list(
    world: World, month: Month, company: Company, rated: Hazard, market: Ints | None
) -> Hazard:
    """Let tonight's list be called, if there is one; returns the hazards after it.

    The company's own list ends with the first night of an outside policy.
    """
    response, own = calling.respond(world, month, rated, market), company.dials.own_list
    night = company.nights.get(month.number)
    if night is None and own is not None and month.number < min(company.nights, default=math.inf):
        night = calling.own_night(world, rated, own)
    if night is not None:
        company.truth.note(month, calling.make_calls(world, month, response, night))
        rated = after_calls(rated, world.touch - response.earlier, company.rule.base)
    company.truth.write(world, month, rated, company.rule.base, response)
    return rated


def live(
    world: World, month: Month, company: Company, rated: Hazard, gone: World
) -> tuple[World, World]:
    """One month: leaving is decided first, then everything happens, then people come and go.

    Returns the living, and those who are ``gone`` of free will and may come back.
    """
    rows, notified, voluntary = leaving.decide(world, month, rated)
    left = rows[voluntary]
    month.sink.leave(world.number[rows], notified)
    leaves = np.zeros(len(world), dtype=bool)
    leaves[rows] = True
    leaving.withdraw_products(world, month, leaves)
    leaving.notify_households(world, month, left, notified[voluntary])
    happen(world, month, company.book)
    forget(world)
    drift(world, month)
    staying = world.take(~leaves)
    going = world.take(np.isin(np.arange(len(world)), left))
    going.joined[:] = month.first
    back, gone = leaving.come_back(gone.append(going), month, company.book)
    coming = _newcomers(staying, month, company)
    _deal(coming, company, month.seed, month.number + 1)
    leaving.move_out(staying, month, leaving.move_in(staying, coming, month))
    return staying.append(coming).append(back), gone


def _newcomers(staying: World, month: Month, company: Company) -> World:
    rng = month.rng("newcomers")
    count = int(rng.poisson(max(company.size - len(staying), 0)))
    joined = month.random_days(rng, count)
    coming = population.new_customers(rng, joined, company.lines, company.dials)
    population.sign_contracts(rng, coming, company.book, month.last, settled=False)
    population.register(rng, coming, month.sink)
    first_consents(rng, coming, month.sink)
    return coming


def happen(world: World, month: Month, book: prices.PriceBook) -> None:
    """The events of a month, in the order in which one leads to another."""
    prices.turn_price_list(book, month)
    rates, first, struck = _cause_contacts(world, month)
    change_ways_of_paying(world, month)
    population.change_preferences(world, month)
    approach(world, month, book)
    grant_benefits(world, month)
    read_meters(world, month)
    measure_usage(world, month)
    reach_out(world, month)
    dealings.make_claims(world, month)
    bar(world, month)
    missed = dealings.take_orders(world, month)
    talks = serve(world, month, rates, first, dealings.help_themselves(world, month))
    about_bills = talks.topic == BILLING
    irritate(world, month, "unclear_bill", talks.rows[about_bills], talks.day[about_bills])
    hard = talks.hard & ~talks.again
    unsolved = dealings.Grounds(talks.rows[hard], talks.day[hard] + 7, talks.topic[hard], _COMPLAIN)
    dealings.complain(world, month, (struck, missed, unsolved))
    ask(world, month, talks)


def _cause_contacts(world: World, month: Month) -> tuple[Floats, Ints, dealings.Grounds]:
    """Bills, payments, prices, faults: rate of contacts and first day by topic, and grounds."""
    bills = send_bills(world, month)
    rates = np.zeros((len(world), len(TOPICS)))
    first = np.full((len(world), len(TOPICS)), month.first)
    for topic, rate in _IDLE_RATES.items():
        rates[:, topic] = rate
    rates[:, BILLING], first[:, BILLING] = bills.contact_rates, bills.issued
    rates[:, PAYMENT], first[:, PAYMENT] = pay_bills(world, month, bills), bills.due
    worry, told = prices.review_prices(world, month)
    rates[:, PRICE] += worry
    first[:, PRICE] = told
    rates[:, FAULT], first[:, FAULT], grounds = break_things(world, month)
    return rates, first, grounds
