"""What each customer leaves the company a year, as its accounts would say."""

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import Clock, Ints
from pipelines.simulator.world import World

_KRONER = {"electricity": 700, "broadband": 1_400, "telephony": 900, "insurance": 1_600}
_SPREAD = 0.5
_TENURE = 0.12


def margins(rng: np.random.Generator, world: World, clock: Clock) -> Ints:
    """Øre a year for customers who are being registered, (n,).

    Log-normal about the sum of what their product lines leave, and a little higher for those
    who have stayed long. Nobody leaves because of it.
    """
    usual = np.array([_KRONER[line] for line in PRODUCT_LINES] + [0])
    years = np.maximum(clock.first(0) - world.joined, 0) / 365
    level = usual[world.line].sum(axis=1) * (1 + years) ** _TENURE
    ore = np.rint(100 * level * rng.lognormal(0, _SPREAD, len(world)))
    return np.asarray(ore, dtype=np.int64)
