"""Past outreaches that the CRM reports back: drawn at random, without effect on leaving."""

import numpy as np

from features.tables import CHANNELS
from pipelines.demo.clock import office_seconds
from pipelines.demo.record import ACTIONS
from pipelines.demo.world import NONE, Month, World

_PICKED, _HELD_OUT, _REACHED = 0.006, 0.2, 0.7
_CHANNELS = [CHANNELS.index(name) for name in ("phone", "email")]


def reach_out(world: World, month: Month) -> None:
    """Treat some customers, hold some of them out."""
    rng = month.rng("outreach")
    rows = np.nonzero(rng.random(len(world)) < _PICKED)[0]
    count = len(rows)
    held_out = rng.random(count) < _HELD_OUT
    reached = ~held_out & (rng.random(count) < _REACHED)
    days = month.clock.random_days(rng, month.number, count)
    columns = {
        "treatment_id": month.sink.numbers("treatments", count),
        "customer_id": world.number[rows],
        "treated_at": month.clock.instant(days, office_seconds(rng, count)),
        "action": rng.integers(0, len(ACTIONS), count),
        "channel": np.where(held_out, NONE, rng.choice(_CHANNELS, count)),
        "contacted": reached.astype(np.int64),
        "arm": held_out.astype(np.int64),
    }
    month.sink.add("treatments", columns)
