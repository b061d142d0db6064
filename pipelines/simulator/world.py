"""The state of the simulated company: one row per living customer, two contract slots each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.contract import PAYMENT_METHODS, TABLES
from pipelines.simulator.clock import Bools, Clock, Ints
from pipelines.simulator.options import Dials

Columns = Mapping[str, Ints | Bools]
"""A table's columns as numbers (codes, days since 1970, UTC µs, øre; −1 null) or flags."""

AHEAD = 6
"""Months that what happens today may reach into the future."""

AUTOPAY, EINVOICE, MOBILE, CARD, MANUAL = range(len(PAYMENT_METHODS))
PAPER, EMAIL, EINVOICE_FORMAT, APP = range(4)
NONE = -1

DECAY = MappingProxyType(
    {
        "bill_shock": 0.55,
        "bill_correction": 0.65,
        "unclear_bill": 0.55,
        "dunning": 0.65,
        "payment_failure": 0.60,
        "payment_setup": 0.70,
        "price_rise": 0.83,
        "silent_price_rise": 0.75,
        "wait": 0.50,
        "unresolved_case": 0.68,
        "late_delivery": 0.65,
        "bot_loop": 0.55,
        "fault_response": 0.60,
        "repeat_contact": 0.82,
        "scattered_history": 0.65,
        "uninformed_incident": 0.78,
        "satisfaction": 0.55,
        "bundle_broken": 0.80,
        "missing_reading": 0.50,
        "complaint": 0.70,
        "self_service": 0.60,
        "self_service_success": 0.60,
        "kept_informed": 0.78,
        "noise": 0.55,
        "contradicting_message": 0.60,
        "forced_channel": 0.60,
        "household": 0.75,
        "benefits_used": 0.80,
        "outreach": 0.85,
        "claims": 0.75,
        "claims_honoured": 0.75,
    }
)
"""What remains of each irritation (or comfort) after a month: it fades over one to six months."""

SIGNALS = tuple(DECAY)

DRIVERS = MappingProxyType(
    {
        "bundle_broken": "bundle",
        "self_service_success": "self_service",
        "kept_informed": "uninformed_incident",
        "claims_honoured": "claims",
    }
)
"""The driver a signal counts under; the others are drivers of the same name."""


@dataclass(slots=True)
class World:
    """Living customers, arrays of length n in the order they joined.

    Contract columns are (n, 2): slot 0 the first product, slot 1 the second; ``line`` −1 means
    none. Prices and bills in øre, days since 1970, ``binding`` −1 without one; ``next_price``
    is in force from the day ``price_from`` (−1: no change coming). ``household`` −1 for none;
    ``dealt_on`` the latest day on which the customer had to do with the company;
    ``benefit`` the last day of the latest benefit; ``unread`` the last meter reading never came;
    ``informed`` whether the customer was told of the latest fault (−1 before the first);
    ``struck`` (n, 2) the day of the latest fault at each site of the area. ``memory``
    (n, signals) is what each irritation still weighs; ``coming`` (n, AHEAD, signals) what the
    current and the next months add.
    """

    number: Ints
    segment: Ints
    joined: Ints
    dealt_on: Ints
    area: Ints
    frailty: npt.NDArray[np.float64]
    talk: npt.NDArray[np.float64]
    trouble: npt.NDArray[np.float64]
    lateness: npt.NDArray[np.float64]
    usage: npt.NDArray[np.float64]
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
    bundled: npt.NDArray[np.bool_]
    usual_bill: npt.NDArray[np.float64]
    invoice: Ints
    bill: Ints
    preferred: Ints
    marketing: npt.NDArray[np.bool_]
    household: Ints
    benefit: Ints
    unread: npt.NDArray[np.bool_]
    informed: Ints
    struck: Ints
    memory: npt.NDArray[np.float32] = field()
    coming: npt.NDArray[np.float32] = field()

    def __len__(self) -> int:
        return len(self.number)

    def has(self, slot: int) -> npt.NDArray[np.bool_]:
        """Which customers have a contract in a slot."""
        return self.line[:, slot] >= 0

    def keep(self, mask: npt.NDArray[np.bool_]) -> "World":
        """The customers selected by ``mask``."""
        return World(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})

    def joined_by(self, other: "World") -> "World":
        """These customers followed by the customers of ``other``."""
        both = ((f.name, (getattr(self, f.name), getattr(other, f.name))) for f in fields(self))
        return World(**{name: np.concatenate(pair) for name, pair in both})

    def felt(self, signal: str) -> npt.NDArray[np.float64]:
        """What one irritation weighs at the start of the month."""
        return self.memory[:, SIGNALS.index(signal)].astype(np.float64)


class Sink(Protocol):
    """Takes the rows that a month produces and hands out the numbers of their keys."""

    def numbers(self, table: str, count: int) -> Ints:
        """The next ``count`` key numbers of a table."""
        ...

    def add(self, table: str, columns: Columns, *, final: bool = False) -> None:
        """Add rows; a column that is left out is null, and ``final`` rows may follow the notice."""
        ...


def add_events(
    sink: Sink, table: str, customers: Ints, columns: Columns, *, final: bool = False
) -> None:
    """Add one row of ``table`` for each of ``customers``, under the next numbers of its key."""
    numbers = sink.numbers(table, len(customers))
    keys = {TABLES[table].key[0]: numbers, "customer_id": customers}
    sink.add(table, keys | dict(columns), final=final)


@dataclass(frozen=True, slots=True)
class Month:
    """What every step of a month needs: calendar, number, randomness, dials and the sink."""

    clock: Clock
    number: int
    seed: int
    sink: Sink
    dials: Dials

    def rng(self, step: str) -> np.random.Generator:
        """Randomness of one step, the same however many months are simulated."""
        return np.random.default_rng([self.seed, self.number + 1, *step.encode()])

    @property
    def first(self) -> int:
        """First day of the month."""
        return self.clock.first(self.number)

    @property
    def last(self) -> int:
        """Last day of the month."""
        return self.clock.first(self.number + 1) - 1

    @property
    def season(self) -> int:
        """Calendar month, 1 to 12."""
        return self.clock.season(self.number)

    @property
    def date(self) -> date:
        """First day of the month as a date."""
        return self.clock.date(self.number)


def irritate(
    world: World,
    month: Month,
    signal: str,
    rows: Ints,
    days: Ints,
    *,
    by: npt.ArrayLike = 1.0,
) -> None:
    """Let ``rows`` remember something that happens on ``days``, in this month or a later one."""
    ahead = np.clip(month.clock.month_of(days) - month.number, 0, AHEAD - 1)
    index = np.full_like(ahead, SIGNALS.index(signal))
    np.add.at(world.coming, (rows, ahead, index), np.asarray(by, dtype=np.float32))


def forget(world: World) -> None:
    """Close the month: fade what is remembered, add what the month brought."""
    fade = np.array(list(DECAY.values()), dtype=np.float32)
    world.memory = world.memory * fade + world.coming[:, 0]
    world.coming = np.concatenate([world.coming[:, 1:], np.zeros_like(world.coming[:, :1])], axis=1)
