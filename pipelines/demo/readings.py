"""Meter readings: one a quarter of those with electricity; without it, bills are estimated."""

import numpy as np

from features.tables import PRODUCT_LINES
from pipelines.demo.world import Month, World, irritate

_ELECTRICITY = PRODUCT_LINES.index("electricity")
_READ, _MISSING, _ESTIMATED = range(3)
_IRRITATION = np.array([0.0, 1.0, 0.5])
_EVERY = 3


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
        "reading_id": month.sink.numbers("meter_readings", len(rows)),
        "customer_id": world.number[rows],
        "due_on": days,
        "status": status,
    }
    month.sink.add("meter_readings", columns)
    world.unread[rows] = status != _READ
    irritate(world, month, "missing_reading", rows, days, by=_IRRITATION[status])
