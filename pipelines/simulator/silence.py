"""Who is asleep: on autopay, and without any dealing with the company for long.

Someone who stays out of inertia is woken by being contacted (Ascarza, Iyengar and Schleicher 2016),
and products such as these are silent: where bills pay themselves, months go by without a thought of
the company. How long is long is chosen here. Nothing of this changes a table or a hazard.
"""

import numpy as np

from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.world import AUTOPAY, Month, World

_AWAKE_DAYS, _SOUND_DAYS = 30, 180


def deal_with(world: World, rows: Ints, days: Ints) -> None:
    """Note that ``rows`` have to do with the company on ``days``."""
    np.maximum.at(world.dealt_on, rows, days)


def asleep(world: World, month: Month) -> Floats:
    """How soundly each customer sleeps on the first day of the month, 0 to 1.

    0 within a month of any dealing and for whoever does not pay by autopay, then growing evenly
    until half a year has gone.
    """
    quiet = (month.first - world.dealt_on - _AWAKE_DAYS) / (_SOUND_DAYS - _AWAKE_DAYS)
    return np.where(world.method == AUTOPAY, np.clip(quiet, 0, 1), 0.0)
