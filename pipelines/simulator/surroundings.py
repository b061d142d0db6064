"""What no table shows: a competitor's campaigns, months that are bad for all, traits that drift."""

import numpy as np

from pipelines.simulator.clock import Floats
from pipelines.simulator.population import AREAS
from pipelines.simulator.world import Month, World

_STARTS, _LASTS_MONTHS = 0.04, 3


def unseen_pressure(world: World, month: Month) -> Floats:
    """Log-odds of this month's campaigns in each customer's area, and of the month itself (n,)."""
    dials = month.dials
    pressure = np.zeros(len(world))
    if dials.rival:
        begun = [month.rng("rival", back).random(AREAS) < _STARTS for back in range(_LASTS_MONTHS)]
        pressure += dials.rival * np.any(begun, axis=0)[world.area]
    if dials.month_shock:
        pressure += month.rng("month shock").normal(0, dials.month_shock)
    return pressure


def drift(world: World, month: Month) -> None:
    """Let the lasting traits forget a share of themselves each month, at the same spread."""
    forgets = month.dials.drift
    if forgets:
        spread = month.dials.frailty * np.sqrt(1 - (1 - forgets) ** 2)
        news = month.rng("drift").normal(0, spread, len(world))
        world.frailty = (1 - forgets) * world.frailty + news
