"""Calls of a list, the company's own or an outside policy's: whom they reach, what they do to whom.

Persuadables stay because of a call, the sure stay and the lost leave whatever is done, sleeping
dogs leave because of it, while they sleep. Someone who stays out of inertia is woken by being
contacted (Ascarza, Iyengar and Schleicher 2016): one who pays by autopay and has not had to do
with the company for long, or, where the dial says so, one who pays more than the market asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc

from pipelines.simulator.clock import Bools, Floats, Ints, Rng, office_seconds
from pipelines.simulator.hazard import Hazard
from pipelines.simulator.options import TYPES, OwnList, Sleepers
from pipelines.simulator.outreach import BY_PHONE, UNDECIDED, keyed_lot
from pipelines.simulator.population import AUTOPAY_SHARE, TALK_SHAPE
from pipelines.simulator.prices import above_market
from pipelines.simulator.record import ACTIONS, NONE
from pipelines.simulator.world import AUTOPAY, Month, World

SLEEPING_DOG = TYPES.index("sleeping_dog")
BY_NATURE: Mapping[Sleepers, float] = {"silence": 0.5, "price": 0.0}
"""Share of customers whose type goes by how silent they are by nature."""
_EFFECTS = {"persuadable": -0.8, "sleeping_dog": 0.7}
_SPREAD, _AT_LEAST = 0.2, 0.2
_AWAKE_DAYS, _SOUND_DAYS = 30, 180
_SOUND_GAP = 0.25
FITTING: Mapping[str, tuple[str, ...]] = {
    "A3": ("dunning", "payment_failure", "payment_method", "payment_setup"),
    "A4": (
        *("price_rise", "newcomer_offer", "closed_tariff"),
        *("bundle", "loyalty_benefit", "market_gap"),
    ),
    "A6": ("unresolved_case", "late_delivery", "repeat_contact", "scattered_history"),
    "A8": ("scattered_history", "forced_channel"),
    "A9": ("wait", "bot_loop", "fault_response"),
    "A13": ("binding", "renewal"),
}
"""The drivers that each action answers; the last three answer none of these."""
WITHIN_DAYS = 3
OFFERING = ("A4", "A11", "A13", "A15", "A16")
"""Actions with an offer that costs something, when it is taken."""
_YES = 0
_HOUSEHOLDS = 100_000_000
_LOT, _TASTE = 2_654_435_761, 3_266_489_917
_OWN_ACTION = ACTIONS.index("A4")


@dataclass(frozen=True, slots=True)
class Response:
    """What a call of tonight that reaches the customer would add to the log-odds, arrays (n,).

    ``earlier`` is what earlier calls still add; ``fitting`` the action that answers the customer's
    heaviest irritation (index into ``ACTIONS``, −1 none); ``if_fitting`` and ``if_other`` what
    that one and any other action would add; ``asleep`` how soundly the customer sleeps, 0 to 1.
    """

    earlier: Floats
    fitting: Ints
    if_fitting: Floats
    if_other: Floats
    asleep: Floats


def quiet_by_nature(world: World) -> Floats:
    """Each customer's place among all, in [0, 1): those on autopay first, the quietest first."""
    place = gammainc(TALK_SHAPE, TALK_SHAPE * world.contact_rate)
    others = AUTOPAY_SHARE + place * (1 - AUTOPAY_SHARE)
    return np.asarray(np.where(world.method == AUTOPAY, place * AUTOPAY_SHARE, others))


def deal_types(
    rng: Rng, quiet: Floats, shares: Mapping[str, float], by_nature: float = BY_NATURE["silence"]
) -> tuple[Ints, Floats]:
    """Each customer's type (index into ``TYPES``), on average by the shares, and effect of a call.

    The effect in log-odds, a sleeping dog's that of one fast asleep. ``quiet`` (n,) is
    ``quiet_by_nature``; it decides for the share ``by_nature`` of the customers.
    """
    count = len(quiet)
    place = np.where(rng.random(count) < by_nature, quiet, rng.random(count))
    edges = np.cumsum([shares[name] for name in TYPES])[:-1]
    kind = np.searchsorted(edges, place, side="right").astype(np.int64)
    mean = np.array([_EFFECTS.get(name, 0.0) for name in TYPES])[kind]
    size = np.maximum(np.abs(mean) + rng.normal(0, _SPREAD, count), _AT_LEAST)
    return kind, np.sign(mean) * size


def respond(world: World, month: Month, rated: Hazard, market: Ints | None) -> Response:
    """What a call tonight would do; ``market``: last month's prices by product line, or None."""
    sleep, dogs = asleep(world, month, market), world.kind == SLEEPING_DOG
    if_fitting, if_other = (world.effect * np.where(dogs, sleep, part) for part in month.dials.fit)
    return Response(world.touch, _heaviest(rated), if_fitting, if_other, sleep)


def _heaviest(rated: Hazard) -> Ints:
    """The action of each customer's heaviest irritation."""
    names = sorted(FITTING, key=ACTIONS.index)
    codes = np.array([ACTIONS.index(name) for name in names])
    shares = [[rated.shares[f"share_{driver}"] for driver in FITTING[name]] for name in names]
    weight = np.stack([np.max(own, axis=0) for own in shares])
    return np.where(weight.max(axis=0) > 0, codes[weight.argmax(axis=0)], NONE)


def asleep(world: World, month: Month, market: Ints | None) -> Floats:
    """How soundly each customer sleeps on the first day of the month, 0 to 1.

    By silence: 0 within a month of any dealing and for whoever does not pay by autopay, then
    growing evenly until half a year has gone. By price: growing with the gap to the market's
    price, fast asleep at a quarter above it.
    """
    if month.dials.sleepers == "price":
        gap = np.zeros(len(world)) if market is None else above_market(world, market)
        return np.clip(gap / _SOUND_GAP, 0, 1)
    quiet = (month.first - world.dealt_on - _AWAKE_DAYS) / (_SOUND_DAYS - _AWAKE_DAYS)
    return np.where(world.method == AUTOPAY, np.clip(quiet, 0, 1), 0.0)


def stronger(before: Floats, after: Floats) -> Floats:
    """The effect that stays when a call follows others: the larger, for calls do not add up.

    >>> stronger(np.array([-0.5, -0.5, 0.0]), np.array([-0.8, 0.2, 0.0])).tolist()
    [-0.8, -0.5, 0.0]
    """
    return np.where(np.abs(after) >= np.abs(before), after, before)


@dataclass(frozen=True, slots=True)
class CallList:
    """A list: customer numbers, actions (index into ``ACTIONS``), int64 (k,); who is held out."""

    number: Ints
    action: Ints
    held_out: Bools


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
        channel=np.where(held_out, NONE, BY_PHONE),
        contacted=reached,
        arm=held_out,
        published_on=month.first,
        lane=0,
        answer=np.where(accepted, _YES, np.where(reached, UNDECIDED, NONE)),
    )
    world.deal(rows[reached], days[reached])
    world.listed[rows] = days
    fits = response.fitting[rows] == action
    would = np.where(fits, response.if_fitting[rows], response.if_other[rows])
    effect = np.where(reached, would, 0.0)
    _feel(world, rows, effect, month.dials.household_spill)
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
