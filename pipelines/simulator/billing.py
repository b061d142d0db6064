"""Meter readings and invoices: what is due, shocks, estimates and corrections."""

import math
from dataclasses import dataclass

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import Bools, Floats, Ints, Rng
from pipelines.simulator.record import NONE
from pipelines.simulator.world import PAPER, Month, World, irritate

PAPER_FEE = 4_900
_ELECTRICITY = PRODUCT_LINES.index("electricity")
_ESTIMATED, _CATCH_UP = 0.03, 0.025
_CORRECTED, _ESTIMATED_CORRECTED, _SENT_AGAIN = 0.008, 8, 0.3
_TERMS_DAYS = 14
_USUAL = 0.85
_READ, _MISSING, _NOT_READ = range(3)
_IRRITATION = np.array([0.0, 1.0, 0.5])
_READ_EVERY = 3
_SETTLED_LATER = np.array([0.25, 0.0, 1.0])
_SETTLED_WITHIN_DAYS = 10


@dataclass(frozen=True, slots=True)
class Bills:
    """One bill a customer: its number, days (since 1970) and amount (øre), and the worry it gives.

    ``contact_rates`` is the rate of contacts about it this month.
    """

    number: Ints
    issued: Ints
    due: Ints
    amount: Ints
    contact_rates: Floats


def send_bills(world: World, month: Month) -> Bills:
    """Bill every customer once; correct a few earlier bills, or send them again."""
    rng = month.rng("bills")
    count = len(world)
    issued = month.first + rng.integers(1, 11, count)
    electric = (world.line == _ELECTRICITY).any(axis=1)
    estimated = electric & (world.unread | (rng.random(count) < _ESTIMATED))
    amount = _amounts(rng, world, month, electric)
    usual = np.where(world.usual_bill > 0, world.usual_bill, amount)
    shock = np.clip((amount / usual - 1.35) / 0.4, 0, 2)
    lines = (world.line >= 0).sum(axis=1) * 2 + rng.poisson(1.0 + 2.0 * world.problem_propensity)
    irritate(world, month, "bill_shock", np.arange(count), issued, by=shock)
    corrected = _correct(rng, world, month, estimated)
    contact_rates = 0.022 + 0.10 * shock + 0.15 * corrected + 0.006 * np.maximum(lines - 6, 0)
    number = month.sink.numbers("invoices", count)
    bills = Bills(number, issued, issued + _TERMS_DAYS, amount, contact_rates)
    month.sink.add(
        "invoices",
        invoice_id=bills.number,
        customer_id=world.number,
        issued_on=issued,
        due_on=bills.due,
        amount=amount,
        n_lines=lines,
        estimated=estimated,
        format=world.format,
        paper_fee=_paper_fee(world.format),
    )
    world.usual_bill = np.where(
        world.usual_bill > 0, _USUAL * world.usual_bill + (1 - _USUAL) * amount, amount
    )
    world.invoice, world.bill = bills.number, amount
    return bills


def _paper_fee(form: Ints) -> Ints:
    return np.where(form == PAPER, PAPER_FEE, 0)


def _amounts(rng: Rng, world: World, month: Month, electric: Bools) -> Ints:
    market = month.rng("market").lognormal(0, 0.10)
    season = 1.0 + 0.35 * math.cos(2 * math.pi * (month.season - 1) / 12)
    use = world.usage * season * market * rng.lognormal(0, 0.10, len(world))
    often = 0.4 + 2 * world.problem_propensity
    catch_up = electric & (rng.random(len(world)) < _CATCH_UP * often)
    use *= np.where(catch_up, rng.uniform(1.5, 2.6, len(world)), 1.0)
    factor = np.where(world.line == _ELECTRICITY, use[:, None], 1.0)
    total = (world.price * factor * (world.line >= 0)).sum(axis=1)
    extras = np.where(rng.random(len(world)) < 0.03, rng.uniform(0.2, 0.9, len(world)), 0.0)
    billed: Ints = np.rint(total * (1 + extras)).astype(np.int64)
    return billed + _paper_fee(world.format)


def _correct(rng: Rng, world: World, month: Month, estimated: Bools) -> Bools:
    often = 0.3 + 2.5 * world.problem_propensity + _ESTIMATED_CORRECTED * estimated
    corrected = (rng.random(len(world)) < _CORRECTED * often) & (world.invoice >= 0)
    rows = np.nonzero(corrected)[0]
    days = month.random_days(rng, len(rows))
    irritate(world, month, "bill_correction", rows, days)
    again = rng.random(len(rows)) < _SENT_AGAIN
    part = np.where(again, rng.uniform(0.7, 1.05, len(rows)), rng.uniform(-0.6, 0, len(rows)))
    month.sink.add_events(
        "invoices",
        world.number[rows],
        issued_on=days,
        due_on=np.where(part > 0, days + _TERMS_DAYS, NONE),
        amount=np.rint(world.bill[rows] * part),
        n_lines=1,
        estimated=0,
        corrects_invoice_id=world.invoice[rows],
        format=world.format[rows],
        paper_fee=0,
    )
    return corrected


def send_last_bills(world: World, month: Month, rows: Ints, effective: Ints) -> None:
    """The bill that closes the account, five to twenty days after the contracts end."""
    billed = world.bill[rows] > 0
    rows, effective = rows[billed], effective[billed]
    rng = month.rng("last bills")
    issued = effective + rng.integers(5, 21, len(rows))
    month.sink.add_events(
        "invoices",
        world.number[rows],
        final=True,
        issued_on=issued,
        due_on=issued + _TERMS_DAYS,
        amount=np.rint(world.bill[rows] * rng.uniform(0.2, 1.6, len(rows))),
        n_lines=rng.integers(1, 5, len(rows)),
        estimated=0,
        format=world.format[rows],
        paper_fee=_paper_fee(world.format[rows]),
    )


def read_meters(world: World, month: Month) -> None:
    """Ask those with electricity for a reading a quarter; bills of the unread are estimated."""
    rng = month.rng("meters")
    turn = (world.number + month.number) % _READ_EVERY == 0
    rows = np.nonzero((world.line == _ELECTRICITY).any(axis=1) & turn)[0]
    chance = rng.random(len(rows))
    missing = 0.02 + 0.15 * world.problem_propensity[rows]
    status = np.select([chance < missing, chance < missing + 0.04], [_MISSING, _NOT_READ], _READ)
    days = month.random_days(rng, len(rows))
    settled, customers = _settle(month, days, status), world.number[rows]
    month.sink.add_events(
        "meter_readings", customers, due_on=days, settled_on=settled, status=status
    )
    world.unread[rows] = status != _READ
    irritate(world, month, "missing_reading", rows, days, by=_IRRITATION[status])


def measure_usage(world: World, month: Month) -> None:
    """Measure the month's electricity: a thousand kWh for whoever uses as much as most."""
    rows, slots = np.nonzero(world.line == _ELECTRICITY)
    spread = month.rng("usage").lognormal(np.log(1000), 0.2, len(rows))
    contracts, amount = world.contract[rows, slots], np.rint(world.usage[rows] * spread)
    month.sink.add_events(
        "usage", world.number[rows], contract_id=contracts, ended_on=month.last, amount=amount
    )


def _settle(month: Month, due: Ints, status: Ints) -> Ints:
    """The day on which a reading came or was estimated; -1 when it was so from the day due.

    Whoever is late still reads within the month, before the next bill.
    """
    rng = month.rng("settled readings")
    later = rng.random(len(due)) < _SETTLED_LATER[status]
    day = np.minimum(due + rng.integers(1, _SETTLED_WITHIN_DAYS + 1, len(due)), month.last)
    return np.where(later & (day > due), day, NONE)
