"""Self-service: what customers finish on their own, and what drives them to the telephone."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulator.clock import Ints
from pipelines.simulator.record import TASKS, TOPICS
from pipelines.simulator.silence import deal_with
from pipelines.simulator.world import PAPER, Month, World, add_events, irritate

_TOPIC_OF = np.array([TOPICS.index(n) for n in ("billing", "payment", "other", "move", "price")])
_SHARES = (0.4, 0.2, 0.2, 0.1, 0.1)
_CALLS_AFTER_FAILURE = 0.35


@dataclass(frozen=True, slots=True)
class Pushed:
    """Contacts that a failed attempt leads to the day after: rows of the world, topics, days."""

    rows: Ints
    topic: Ints
    day: Ints


def help_themselves(world: World, month: Month) -> Pushed:
    """Sessions of a month; returns the contacts that the failed ones lead to."""
    rng = month.rng("self-service")
    digital = np.where(world.format == PAPER, 0.04, 0.20)
    rows = np.repeat(np.arange(len(world)), rng.poisson(digital * (0.5 + 0.5 * world.talk)))
    count = len(rows)
    day = month.clock.random_days(rng, month.number, count)
    task = rng.choice(len(TASKS), count, p=_SHARES)
    done = rng.random(count) > 0.08 + 0.65 * world.trouble[rows]
    seconds = rng.lognormal(np.log(np.where(done, 110, 320)), 0.6)
    columns = {
        "started_at": month.clock.instant(day, rng.uniform(6, 23, count) * 3600),
        "task": task,
        "completed": done.astype(np.int64),
        "seconds": np.minimum(seconds, 3600).astype(np.int64),
    }
    add_events(month.sink, "self_service", world.number[rows], columns)
    deal_with(world, rows, day)
    calls = ~done & (rng.random(count) < _CALLS_AFTER_FAILURE)
    pushed = Pushed(rows[calls], _TOPIC_OF[task[calls]], day[calls] + 1)
    irritate(world, month, "self_service", pushed.rows, pushed.day)
    irritate(world, month, "self_service_success", rows[done], day[done])
    return pushed
