"""What the company does for customers, tells them, and whom it must leave alone."""

import numpy as np

from features.contract import CHANNELS
from pipelines.simulator.clock import Bools, Floats, Ints, Rng
from pipelines.simulator.record import NONE, NOTICES, PAST_ACTIONS
from pipelines.simulator.world import Month, World, irritate
from pipelines.simulator.writer import Recorder

_LOYALTY, _DISCOUNT, _BONUS = range(3)
_DAYS = np.array([365, 180, 90])
_LOYAL_DAYS = 730
_AT_THE_START, _LOYAL, _ANYBODY = 0.22, 0.022, 0.006
_USED, _USED_WITHIN_DAYS = 0.5, 90
_PICKED, _HELD_OUT = 0.006, 0.2
UNDECIDED = 2
BY_PHONE, BY_EMAIL, BY_SMS, BY_APP, BY_POST = (
    CHANNELS.index(name) for name in ("phone", "email", "sms", "app", "post")
)
_OPTS_OUT, _IS_MARKED, _OF_ONE_CHANNEL, _LIFTED = 0.001, 0.0005, 0.5, 0.2
_OPTED_OUT, _VULNERABLE = range(2)
_NO_CALLS, _NO_POST = 0.25, 0.12
_LOOKED_UP_ON, _LONGEST_DAYS = 20, 300


def first_benefits(rng: Rng, world: World, sink: Recorder) -> None:
    """Loyalty benefits of the last year before the start."""
    granted = sink.clock.first(0) - rng.integers(1, int(_DAYS[_LOYALTY]), len(world))
    loyal = granted - world.joined > _LOYAL_DAYS
    rows = np.nonzero(loyal & (rng.random(len(world)) < _AT_THE_START))[0]
    _grant(rng, world, sink, rows, granted[rows], np.full(len(rows), _LOYALTY))


def grant_benefits(world: World, month: Month) -> None:
    """Grant benefits to some who have none; whoever uses one is a little less likely to leave."""
    rng = month.rng("benefits")
    loyal = month.first - world.joined > _LOYAL_DAYS
    chance = np.where(loyal, _LOYAL, _ANYBODY) * (world.benefit < month.first)
    rows = np.nonzero(rng.random(len(world)) < chance)[0]
    other = rng.choice([_DISCOUNT, _BONUS], len(rows), p=[0.7, 0.3])
    kind = np.where(loyal[rows], _LOYALTY, other)
    used = _grant(rng, world, month.sink, rows, month.random_days(rng, len(rows)), kind)
    irritate(world, month, "benefits_used", rows[used >= 0], used[used >= 0])


def _grant(rng: Rng, world: World, sink: Recorder, rows: Ints, granted: Ints, kind: Ints) -> Ints:
    """Write benefits; returns the days on which they are used, -1 never."""
    taken = rng.random(len(rows)) < _USED
    used = np.where(taken, granted + rng.integers(1, _USED_WITHIN_DAYS, len(rows)), NONE)
    world.benefit[rows] = granted + _DAYS[kind]
    at = sink.clock.office_instant(rng, np.maximum(used, 0))
    sink.add_events(
        "benefits",
        world.number[rows],
        granted_on=granted,
        kind=kind,
        ends_on=world.benefit[rows],
        used_at=np.where(taken, at, NONE),
    )
    return used


def reach_out(world: World, month: Month) -> None:
    """Treat some customers at random and without effect, hold some of them out.

    In a month with a list, its calls are all there is.
    """
    if (world.listed >= month.first).any():
        return
    rng = month.rng("outreach")
    rows = np.nonzero(rng.random(len(world)) < _PICKED)[0]
    held_out = rng.random(len(rows)) < _HELD_OUT
    reached = ~held_out & (rng.random(len(rows)) < month.dials.reach)
    days = month.random_days(rng, len(rows))
    month.sink.add_events(
        "treatments",
        world.number[rows],
        treated_at=month.clock.office_instant(rng, days),
        action=rng.integers(0, PAST_ACTIONS, len(rows)),
        channel=np.where(held_out, NONE, rng.choice([BY_PHONE, BY_EMAIL], len(rows))),
        contacted=reached,
        arm=held_out,
        published_on=days,
        lane=0,
        answer=np.where(reached, UNDECIDED, NONE),
    )
    world.deal(rows[reached], days[reached])


def keyed_lot(number: Ints, factor: int) -> Floats:
    """A share in [0, 1) that stays with the customer, as a keyed hash of the id would."""
    return (number * factor % 2**32) / 2**32


def bar(world: World, month: Month) -> None:
    """A few object or are marked as vulnerable; some bars are lifted later.

    The company asks the public register of everybody on one day of each month.
    """
    rng = month.rng("bars")
    draw = rng.random(len(world))
    rows = np.nonzero(draw < _OPTS_OUT + _IS_MARKED)[0]
    reason = np.where(draw[rows] < _OPTS_OUT, _OPTED_OUT, _VULNERABLE)
    one = (reason == _OPTED_OUT) & (rng.random(len(rows)) < _OF_ONE_CHANNEL)
    days = month.random_days(rng, len(rows))
    lifted = month.clock.office_instant(rng, days + rng.integers(1, _LONGEST_DAYS, len(rows)))
    month.sink.add_events(
        "contact_bars",
        world.number[rows],
        barred_at=month.clock.office_instant(rng, days),
        reason=reason,
        channel=np.where(one, BY_PHONE, NONE),
        lifted_at=np.where(rng.random(len(rows)) < _LIFTED, lifted, NONE),
    )
    # Whoever is in the register stays in it, and those without post are among the others.
    month.sink.add(
        "reservations",
        customer_id=world.number,
        looked_up_on=month.first + _LOOKED_UP_ON - 1,
        reserved_phone=keyed_lot(world.number, 2_246_822_519) < _NO_CALLS,
        reserved_post=keyed_lot(world.number, 2_246_822_519) < _NO_POST,
    )


OUTAGE, PRICE, REMINDER, MARKETING, SURVEY = range(len(NOTICES))
_OPENED = np.array([0.8, 0.65, 0.7, 0.25, 0.4])
_FREE_TEXT, _LATEST_HOURS = 0.03, 240


def notify(
    world: World,
    month: Month,
    rows: Ints,
    sent_at: Ints,
    *,
    kind: int,
    channel: Ints | int,
    incident: Ints | int = NONE,
    personalised: Bools | bool = True,
    price: Ints | int = NONE,
    end: Ints | int = NONE,
) -> None:
    """Send one message to each of ``rows`` at ``sent_at`` (UTC µs).

    ``price`` (øre) is the price that it states, ``end`` (UTC µs) the end of the fault that it
    promises. Letters are opened unseen; some messages are written without a template.
    """
    rng = month.rng(f"messages {kind}")
    free_text = rng.random(len(rows)) < _FREE_TEXT
    likes = 0.25 * ((kind == MARKETING) & np.asarray(personalised))
    opens = rng.random(len(rows)) < _OPENED[kind] + likes
    after = np.minimum(rng.exponential(8, len(rows)), _LATEST_HOURS) * 3600e6
    opens &= np.asarray(channel) != BY_POST
    month.sink.add_events(
        "notifications",
        world.number[rows],
        sent_at=sent_at,
        kind=kind,
        channel=channel,
        incident_id=incident,
        personalised=personalised,
        template_id=np.where(free_text, NONE, kind + 1),
        stated_price=price,
        promised_end_at=end,
        opened_at=np.where(opens, sent_at + after.astype(np.int64), NONE),
    )
