"""Orders with a promised day of delivery, kept or missed."""

import numpy as np

from pipelines.simulator.complaints import Grounds
from pipelines.simulator.record import COMPLAINT_TOPICS, ORDERS
from pipelines.simulator.silence import deal_with
from pipelines.simulator.world import Month, World, add_events, irritate

_NEWCOMERS, _OTHERS, _NEW_DAYS = 0.5, 0.012, 31
_SHARES = (0.2, 0.25, 0.35, 0.2)
_DELIVERY = COMPLAINT_TOPICS.index("delivery")


def take_orders(world: World, month: Month) -> Grounds:
    """Orders of a month; returns the missed deliveries as grounds for complaints."""
    rng = month.rng("orders")
    new = month.first - world.joined <= _NEW_DAYS
    rows = np.nonzero(rng.random(len(world)) < np.where(new, _NEWCOMERS, _OTHERS))[0]
    count = len(rows)
    ordered = month.clock.random_days(rng, month.number, count)
    promised = ordered + rng.integers(3, 15, count)
    late = rng.random(count) < 0.04 + 0.45 * world.trouble[rows]
    overrun = 1 + np.minimum(rng.exponential(9, count), 60).astype(np.int64)
    in_time = np.maximum(promised - rng.integers(0, 3, count), ordered)
    columns = {
        "ordered_on": ordered,
        "promised_on": promised,
        "delivered_on": np.where(late, promised + overrun, in_time),
        "kind": np.where(new[rows], 0, rng.choice(len(ORDERS), count, p=_SHARES)),
    }
    add_events(month.sink, "orders", world.number[rows], columns)
    deal_with(world, rows, ordered)
    missed = promised[late] + 1
    weight = 0.5 + np.minimum(overrun[late] / 14, 1.5)
    irritate(world, month, "late_delivery", rows[late], missed, by=weight)
    return Grounds(rows[late], missed, np.full(len(missed), _DELIVERY), 0.08)
