"""Four types of customers by what an outreach would do to them; nobody is contacted here.

Persuadables stay because of it, the sure stay and the lost leave whatever is done, sleeping dogs
leave because of it. Those on autopay are oftener asleep, so that a type can be told from the
tables a little.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.demo.clock import Floats, Ints
from pipelines.demo.dials import TYPES
from pipelines.demo.population import AUTOPAY_SHARE
from pipelines.demo.world import AUTOPAY, World

_TOLD_BY_AUTOPAY = 0.5
_EFFECTS = {"persuadable": -0.8, "sleeping_dog": 0.7}
_SPREAD, _AT_LEAST = 0.2, 0.2


@dataclass(frozen=True, slots=True)
class Dealt:
    """Type of each customer (index into ``TYPES``) and its effect of being contacted (log-odds)."""

    kind: Ints
    effect: Floats


def deal_types(rng: np.random.Generator, world: World, shares: Mapping[str, float]) -> Dealt:
    """Give every customer a type, by the shares exactly, and an effect of its own."""
    count = len(world)
    auto = world.method == AUTOPAY
    anywhere = rng.random(count)
    by_method = np.where(
        auto, anywhere * AUTOPAY_SHARE, AUTOPAY_SHARE + anywhere * (1 - AUTOPAY_SHARE)
    )
    told = rng.random(count) < _TOLD_BY_AUTOPAY
    place = np.where(told, by_method, rng.random(count))
    edges = np.cumsum([shares[name] for name in TYPES])[:-1]
    kind = np.searchsorted(edges, place, side="right").astype(np.int64)
    mean = np.array([_EFFECTS.get(name, 0.0) for name in TYPES])[kind]
    size = np.maximum(np.abs(mean) + rng.normal(0, _SPREAD, count), _AT_LEAST)
    return Dealt(kind, np.sign(mean) * size)
