"""Meter readings: one a quarter of those with electricity; without it, bills are estimated."""

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import Ints
from pipelines.simulator.world import NONE, Month, World, add_events, irritate

_ELECTRICITY = PRODUCT_LINES.index("electricity")
_READ, _MISSING, _ESTIMATED = range(3)
_IRRITATION = np.array([0.0, 1.0, 0.5])
_EVERY = 3
_SETTLED_LATER = np.array([0.25, 0.0, 1.0])
_SETTLED_WITHIN_DAYS = 10


def read_meters(world: World, month: Month) -> None:
    """Ask for the readings that are due; the next bills of the unread are estimated."""
    rng = month.rng("meters")
    due = (world.line == _ELECTRICITY).any(axis=1) & ((world.number + month.number) % _EVERY == 0)
    rows = np.nonzero(due)[0]
    chance = rng.random(len(rows))
    missing = 0.02 + 0.15 * world.trouble[rows]
    status = np.select([chance < missing, chance < missing + 0.04], [_MISSING, _ESTIMATED], _READ)
    days = month.clock.random_days(rng, month.number, len(rows))
    columns = {
        "due_on": days,
        "settled_on": _settle(month, days, status),
        "status": status,
    }
    add_events(month.sink, "meter_readings", world.number[rows], columns)
    world.unread[rows] = status != _READ
    irritate(world, month, "missing_reading", rows, days, by=_IRRITATION[status])


def _settle(month: Month, due: Ints, status: Ints) -> Ints:
    """The day on which a reading came or was estimated; -1 when it was so from the day due.

    Whoever is late still reads within the month, before the next bill.
    """
    rng = month.rng("settled readings")
    later = rng.random(len(due)) < _SETTLED_LATER[status]
    day = np.minimum(due + rng.integers(1, _SETTLED_WITHIN_DAYS + 1, len(due)), month.last)
    return np.where(later & (day > due), day, NONE)
