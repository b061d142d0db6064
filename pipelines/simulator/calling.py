"""Calls of a list, the company's own or an outside policy's: whom they reach and what they move."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.contract import CHANNELS
from pipelines.simulator.clock import Bools, Clock, Floats, Ints, office_seconds
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.options import OwnList
from pipelines.simulator.outreach import UNDECIDED, keyed_lot
from pipelines.simulator.reactions import Response, stronger
from pipelines.simulator.record import ACTIONS, NONE
from pipelines.simulator.world import Month, World

WITHIN_DAYS = 3
OFFERING = ("A4", "A11", "A13")
"""Actions with an offer that costs something, when it is taken."""
_ARMS = ("treat", "holdout")
_YES = 0
_HOUSEHOLDS = 100_000_000
_LOT, _TASTE = 2_654_435_761, 3_266_489_917
_OWN_ACTION = ACTIONS.index("A4")


@dataclass(frozen=True, slots=True)
class CallList:
    """A list: customer numbers, actions (index into ``ACTIONS``), int64 (k,); who is held out."""

    number: Ints
    action: Ints
    held_out: Bools


def read_calls(calls: pd.DataFrame | None, clock: Clock) -> Mapping[int, CallList]:
    """An outside policy's calls by month; None gives none.

    ``calls``: ``customer_id`` text, ``published_on`` the as-of date of the list (the first day of
    a simulated month; dates or text), ``action`` one of ``ACTIONS``, ``arm`` treat or holdout.
    Raises ``ValueError`` for another day, action or arm, or a customer twice in a night.
    """
    if calls is None:
        return {}
    days = pd.to_datetime(calls["published_on"]).to_numpy("datetime64[D]").astype(np.int64)
    months = clock.month_of(days)
    wrong = {
        "published_on must be the first day of a simulated month": days
        != clock.first_days[np.clip(months, 0, clock.months - 1)],
        f"action must be one of {', '.join(ACTIONS)}": ~calls["action"].isin(ACTIONS),
        "arm must be treat or holdout": ~calls["arm"].isin(_ARMS),
        "a customer is called once a night": calls.duplicated(["customer_id", "published_on"]),
    }
    for rule, broken in wrong.items():
        if np.any(broken):
            raise ValueError(f"calls: {rule} ({int(np.sum(broken))} rows)")
    number = calls["customer_id"].str[1:].astype(np.int64).to_numpy()
    action = calls["action"].map(ACTIONS.index).to_numpy(dtype=np.int64)
    held_out = calls["arm"].eq("holdout").to_numpy(dtype=bool)
    own = {int(month): months == month for month in np.unique(months)}
    return {month: CallList(number[at], action[at], held_out[at]) for month, at in own.items()}


def own_night(world: World, rated: Hazard, own: OwnList) -> CallList:
    """The company's own list of tonight: the highest hazards, a lot of the households held out."""
    count = round(own.share * len(world))
    rows = np.sort(np.argsort(-rated.log_odds, kind="stable")[:count])
    home = world.household[rows]
    key = np.where(home >= 0, home + _HOUSEHOLDS, world.number[rows])
    held_out = keyed_lot(key, _LOT) < own.held_out
    return CallList(world.number[rows], np.full(len(rows), _OWN_ACTION), held_out)


def make_calls(
    world: World, month: Month, response: Response, night: CallList
) -> Mapping[str, npt.NDArray[np.int64 | np.float64 | np.bool_]]:
    """Call the living customers of a list, report it, and let the reached and their mates feel it.

    Whom a call reaches goes by lot, whoever else is called tonight. Returns what became of each
    call, by columns of the answer key's ``calls``, customers and actions as numbers.
    """
    order, size = np.argsort(world.number), len(world)
    place = np.searchsorted(world.number, night.number, sorter=order)
    rows = order[np.minimum(place, size - 1)]
    alive = world.number[rows] == night.number
    rows, action, held_out = rows[alive], night.action[alive], night.held_out[alive]
    rng = month.rng("calls")
    days = month.first + rng.integers(0, WITHIN_DAYS, size)[rows]
    at = month.clock.instant(days, office_seconds(rng, size)[rows])
    reached = (rng.random(size)[rows] < month.dials.reach) & ~held_out
    offered = reached & np.isin(action, [ACTIONS.index(name) for name in OFFERING])
    accepted = offered & takes_offers(world.number[rows], month.dials.accept)
    customers = world.number[rows]
    month.sink.add_events(
        "treatments",
        customers,
        treated_at=at,
        action=action,
        channel=np.where(held_out, NONE, CHANNELS.index("phone")),
        contacted=reached,
        arm=held_out,
        published_on=month.first,
        lane=0,
        answer=np.where(accepted, _YES, np.where(reached, UNDECIDED, NONE)),
    )
    world.deal(rows[reached], days[reached])
    world.listed[rows] = days
    effect = np.where(reached, response.to(rows, action), 0.0)
    _feel(world, rows, effect, month.dials.household_spill)
    fits = response.fitting[rows] == action
    outcome = {"held_out": held_out, "reached": reached, "fits": fits, "effect": effect}
    return {"customer_id": customers, "action": action, **outcome, "offer_taken": accepted}


def takes_offers(number: Ints, share: float) -> Bools:
    """Who takes any offer made in a call, for good; without effect on leaving."""
    return keyed_lot(number, _TASTE) < share


def _feel(world: World, rows: Ints, effect: Floats, spill: float) -> None:
    tonight = np.zeros(len(world))
    tonight[rows] = effect
    shared = world.household >= 0
    by_home = np.bincount(world.household[shared], tonight[shared], minlength=1)
    mates = np.where(shared, by_home[np.where(shared, world.household, 0)] - tonight, 0.0)
    world.touch = stronger(stronger(world.touch, tonight), spill * mates)
