"""Who must not be contacted: customers' own noes, the company's marks, the public register."""

import numpy as np

from features.contract import CHANNELS
from pipelines.simulator.clock import Ints, office_seconds
from pipelines.simulator.world import NONE, Month, World, add_events

_OPTS_OUT, _IS_MARKED, _OF_ONE_CHANNEL, _LIFTED = 0.001, 0.0005, 0.5, 0.2
_OPTED_OUT, _VULNERABLE = range(2)
_BY_PHONE = CHANNELS.index("phone")
_NO_CALLS, _NO_POST = 0.25, 0.12
_LOOKED_UP_ON, _LONGEST_DAYS = 20, 300


def bar(world: World, month: Month) -> None:
    """A few object or are marked as vulnerable; some bars are lifted later.

    The company asks the register of everybody on one day of each month.
    """
    rng = month.rng("bars")
    draw = rng.random(len(world))
    rows = np.nonzero(draw < _OPTS_OUT + _IS_MARKED)[0]
    reason = np.where(draw[rows] < _OPTS_OUT, _OPTED_OUT, _VULNERABLE)
    one = (reason == _OPTED_OUT) & (rng.random(len(rows)) < _OF_ONE_CHANNEL)
    days = month.clock.random_days(rng, month.number, len(rows))
    lifted = days + rng.integers(1, _LONGEST_DAYS, len(rows))
    at = month.clock.instant(lifted, office_seconds(rng, len(rows)))
    columns = {
        "barred_at": month.clock.instant(days, office_seconds(rng, len(rows))),
        "reason": reason,
        "channel": np.where(one, _BY_PHONE, NONE),
        "lifted_at": np.where(rng.random(len(rows)) < _LIFTED, at, NONE),
    }
    add_events(month.sink, "contact_bars", world.number[rows], columns)
    _look_up(world, month)


def _look_up(world: World, month: Month) -> None:
    columns = {
        "customer_id": world.number,
        "looked_up_on": np.full(len(world), month.first + _LOOKED_UP_ON - 1),
        "reserved_phone": _reserved(world.number, _NO_CALLS),
        "reserved_post": _reserved(world.number, _NO_POST),
    }
    month.sink.add("reservations", columns)


def _reserved(number: Ints, share: float) -> Ints:
    """Whether a customer is in the register: for good, and those without post among the others."""
    return ((number * 2_246_822_519 % 2**32) / 2**32 < share).astype(np.int64)
