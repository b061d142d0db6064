"""Households: who lives with whom, and what a member's notice does to the others."""

import numpy as np

from pipelines.simulator.clock import Ints
from pipelines.simulator.leaving import Leavers
from pipelines.simulator.world import NONE, Month, Sink, World, irritate

_SHARING, _OF_THREE = 0.36, 0.25
_NEWCOMER_JOINS, _MOVES_OUT = 0.2, 0.001


def share_homes(rng: np.random.Generator, world: World, sink: Sink) -> None:
    """Put some of the customers into households of two or three, each since joining."""
    sharing = rng.permutation(np.nonzero(rng.random(len(world)) < _SHARING)[0])
    sizes = 2 + (rng.random(len(sharing) // 2) < _OF_THREE)
    sizes = sizes[np.cumsum(sizes) <= len(sharing)]
    rows = sharing[: sizes.sum()]
    world.household[rows] = np.repeat(sink.numbers("households", len(sizes)), sizes)
    _write(world, sink, rows, world.joined[rows])


def move_in(world: World, coming: World, month: Month) -> Ints:
    """Some newcomers live with a customer: both are of one household. Returns the hosts' rows."""
    rng = month.rng("moving in")
    joins = np.nonzero(rng.random(len(coming)) < _NEWCOMER_JOINS)[0]
    hosts, first = np.unique(rng.integers(0, len(world), len(joins)), return_index=True)
    joins = joins[first]
    alone = world.household[hosts] == NONE
    world.household[hosts[alone]] = month.sink.numbers("households", int(alone.sum()))
    coming.household[joins] = world.household[hosts]
    _write(world, month.sink, hosts[alone], coming.joined[joins[alone]])
    _write(coming, month.sink, joins, coming.joined[joins])
    return hosts


def move_out(world: World, month: Month, hosts: Ints) -> None:
    """A few leave their household, but not those whom a newcomer has just joined."""
    rng = month.rng("moving out")
    moves = (world.household >= 0) & (rng.random(len(world)) < _MOVES_OUT)
    moves[hosts] = False
    rows = np.nonzero(moves)[0]
    world.household[rows] = NONE
    _write(world, month.sink, rows, month.clock.random_days(rng, month.number, len(rows)))


def hear(world: World, month: Month, leavers: Leavers) -> None:
    """Let the others of a household take note of a member's own notice."""
    left = leavers.rows[leavers.voluntary]
    notified = leavers.notified[leavers.voluntary]
    shared = world.household[left] >= 0
    notice = np.full(int(world.household.max(initial=0)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(notice, world.household[left[shared]], notified[shared])
    day = np.where(world.household >= 0, notice[world.household], np.iinfo(np.int64).max)
    hearing = day < np.iinfo(np.int64).max
    hearing[left] = False
    rows = np.nonzero(hearing)[0]
    irritate(world, month, "household", rows, day[rows])


def _write(world: World, sink: Sink, rows: Ints, since: Ints) -> None:
    columns = {
        "customer_id": world.number[rows],
        "household_id": world.household[rows],
        "valid_from": since,
    }
    sink.add("households", columns)
