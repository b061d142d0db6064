"""Who leaves and why, who comes back, and the households in which a member's notice is heard."""

from typing import Any

import numpy as np

from features.contract import OUTCOMES
from pipelines.simulator.billing import send_last_bills
from pipelines.simulator.clock import Bools, Ints, Rng
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.population import CONTRACT_COLUMNS, sign_contracts, write_contracts
from pipelines.simulator.prices import PriceBook
from pipelines.simulator.record import NONE
from pipelines.simulator.world import Month, World, irritate
from pipelines.simulator.writer import AHEAD, Recorder

VOLUNTARY, MOVE, DECEASED, _, NON_PAYMENT, COMPANY = range(len(OUTCOMES))
_MOVE_RATE, _SUMMER_MOVE_RATE, _SUMMER = 0.0024, 0.0048, (6, 7, 8)
_DECEASED = 0.0003
_NON_PAYMENT_AT, _NON_PAYMENT = 1.8, 0.08
_WITHDRAWN = 0.0010
_SHARING, _OF_THREE = 0.36, 0.25
_NEWCOMER_JOINS, _MOVES_OUT = 0.2, 0.001
_AFTER_MONTHS, _WITHIN_MONTHS = AHEAD + 2, 12
"""Who comes back; by then, everything from before the notice is written."""


def decide(world: World, month: Month, hazard: Hazard) -> tuple[Ints, Ints, Bools]:
    """Draw this month's ends; the voluntary notice first, so that its hazard is exact.

    Gives rows of the world that leave, the day of the notice, and whether they leave of free will.
    """
    rng = month.rng("leaving")
    chance = rng.random((4, len(world)))
    moved = _SUMMER_MOVE_RATE if month.season in _SUMMER else _MOVE_RATE
    unpaid = _NON_PAYMENT * (world.irritation("dunning") >= _NON_PAYMENT_AT)
    hazards = zip(chance, (hazard.probability, moved, _DECEASED, unpaid), strict=True)
    drawn = [lot < own for lot, own in hazards]
    outcome = np.select(drawn, [VOLUNTARY, MOVE, DECEASED, NON_PAYMENT], NONE)
    rows = np.nonzero(outcome >= 0)[0]
    # Whoever is on a list of the month gives notice after its call: the hazard knows of it.
    notified = np.maximum(month.random_days(rng, len(rows)), world.listed[rows] + 1)
    effective = notified + rng.integers(14, 61, len(rows))
    ends = {"notified_on": notified, "effective_on": effective, "outcome": outcome[rows]}
    for slot in (0, 1):
        own = world.has(slot)[rows]
        _end(world, month, rows[own], slot, **{name: each[own] for name, each in ends.items()})
    send_last_bills(world, month, rows, effective)
    return rows, notified, outcome[rows] == VOLUNTARY


def withdraw_products(world: World, month: Month, leaving: Bools) -> None:
    """The company stops selling the second product of a few bundles: the customer stays."""
    rng = month.rng("withdrawn")
    pick = world.bundled & ~leaving & (rng.random(len(world)) < _WITHDRAWN)
    rows = np.nonzero(pick)[0]
    notified = month.random_days(rng, len(rows))
    effective = notified + rng.integers(30, 61, len(rows))
    days = {"notified_on": notified, "effective_on": effective}
    _end(world, month, rows, 1, **days, outcome=COMPANY)
    irritate(world, month, "bundle_broken", rows, notified)
    world.bundled[rows] = False
    world.line[rows, 1] = NONE
    world.binding[rows, 1] = NONE
    world.price_from[rows, 1] = NONE


def _end(world: World, month: Month, rows: Ints, slot: int, **ended: Any) -> None:
    contracts, customers = world.contract[rows, slot], world.number[rows]
    month.sink.add("terminations", contract_id=contracts, customer_id=customers, **ended)


def share_homes(rng: Rng, world: World, sink: Recorder) -> None:
    """Put some of the customers into households of two or three, each since joining."""
    sharing = rng.permutation(np.nonzero(rng.random(len(world)) < _SHARING)[0])
    sizes = 2 + (rng.random(len(sharing) // 2) < _OF_THREE)
    sizes = sizes[np.cumsum(sizes) <= len(sharing)]
    rows = sharing[: sizes.sum()]
    world.household[rows] = np.repeat(sink.numbers("households", len(sizes)), sizes)
    _note_home(world, sink, rows, world.joined[rows])


def move_in(world: World, coming: World, month: Month) -> Ints:
    """Some newcomers live with a customer: both are of one household. Returns the hosts' rows."""
    rng = month.rng("moving in")
    joins = np.nonzero(rng.random(len(coming)) < _NEWCOMER_JOINS)[0]
    hosts, first = np.unique(rng.integers(0, len(world), len(joins)), return_index=True)
    joins = joins[first]
    alone = world.household[hosts] == NONE
    world.household[hosts[alone]] = month.sink.numbers("households", int(alone.sum()))
    coming.household[joins] = world.household[hosts]
    _note_home(world, month.sink, hosts[alone], coming.joined[joins[alone]])
    _note_home(coming, month.sink, joins, coming.joined[joins])
    return hosts


def move_out(world: World, month: Month, hosts: Ints) -> None:
    """A few leave their household, but not those whom a newcomer has just joined."""
    rng = month.rng("moving out")
    moves = (world.household >= 0) & (rng.random(len(world)) < _MOVES_OUT)
    moves[hosts] = False
    rows = np.nonzero(moves)[0]
    world.household[rows] = NONE
    _note_home(world, month.sink, rows, month.random_days(rng, len(rows)))


def notify_households(world: World, month: Month, left: Ints, notified: Ints) -> None:
    """Let the others of a household take note of a member's own notice."""
    shared = world.household[left] >= 0
    notice = np.full(int(world.household.max(initial=0)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(notice, world.household[left[shared]], notified[shared])
    day = np.where(world.household >= 0, notice[world.household], np.iinfo(np.int64).max)
    hearing = day < np.iinfo(np.int64).max
    hearing[left] = False
    rows = np.nonzero(hearing)[0]
    irritate(world, month, "household", rows, day[rows])


def _note_home(world: World, sink: Recorder, rows: Ints, since: Ints) -> None:
    customers, homes = world.number[rows], world.household[rows]
    sink.add("households", customer_id=customers, household_id=homes, valid_from=since)


def come_back(gone: World, month: Month, book: PriceBook) -> tuple[World, World]:
    """Who comes back this month, and who is still gone and may do so later.

    ``gone`` gave notice of free will, in the month of ``joined``. Those who come back have new
    contracts and remember nothing.
    """
    rng, chance = month.rng("win-backs"), month.dials.win_backs
    months = month.number - month.clock.month_of(gone.joined)
    may = (months < _AFTER_MONTHS + _WITHIN_MONTHS) & (chance > 0)
    does = may & (months >= _AFTER_MONTHS) & (rng.random(len(gone)) < chance)
    back = gone.take(does)
    if len(back):
        for name in (*CONTRACT_COLUMNS, "invoice"):
            getattr(back, name)[:] = NONE
        for name in ("memory", "coming", "touch"):
            getattr(back, name)[:] = 0
        back.joined = month.random_days(rng, len(back))
        back.dealt_on = back.joined.copy()
        sign_contracts(rng, back, book, month.last, settled=False)
        write_contracts(back, month.sink)
        month.sink.notice_at[back.number] = np.iinfo(np.int64).max
    return back, gone.take(may & ~does)
