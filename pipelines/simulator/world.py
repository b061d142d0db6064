"""The state of the simulated company: one row per living customer, two contract slots each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.contract import PAYMENT_METHODS
from models.dataset.array_types import RowTable
from pipelines.simulator.clock import Bools, Clock, Floats, Ints, Rng
from pipelines.simulator.options import CALL_REMAINS, DECAY, SIGNALS, Dials
from pipelines.simulator.writer import AHEAD, Recorder

AUTOPAY, EINVOICE, MOBILE, CARD, MANUAL = range(len(PAYMENT_METHODS))
PAPER, EMAIL, EINVOICE_FORMAT, APP = range(4)


@dataclass(slots=True)
class World(RowTable):
    """Living customers, arrays of length n in the order they joined.

    Contract columns are (n, 2): slot 0 the first product, slot 1 the second; ``line`` −1 means
    none. Prices and bills in øre, days since 1970, ``binding`` −1 without one; ``next_price``
    is in force from the day ``price_from`` (−1: no change coming). ``household`` −1 for none;
    ``dealt_on`` the latest day on which the customer had to do with the company;
    ``listed`` the latest day of a call, made or withheld; ``touch`` what calls still add to the
    log-odds, ``kind`` (index into ``TYPES``) and ``effect`` what one adds at most;
    ``benefit`` the last day of the latest benefit; ``unread`` the last meter reading never came;
    ``informed`` whether the customer was told of the latest fault (−1 before the first);
    ``delay`` the months after which the customer feels what happens;
    ``struck`` (n, 2) the day of the latest fault at each site of the area. ``memory``
    (n, signals) is what each irritation still weighs; ``coming`` (n, AHEAD + longest
    delay, signals) what the current and the next months add.
    """

    number: Ints
    segment: Ints
    joined: Ints
    dealt_on: Ints
    listed: Ints
    kind: Ints
    effect: Floats
    touch: Floats
    area: Ints
    delay: Ints
    frailty: Floats
    contact_rate: Floats
    problem_propensity: Floats
    lateness: Floats
    usage: Floats
    method: Ints
    format: Ints
    line: Ints
    contract: Ints
    plan: Ints
    price: Ints
    next_price: Ints
    price_from: Ints
    started: Ints
    binding: Ints
    bundled: Bools
    usual_bill: Floats
    invoice: Ints
    bill: Ints
    preferred: Ints
    marketing: Bools
    household: Ints
    benefit: Ints
    unread: Bools
    informed: Ints
    struck: Ints
    memory: npt.NDArray[np.float32]
    coming: npt.NDArray[np.float32]

    def has(self, slot: int) -> Bools:
        """Which customers have a contract in a slot."""
        return self.line[:, slot] >= 0

    def deal(self, rows: Ints, days: Ints) -> None:
        """Note that ``rows`` have to do with the company on ``days``."""
        np.maximum.at(self.dealt_on, rows, days)

    def irritation(self, signal: str) -> Floats:
        """What one irritation weighs at the start of the month."""
        return self.memory[:, SIGNALS.index(signal)].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Month:
    """What every step of a month needs: calendar, number, randomness, dials and the sink."""

    clock: Clock
    number: int
    seed: int
    sink: Recorder
    dials: Dials

    def rng(self, step: str, back: int = 0) -> Rng:
        """Randomness of one step, the same however many months are simulated; of months back."""
        return np.random.default_rng([self.seed, max(self.number + 1 - back, 0), *step.encode()])

    @property
    def first(self) -> int:
        return self.clock.first(self.number)

    @property
    def last(self) -> int:
        return self.clock.first(self.number + 1) - 1

    @property
    def season(self) -> int:
        """Calendar month, 1 to 12."""
        return self.clock.date(self.number).month

    def random_days(self, rng: Rng, count: int) -> Ints:
        """Days spread evenly over the month: int64 (count,)."""
        return rng.integers(self.first, self.last + 1, count)


def irritate(
    world: World, month: Month, signal: str, rows: Ints, days: Ints, *, by: npt.ArrayLike = 1.0
) -> None:
    """Let ``rows`` remember something that happens on ``days``, in this month or a later one."""
    ahead = np.clip(month.clock.month_of(days) - month.number, 0, AHEAD - 1)
    ahead = ahead + world.delay[rows]
    index = np.full_like(ahead, SIGNALS.index(signal))
    np.add.at(world.coming, (rows, ahead, index), np.asarray(by, dtype=np.float32))


def forget(world: World) -> None:
    """Close the month: fade what is remembered, add what the month brought."""
    fade = np.array(list(DECAY.values()), dtype=np.float32)
    world.memory = world.memory * fade + world.coming[:, 0]
    world.touch = world.touch * CALL_REMAINS
    world.coming = np.concatenate([world.coming[:, 1:], np.zeros_like(world.coming[:, :1])], axis=1)
