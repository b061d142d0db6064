"""Calls of a list, the company's own or an outside policy's: whom they reach and what they move."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.contract import CHANNELS
from pipelines.simulator.clock import Bools, Clock, Floats, Ints, office_seconds
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.options import OwnList
from pipelines.simulator.outreach import UNDECIDED, keyed_lot, report
from pipelines.simulator.reactions import Response, stronger
from pipelines.simulator.record import ACTIONS, NONE
from pipelines.simulator.world import Month, World

WITHIN_DAYS = 3
OFFERING = ("A4", "A11", "A13")
"""Actions with an offer that costs something, when it is taken."""
_YES = 0
_ARMS = ("treat", "holdout")
_HOUSEHOLDS = 100_000_000
_LOT, _TASTE = 2_654_435_761, 3_266_489_917
_OWN_ACTION = ACTIONS.index("A4")


@dataclass(frozen=True, slots=True)
class Night:
    """A list: customer numbers, actions (index into ``ACTIONS``), int64 (k,); who is held out."""

    number: Ints
    action: Ints
    held_out: Bools


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a night's list, arrays (k,): rows of the world, days, log-odds added."""

    rows: Ints
    days: Ints
    action: Ints
    held_out: Bools
    reached: Bools
    fits: Bools
    effect: Floats
    offer_taken: Bools


def read_calls(calls: pd.DataFrame | None, clock: Clock) -> Mapping[int, Night]:
    """An outside policy's calls by month; None gives none.

    ``calls``: ``customer_id`` text, ``published_on`` the as-of date of the list (the first day of
    a simulated month; dates or text), ``action`` one of ``ACTIONS``, ``arm`` treat or holdout.
    Raises ``ValueError`` for another day, action or arm, or a customer twice in a night.
    """
    if calls is None:
        return {}
    days = pd.to_datetime(calls["published_on"]).to_numpy("datetime64[D]").astype(np.int64)
    months = clock.month_of(days)
    firsts = clock.first_days[np.clip(months, 0, clock.months - 1)]
    wrong = {
        "published_on must be the first day of a simulated month": days != firsts,
        f"action must be one of {', '.join(ACTIONS)}": ~calls["action"].isin(ACTIONS),
        "arm must be treat or holdout": ~calls["arm"].isin(_ARMS),
        "a customer is called once a night": calls.duplicated(["customer_id", "published_on"]),
    }
    for rule, broken in wrong.items():
        if np.any(broken):
            raise ValueError(f"calls: {rule} ({int(np.sum(broken))} rows)")
    columns = (
        calls["customer_id"].str[1:].astype(np.int64).to_numpy(),
        calls["action"].map(ACTIONS.index).to_numpy(dtype=np.int64),
        calls["arm"].eq("holdout").to_numpy(dtype=bool),
    )
    nights = {int(month): months == month for month in np.unique(months)}
    return {month: Night(*(column[own] for column in columns)) for month, own in nights.items()}


def own_night(world: World, rated: Hazard, own: OwnList) -> Night:
    """The company's own list of tonight: the highest hazards, a lot of the households held out."""
    count = round(own.share * len(world))
    rows = np.sort(np.argsort(-rated.log_odds, kind="stable")[:count])
    shared = world.household[rows] >= 0
    key = np.where(shared, world.household[rows] + _HOUSEHOLDS, world.number[rows])
    held_out = keyed_lot(key, _LOT) < own.held_out
    return Night(world.number[rows], np.full(len(rows), _OWN_ACTION), held_out)


def make_calls(world: World, month: Month, response: Response, night: Night) -> Outcome:
    """Call the living customers of a list, report it, and let the reached and their mates feel it.

    Whom a call reaches goes by seed, month and customer, whoever else is called.
    """
    order = np.argsort(world.number)
    place = np.minimum(np.searchsorted(world.number, night.number, sorter=order), len(world) - 1)
    rows = order[place]
    alive = world.number[rows] == night.number
    rows, action, held_out = rows[alive], night.action[alive], night.held_out[alive]
    rng = month.rng("calls")
    days = month.first + rng.integers(0, WITHIN_DAYS, len(world))[rows]
    at = month.clock.instant(days, office_seconds(rng, len(world))[rows])
    reached = (rng.random(len(world))[rows] < month.dials.reach) & ~held_out
    offered = reached & np.isin(action, [ACTIONS.index(name) for name in OFFERING])
    takes = offered & takes_offers(world.number[rows], month.dials.accept)
    report(
        world,
        month,
        rows,
        at=at,
        days=np.full(len(rows), month.first),
        action=action,
        channel=np.where(held_out, NONE, CHANNELS.index("phone")),
        held_out=held_out,
        reached=reached,
        answer=np.where(takes, _YES, np.where(reached, UNDECIDED, NONE)),
    )
    world.deal(rows[reached], days[reached])
    world.listed[rows] = days
    effect = np.where(reached, response.to(rows, action), 0.0)
    _feel(world, month, rows, effect)
    fits = response.fitting[rows] == action
    return Outcome(rows, days, action, held_out, reached, fits, effect, takes)


def takes_offers(number: Ints, share: float) -> Bools:
    """Who takes any offer made in a call, for good; without effect on leaving."""
    return keyed_lot(number, _TASTE) < share


def _feel(world: World, month: Month, rows: Ints, effect: Floats) -> None:
    tonight = np.zeros(len(world))
    tonight[rows] = effect
    shared = world.household >= 0
    felt = np.zeros(int(world.household.max(initial=0)) + 1)
    np.add.at(felt, world.household[shared], tonight[shared])
    mates = np.where(shared, felt[world.household] - tonight, 0.0) * month.dials.household_spill
    world.touch = stronger(stronger(world.touch, tonight), mates)
