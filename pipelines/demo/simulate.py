"""Simulate the company month by month, and write its tables and the answer key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from features.tables import PRODUCT_LINES
from pipelines.demo.billing import send_bills
from pipelines.demo.casework import serve
from pipelines.demo.clock import Clock, make_clock
from pipelines.demo.faults import break_things, send_marketing
from pipelines.demo.feedback import ask
from pipelines.demo.hazard import THE_RULE, Coefficients, Hazard, hazard
from pipelines.demo.leaving import decide, withdraw_products
from pipelines.demo.paying import change_ways_of_paying, pay_bills
from pipelines.demo.population import new_customers, register, settled_days, sign_contracts
from pipelines.demo.pricelist import PriceBook, open_book, turn_price_list
from pipelines.demo.prices import apply_price_changes, review_prices
from pipelines.demo.record import TOPICS
from pipelines.demo.service import BILLING, FAULT, MOVE, OTHER, PAYMENT, PRICE
from pipelines.demo.truth import TruthFile
from pipelines.demo.world import Month, World, forget, irritate
from pipelines.demo.writer import Format, Recorder

_IDLE_RATES = {MOVE: 0.006, OTHER: 0.050, PRICE: 0.010}


def ignore(month: int) -> None:
    """Take no notice of progress."""


@dataclass(frozen=True, slots=True)
class Company:
    """What stays the same through a simulation."""

    lines: tuple[str, ...]
    size: int
    book: PriceBook
    rule: Coefficients


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
) -> None:
    """Write ``out``/tables/ (the contract's tables) and ``out``/truth/ (the answer key).

    About ``customers`` customers at any time; ``on_month`` gets the number of months done. Dates
    are local days (Europe/Oslo), instants naive UTC, money øre, prices kroner a month. Raises
    ``ValueError`` for an unknown product or a ``start`` that is not the first of a month.
    """
    unknown = sorted(set(products) - set(PRODUCT_LINES))
    if unknown or not products or len(set(products)) < len(products) or customers < 1:
        raise ValueError(f"products {products} must be different ones of {PRODUCT_LINES}")
    clock = make_clock(start, months)
    company = Company(products, customers, open_book(products, clock.first(0)), rule)
    with Recorder(clock, out / "tables", fmt, seed) as sink, TruthFile(out / "truth") as truth:
        run(company, clock, sink, truth, on_month)


def run(
    company: Company,
    clock: Clock,
    sink: Recorder,
    truth: TruthFile,
    on_month: Callable[[int], None],
) -> None:
    """Move the company through all months."""
    world = settle(company, clock, sink)
    for number in range(clock.months):
        month = Month(clock, number, sink.seed, sink)
        apply_price_changes(world, month.first)
        rated = hazard(world, month, company.book, company.rule)
        truth.write(world, month, rated, company.rule.base)
        world = live(world, month, company, rated, sink)
        sink.close_month()
        on_month(number + 1)
    company.book.publish(sink)


def settle(company: Company, clock: Clock, sink: Recorder) -> World:
    """The customers who are there at the start."""
    rng = np.random.default_rng([sink.seed, 0])
    joined = settled_days(rng, clock, company.size)
    world = new_customers(rng, joined, company.lines, company.rule.frailty_sd)
    sign_contracts(rng, world, company.book, clock.first(0) - 1, settled=True)
    register(world, sink)
    return world


def live(world: World, month: Month, company: Company, rated: Hazard, sink: Recorder) -> World:
    """One month: leaving is decided first, then everything happens, then people come and go."""
    leavers = decide(world, month, rated)
    sink.leave(world.number[leavers.rows], leavers.notified)
    leaving = np.zeros(len(world), dtype=bool)
    leaving[leavers.rows] = True
    withdraw_products(world, month, leaving)
    happen(world, month, company.book)
    forget(world)
    rng = month.rng("newcomers")
    count = int(rng.poisson(max(company.size - len(world) + leaving.sum(), 0)))
    joined = month.clock.random_days(rng, month.number, count)
    coming = new_customers(rng, joined, company.lines, company.rule.frailty_sd)
    sign_contracts(rng, coming, company.book, month.last, settled=False)
    register(coming, sink)
    return world.keep(~leaving).joined_by(coming)


def happen(world: World, month: Month, book: PriceBook) -> None:
    """The events of a month, in the order in which one leads to another."""
    turn_price_list(book, month)
    bills = send_bills(world, month)
    rates = np.zeros((len(world), len(TOPICS)))
    first = np.full((len(world), len(TOPICS)), month.first)
    for topic, rate in _IDLE_RATES.items():
        rates[:, topic] = rate
    rates[:, BILLING], first[:, BILLING] = bills.worry, bills.issued
    rates[:, PAYMENT], first[:, PAYMENT] = pay_bills(world, month, bills), bills.due
    worry, told = review_prices(world, month)
    rates[:, PRICE] += worry
    first[:, PRICE] = told
    rates[:, FAULT], first[:, FAULT] = break_things(world, month)
    change_ways_of_paying(world, month)
    send_marketing(world, month)
    talks = serve(world, month, rates, first)
    about_bills = talks.topic == BILLING
    irritate(world, month, "unclear_bill", talks.rows[about_bills], talks.day[about_bills])
    ask(world, month, talks)
