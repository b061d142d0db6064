"""Outreaches that the CRM reports back: a few at random and without effect, and a list acted on."""

import numpy as np

from features.contract import CHANNELS
from pipelines.simulator.clock import Bools, Floats, Ints, office_seconds
from pipelines.simulator.record import ACTIONS
from pipelines.simulator.silence import deal_with
from pipelines.simulator.world import NONE, Month, World, add_events, irritate

_PICKED, _HELD_OUT, _REACHED = 0.006, 0.2, 0.7
_LISTED_AT, _CALLED_WITHIN_DAYS = 0.5, 3
_UNDECIDED = 2
_CHANNELS = [CHANNELS.index(name) for name in ("phone", "email")]


def reach_out(world: World, month: Month) -> None:
    """Treat some customers at random, hold some of them out; and work through the month's list."""
    _at_random(world, month)
    if month.dials.acted_on > 0:
        _by_the_list(world, month)


def _by_the_list(world: World, month: Month) -> None:
    """Call those with an unresolved case in the first days; most of those called stay."""
    rng = month.rng("acted on")
    rows = np.nonzero(world.felt("unresolved_case") >= _LISTED_AT)[0]
    held_out = _always(world.number[rows]) >= month.dials.acted_on
    days = month.first + rng.integers(0, _CALLED_WITHIN_DAYS, len(rows))
    _report(world, month, rng, rows, days=days, held_out=held_out, reached=~held_out)
    irritate(world, month, "outreach", rows[~held_out], days[~held_out])


def _always(number: Ints) -> Floats:
    """A share in [0, 1) that stays with the customer, as a keyed hash of the id would."""
    return (number * 2_654_435_761 % 2**32) / 2**32


def _at_random(world: World, month: Month) -> None:
    rng = month.rng("outreach")
    rows = np.nonzero(rng.random(len(world)) < _PICKED)[0]
    count = len(rows)
    held_out = rng.random(count) < _HELD_OUT
    reached = ~held_out & (rng.random(count) < _REACHED)
    days = month.clock.random_days(rng, month.number, count)
    _report(world, month, rng, rows, days=days, held_out=held_out, reached=reached)


def _report(
    world: World,
    month: Month,
    rng: np.random.Generator,
    rows: Ints,
    *,
    days: Ints,
    held_out: Bools,
    reached: Bools,
) -> None:
    count = len(rows)
    columns = {
        "treated_at": month.clock.instant(days, office_seconds(rng, count)),
        "action": rng.integers(0, len(ACTIONS), count),
        "channel": np.where(held_out, NONE, rng.choice(_CHANNELS, count)),
        "contacted": reached,
        "arm": held_out,
        "published_on": days,
        "lane": np.zeros(count, dtype=np.int64),
        "answer": np.where(reached, _UNDECIDED, NONE),
    }
    add_events(month.sink, "treatments", world.number[rows], columns)
    deal_with(world, rows[reached], days[reached])
