"""Benefits for being a customer: granted, used, run out."""

import numpy as np

from pipelines.simulator.clock import Clock, Ints, office_seconds
from pipelines.simulator.world import NONE, Month, Sink, World, add_events, irritate

_LOYALTY, _DISCOUNT, _BONUS = range(3)
_DAYS = np.array([365, 180, 90])
_LOYAL_DAYS = 730
_AT_THE_START, _LOYAL, _ANYBODY = 0.22, 0.022, 0.006
_USED, _USED_WITHIN_DAYS = 0.5, 90


def first_benefits(rng: np.random.Generator, world: World, clock: Clock, sink: Sink) -> None:
    """Loyalty benefits of the last year before the start."""
    granted = clock.first(0) - rng.integers(1, int(_DAYS[_LOYALTY]), len(world))
    loyal = granted - world.joined > _LOYAL_DAYS
    rows = np.nonzero(loyal & (rng.random(len(world)) < _AT_THE_START))[0]
    used = _draw_used(rng, granted[rows])
    _write(rng, world, clock, sink, rows, granted[rows], np.full(len(rows), _LOYALTY), used)


def grant_benefits(world: World, month: Month) -> None:
    """Grant benefits to some who have none; whoever uses one is a little less likely to leave."""
    rng = month.rng("benefits")
    loyal = month.first - world.joined > _LOYAL_DAYS
    chance = np.where(loyal, _LOYAL, _ANYBODY) * (world.benefit < month.first)
    rows = np.nonzero(rng.random(len(world)) < chance)[0]
    other = rng.choice([_DISCOUNT, _BONUS], len(rows), p=[0.7, 0.3])
    kind = np.where(loyal[rows], _LOYALTY, other)
    granted = month.clock.random_days(rng, month.number, len(rows))
    used = _draw_used(rng, granted)
    _write(rng, world, month.clock, month.sink, rows, granted, kind, used)
    irritate(world, month, "benefits_used", rows[used >= 0], used[used >= 0])


def _draw_used(rng: np.random.Generator, granted: Ints) -> Ints:
    taken = rng.random(len(granted)) < _USED
    days = granted + rng.integers(1, _USED_WITHIN_DAYS, len(granted))
    return np.where(taken, days, NONE)


def _write(
    rng: np.random.Generator,
    world: World,
    clock: Clock,
    sink: Sink,
    rows: Ints,
    granted: Ints,
    kind: Ints,
    used: Ints,
) -> None:
    world.benefit[rows] = granted + _DAYS[kind]
    at = clock.instant(np.maximum(used, 0), office_seconds(rng, len(rows)))
    columns = {
        "granted_on": granted,
        "kind": kind,
        "ends_on": world.benefit[rows],
        "used_at": np.where(used >= 0, at, NONE),
    }
    add_events(sink, "benefits", world.number[rows], columns)
