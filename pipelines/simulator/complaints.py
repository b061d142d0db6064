"""Formal complaints: about what went wrong; they weigh less with those who were kept informed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.simulator.clock import Floats, Ints, office_seconds
from pipelines.simulator.record import COMPLAINT_TOPICS
from pipelines.simulator.silence import deal_with
from pipelines.simulator.world import Month, World, add_events, irritate

_ANYHOW = 0.0006
_INFORMED_WEIGHT = 0.4
_SLOW_DAYS, _LONGEST_DAYS = 30, 150


@dataclass(frozen=True, slots=True)
class Grounds:
    """What gives rise to complaints: rows of the world, days, topics, and the chance of each."""

    rows: Ints
    days: Ints
    topic: Ints
    chance: Floats | float


def complain(world: World, month: Month, grounds: Sequence[Grounds]) -> None:
    """Let some complain, some days after what they complain of, and decide their complaints."""
    rng = month.rng("complaints")
    everybody = np.arange(len(world))
    anything = rng.integers(0, len(COMPLAINT_TOPICS), len(world))
    whenever = month.clock.random_days(rng, month.number, len(world))
    grounds = [*grounds, Grounds(everybody, whenever, anything, _ANYHOW)]
    picked = [rng.random(len(ground.rows)) < ground.chance for ground in grounds]
    pairs = list(zip(grounds, picked, strict=True))
    rows = np.concatenate([ground.rows[mask] for ground, mask in pairs])
    days = np.concatenate([ground.days[mask] for ground, mask in pairs])
    topic = np.concatenate([ground.topic[mask] for ground, mask in pairs])
    days = days + rng.integers(0, 8, len(rows))
    taken = np.clip(rng.lognormal(np.log(16), 0.7, len(rows)), 1, _LONGEST_DAYS).astype(np.int64)
    columns = {
        "opened_at": month.clock.instant(days, office_seconds(rng, len(rows))),
        "topic": topic,
        "closed_at": month.clock.instant(days + taken, office_seconds(rng, len(rows))),
    }
    add_events(month.sink, "complaints", world.number[rows], columns)
    deal_with(world, rows, days)
    weight = np.where(world.informed[rows] == 1, _INFORMED_WEIGHT, 1.0)
    irritate(world, month, "complaint", rows, days, by=weight)
    irritate(world, month, "complaint", rows, days + _SLOW_DAYS, by=weight * (taken > _SLOW_DAYS))
