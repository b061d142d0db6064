"""Four types of customers by what an outreach would do to them; nobody is contacted here.

Persuadables stay because of it, the sure stay and the lost leave whatever is done, sleeping dogs
leave because of it, while they sleep (``silence``). Those who are silent by nature are oftener
sleeping dogs and seldom persuadable, so that a type can be told from the tables a little.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc

from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.options import TYPES
from pipelines.simulator.population import AUTOPAY_SHARE, TALK_SHAPE
from pipelines.simulator.world import AUTOPAY, World

_BY_NATURE = 0.5
_EFFECTS = {"persuadable": -0.8, "sleeping_dog": 0.7}
_SPREAD, _AT_LEAST = 0.2, 0.2


@dataclass(frozen=True, slots=True)
class Dealt:
    """Type of each customer (index into ``TYPES``) and its effect of being contacted (log-odds).

    A sleeping dog's effect is that of one fast asleep.
    """

    kind: Ints
    effect: Floats


def quiet_by_nature(world: World) -> Floats:
    """Each customer's place among all, in [0, 1): those on autopay first, the quietest first."""
    place = gammainc(TALK_SHAPE, TALK_SHAPE * world.talk)
    others = AUTOPAY_SHARE + place * (1 - AUTOPAY_SHARE)
    return np.asarray(np.where(world.method == AUTOPAY, place * AUTOPAY_SHARE, others))


def deal_types(rng: np.random.Generator, quiet: Floats, shares: Mapping[str, float]) -> Dealt:
    """Give every customer a type, on average by the shares, and an effect of its own.

    ``quiet`` (n,) is ``quiet_by_nature``; it decides for half of the customers.
    """
    count = len(quiet)
    place = np.where(rng.random(count) < _BY_NATURE, quiet, rng.random(count))
    edges = np.cumsum([shares[name] for name in TYPES])[:-1]
    kind = np.searchsorted(edges, place, side="right").astype(np.int64)
    mean = np.array([_EFFECTS.get(name, 0.0) for name in TYPES])[kind]
    size = np.maximum(np.abs(mean) + rng.normal(0, _SPREAD, count), _AT_LEAST)
    return Dealt(kind, np.sign(mean) * size)
