"""Invoices: what is due, shocks, estimates and corrections."""

import math
from dataclasses import dataclass

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import Bools, Floats, Ints
from pipelines.simulator.world import NONE, PAPER, Month, World, add_events, irritate

PAPER_FEE = 4_900
_ELECTRICITY = PRODUCT_LINES.index("electricity")
_ESTIMATED, _CATCH_UP = 0.03, 0.025
_ESTIMATED_CORRECTED, _SENT_AGAIN = 8, 0.3
_TERMS_DAYS = 14
_USUAL = 0.85


@dataclass(frozen=True, slots=True)
class Bills:
    """One bill a customer: its number, days (since 1970) and amount (øre), and the worry it gives.

    ``worry`` is the rate of contacts about it this month.
    """

    number: Ints
    issued: Ints
    due: Ints
    amount: Ints
    worry: Floats


def send_bills(world: World, month: Month) -> Bills:
    """Bill every customer once; correct a few earlier bills, or send them again."""
    rng = month.rng("bills")
    count = len(world)
    issued = month.first + rng.integers(1, 11, count)
    electric = (world.line == _ELECTRICITY).any(axis=1)
    estimated = electric & (world.unread | (rng.random(count) < _ESTIMATED))
    amount = _amounts(rng, world, month, electric)
    shock = _shock(world, amount)
    lines = _lines(rng, world)
    irritate(world, month, "bill_shock", np.arange(count), issued, by=shock)
    corrected = _correct(rng, world, month, estimated)
    worry = 0.022 + 0.10 * shock + 0.15 * corrected + 0.006 * np.maximum(lines - 6, 0)
    bills = Bills(
        month.sink.numbers("invoices", count), issued, issued + _TERMS_DAYS, amount, worry
    )
    _write(world, month, bills, lines, estimated)
    world.usual_bill = np.where(
        world.usual_bill > 0, _USUAL * world.usual_bill + (1 - _USUAL) * amount, amount
    )
    world.invoice, world.bill = bills.number, amount
    return bills


def _season(season: int) -> float:
    return 1.0 + 0.35 * math.cos(2 * math.pi * (season - 1) / 12)


def _amounts(rng: np.random.Generator, world: World, month: Month, electric: Bools) -> Ints:
    market = month.rng("market").lognormal(0, 0.10)
    use = world.usage * _season(month.season) * market * rng.lognormal(0, 0.10, len(world))
    catch_up = electric & (rng.random(len(world)) < _CATCH_UP * (0.4 + 2 * world.trouble))
    use *= np.where(catch_up, rng.uniform(1.5, 2.6, len(world)), 1.0)
    factor = np.where(world.line == _ELECTRICITY, use[:, None], 1.0)
    total = (world.price * factor * (world.line >= 0)).sum(axis=1)
    extras = np.where(rng.random(len(world)) < 0.03, rng.uniform(0.2, 0.9, len(world)), 0.0)
    fee = np.where(world.format == PAPER, PAPER_FEE, 0)
    billed: Ints = np.rint(total * (1 + extras)).astype(np.int64) + fee
    return billed


def _shock(world: World, amount: Ints) -> Floats:
    ratio = amount / np.where(world.usual_bill > 0, world.usual_bill, amount)
    shock: Floats = np.clip((ratio - 1.35) / 0.4, 0, 2)
    return shock


def _lines(rng: np.random.Generator, world: World) -> Ints:
    contracts = (world.line >= 0).sum(axis=1)
    lines: Ints = contracts * 2 + rng.poisson(1.0 + 2.0 * world.trouble)
    return lines


def _correct(rng: np.random.Generator, world: World, month: Month, estimated: Bools) -> Bools:
    often = 0.3 + 2.5 * world.trouble + _ESTIMATED_CORRECTED * estimated
    chance = month.dials.corrections * often
    corrected = (rng.random(len(world)) < chance) & (world.invoice >= 0)
    rows = np.nonzero(corrected)[0]
    days = month.clock.random_days(rng, month.number, len(rows))
    irritate(world, month, "bill_correction", rows, days)
    again = rng.random(len(rows)) < _SENT_AGAIN
    part = np.where(again, rng.uniform(0.7, 1.05, len(rows)), rng.uniform(-0.6, 0.2, len(rows)))
    columns = {
        "issued_on": days,
        "due_on": np.where(part > 0, days + _TERMS_DAYS, NONE),
        "amount": np.rint(world.bill[rows] * part).astype(np.int64),
        "n_lines": np.ones(len(rows), dtype=np.int64),
        "estimated": np.zeros(len(rows), dtype=np.int64),
        "corrects_invoice_id": world.invoice[rows],
        "format": world.format[rows],
        "paper_fee": np.zeros(len(rows), dtype=np.int64),
    }
    add_events(month.sink, "invoices", world.number[rows], columns)
    return corrected


def _write(world: World, month: Month, bills: Bills, lines: Ints, estimated: Bools) -> None:
    columns = {
        "invoice_id": bills.number,
        "customer_id": world.number,
        "issued_on": bills.issued,
        "due_on": bills.due,
        "amount": bills.amount,
        "n_lines": lines,
        "estimated": estimated,
        "format": world.format,
        "paper_fee": np.where(world.format == PAPER, PAPER_FEE, 0),
    }
    month.sink.add("invoices", columns)


def send_last_bills(world: World, month: Month, rows: Ints, effective: Ints) -> None:
    """The bill that closes the account, five to twenty days after the contracts end."""
    billed = world.bill[rows] > 0
    rows, effective = rows[billed], effective[billed]
    rng = month.rng("last bills")
    issued = effective + rng.integers(5, 21, len(rows))
    columns = {
        "issued_on": issued,
        "due_on": issued + _TERMS_DAYS,
        "amount": np.rint(world.bill[rows] * rng.uniform(0.2, 1.6, len(rows))).astype(np.int64),
        "n_lines": rng.integers(1, 5, len(rows)),
        "estimated": np.zeros(len(rows), dtype=np.int64),
        "format": world.format[rows],
        "paper_fee": np.where(world.format[rows] == PAPER, PAPER_FEE, 0),
    }
    add_events(month.sink, "invoices", world.number[rows], columns, final=True)
