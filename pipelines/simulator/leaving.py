"""Who leaves this month and why: the leaving rule, and the other ends with hazards of their own."""

from dataclasses import dataclass

import numpy as np

from features.contract import OUTCOMES
from pipelines.simulator.billing import send_last_bills
from pipelines.simulator.clock import Bools, Ints
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.world import NONE, Month, World, irritate

VOLUNTARY, MOVED, DECEASED, _, NON_PAYMENT, COMPANY = range(len(OUTCOMES))
_MOVED, _MOVED_IN_SUMMER, _SUMMER = 0.0024, 0.0048, (6, 7, 8)
_DECEASED = 0.0003
_NON_PAYMENT_AT, _NON_PAYMENT = 1.8, 0.08
_WITHDRAWN = 0.0010


@dataclass(frozen=True, slots=True)
class Leavers:
    """Rows of the world that leave, the day of the notice, and whether they leave of free will."""

    rows: Ints
    notified: Ints
    voluntary: Bools


def decide(world: World, month: Month, hazard: Hazard) -> Leavers:
    """Draw this month's ends; the voluntary notice first, so that its hazard is exact."""
    rng = month.rng("leaving")
    chance = rng.random((4, len(world)))
    moved = _MOVED_IN_SUMMER if month.season in _SUMMER else _MOVED
    unpaid = _NON_PAYMENT * (world.felt("dunning") >= _NON_PAYMENT_AT)
    outcome = np.select(
        [
            chance[0] < hazard.probability,
            chance[1] < moved,
            chance[2] < _DECEASED,
            chance[3] < unpaid,
        ],
        [VOLUNTARY, MOVED, DECEASED, NON_PAYMENT],
        NONE,
    )
    rows = np.nonzero(outcome >= 0)[0]
    notified = month.clock.random_days(rng, month.number, len(rows))
    effective = notified + rng.integers(14, 61, len(rows))
    for slot in (0, 1):
        own = world.has(slot)[rows]
        when = {"notified": notified[own], "effective": effective[own]}
        _end(world, month, rows[own], slot, **when, outcome=outcome[rows][own])
    send_last_bills(world, month, rows, effective)
    return Leavers(rows, notified, outcome[rows] == VOLUNTARY)


def withdraw_products(world: World, month: Month, leaving: Bools) -> None:
    """The company stops selling the second product of a few bundles: the customer stays."""
    rng = month.rng("withdrawn")
    pick = world.bundled & ~leaving & (rng.random(len(world)) < _WITHDRAWN)
    rows = np.nonzero(pick)[0]
    notified = month.clock.random_days(rng, month.number, len(rows))
    effective = notified + rng.integers(30, 61, len(rows))
    outcome = np.full(len(rows), COMPANY)
    _end(world, month, rows, 1, notified=notified, effective=effective, outcome=outcome)
    irritate(world, month, "bundle_broken", rows, notified)
    world.bundled[rows] = False
    world.line[rows, 1] = NONE
    world.binding[rows, 1] = NONE
    world.price_from[rows, 1] = NONE


def _end(
    world: World,
    month: Month,
    rows: Ints,
    slot: int,
    *,
    notified: Ints,
    effective: Ints,
    outcome: Ints,
) -> None:
    columns = {
        "contract_id": world.contract[rows, slot],
        "customer_id": world.number[rows],
        "notified_on": notified,
        "effective_on": effective,
        "outcome": outcome,
    }
    month.sink.add("terminations", columns)
