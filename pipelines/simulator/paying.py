"""How bills are paid: on time, late, failed or not at all; reminders; ways of paying set up."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulator.billing import Bills
from pipelines.simulator.clock import Bools, Floats, Ints, office_seconds
from pipelines.simulator.masterdata import FORMAT, METHOD, note
from pipelines.simulator.notices import BY_SMS, REMINDER, notify
from pipelines.simulator.silence import deal_with
from pipelines.simulator.world import (
    AUTOPAY,
    CARD,
    EINVOICE,
    EINVOICE_FORMAT,
    MANUAL,
    NONE,
    PAPER,
    Month,
    World,
    add_events,
    irritate,
)

_NEVER = 10_000
_FIRST_AFTER, _SECOND_AFTER, _THIRD_AFTER = 14, 28, 42
_REMINDER_FEE, _NOTICE_FEE = 3_500, 7_000
_FRIENDLY = 0.8
_STARTED, _COMPLETED, _ERROR, _CANCELLED = range(4)
_RETURNED, _RETURNED_WITHIN_DAYS = 0.6, 2


def pay_bills(world: World, month: Month, bills: Bills) -> Floats:
    """Pay this month's bills and remind of the unpaid; returns the rate of payment contacts."""
    rng = month.rng("payments")
    count = len(world)
    owed = bills.amount > 0
    auto = world.method == AUTOPAY
    fails = np.select([auto, world.method == CARD], [0.016, 0.030], 0.004) * owed
    failed = rng.random(count) < fails
    late = ~auto & (rng.random(count) < world.lateness)
    never = ~auto & (rng.random(count) < 0.002 + 0.05 * world.lateness**2)
    on_time = np.where(auto, 0, -rng.integers(0, 9, count))
    delay = np.where(late, 1 + rng.exponential(11, count), on_time).astype(np.int64)
    delay = np.where(failed, rng.integers(2, 20, count), np.where(never, _NEVER, delay))
    irritate(world, month, "payment_failure", np.nonzero(failed)[0], bills.due[failed])
    _write(world, month, bills, failed, np.full(count, 0), worked=False)
    _write(world, month, bills, owed & (delay < _NEVER), delay, worked=True)
    _remind(rng, world, month, bills, np.where(owed, delay, 0))
    upset = world.felt("dunning") + world.felt("payment_failure")
    return 0.008 + 0.10 * failed + 0.05 * np.minimum(upset, 2)


def _write(
    world: World, month: Month, bills: Bills, mask: Bools, delay: Ints, *, worked: bool
) -> None:
    rows = np.nonzero(mask)[0]
    method = world.method[rows]
    if worked:
        method = np.where((method == AUTOPAY) & (delay[rows] > 0), MANUAL, method)
    paid = bills.due[rows] + delay[rows]
    by_hand = method != AUTOPAY
    deal_with(world, rows[by_hand], paid[by_hand])
    nothing = np.full(len(rows), NONE)
    columns = {
        "invoice_id": bills.number[rows],
        "paid_on": paid,
        "amount": bills.amount[rows],
        "method": method,
        "failed_on": nothing if worked else _come_back(month, method, paid),
        "failed": np.full(len(rows), int(not worked)),
    }
    add_events(month.sink, "payments", world.number[rows], columns)


def _come_back(month: Month, method: Ints, paid: Ints) -> Ints:
    """Most failed debits seem paid at first and are returned a day or two later; -1 the others."""
    rng = month.rng("returned debits")
    later = (rng.random(len(paid)) < _RETURNED) & (method == AUTOPAY)
    return np.where(later, paid + rng.integers(1, _RETURNED_WITHIN_DAYS + 1, len(paid)), NONE)


def _remind(
    rng: np.random.Generator, world: World, month: Month, bills: Bills, delay: Ints
) -> None:
    steps = ((_FIRST_AFTER, _REMINDER_FEE), (_SECOND_AFTER, _REMINDER_FEE))
    for stage, (after, fee) in enumerate((*steps, (_THIRD_AFTER, _NOTICE_FEE)), start=1):
        rows = np.nonzero(delay > after)[0]
        friendly = (rng.random(len(rows)) < _FRIENDLY) & (stage == 1)
        sent = bills.due[rows] + after
        columns = {
            "reminder_id": month.sink.numbers("reminders", len(rows)),
            "customer_id": world.number[rows],
            "invoice_id": bills.number[rows],
            "sent_on": sent,
            "stage": np.full(len(rows), stage),
            "fee": np.where(friendly, 0, fee),
        }
        month.sink.add("reminders", columns)
        irritate(world, month, "dunning", rows, sent, by=np.where(friendly, 0.35, 1.0))
        if stage == 1:
            told = rng.random(len(rows)) < 0.5
            at = month.clock.instant(sent[told], office_seconds(rng, int(told.sum())))
            notify(world, month, rows[told], at, kind=REMINDER, channel=BY_SMS)


@dataclass(frozen=True, slots=True)
class Setup:
    """One way of paying that customers try to set up, and how that goes."""

    method: int
    wanted: float
    errors: float
    abandoned: float


_AUTOPAY_SETUP = Setup(AUTOPAY, wanted=0.016, errors=0.25, abandoned=0.12)
_DIGITAL_SWITCH = Setup(EINVOICE, wanted=0.025, errors=0.10, abandoned=0.28)


def change_ways_of_paying(world: World, month: Month) -> None:
    """Set up autopay or digital bills, with errors and abandoned attempts; end a few autopays."""
    rng = month.rng("ways of paying")
    ended = np.nonzero((world.method == AUTOPAY) & (rng.random(len(world)) < 0.004))[0]
    day = month.clock.random_days(rng, month.number, len(ended))
    second = office_seconds(rng, len(ended))
    _step(world, month, ended, AUTOPAY, _CANCELLED, day=day, second=second)
    note(month.sink, world.number[ended], METHOD, MANUAL, month.clock.instant(day, second))
    wanting = (world.method != AUTOPAY) & (rng.random(len(world)) < _AUTOPAY_SETUP.wanted)
    on_autopay = _attempt(rng, world, month, _AUTOPAY_SETUP, wanting)
    switching = (world.format == PAPER) & ~wanting
    switching &= rng.random(len(world)) < _DIGITAL_SWITCH.wanted
    digital = _attempt(rng, world, month, _DIGITAL_SWITCH, switching)
    world.method[ended] = MANUAL
    world.method[on_autopay] = AUTOPAY
    world.method[digital] = EINVOICE
    world.format[digital] = EINVOICE_FORMAT


def _attempt(
    rng: np.random.Generator, world: World, month: Month, setup: Setup, wanting: Bools
) -> Ints:
    rows = np.nonzero(wanting)[0]
    count = len(rows)
    day = month.clock.random_days(rng, month.number, count)
    second = office_seconds(rng, count)
    trouble = np.clip(0.4 + 2.2 * world.trouble[rows], 0, 2)
    error = rng.random(count) < setup.errors * trouble
    gave_up = rng.random(count) < np.where(error, 0.6, setup.abandoned)
    _step(world, month, rows, setup.method, _STARTED, day=day, second=second)
    _step(
        world, month, rows[error], setup.method, _ERROR, day=day[error], second=second[error] + 120
    )
    done = ~gave_up
    _step(
        world, month, rows[done], setup.method, _COMPLETED, day=day[done], second=second[done] + 300
    )
    irritate(world, month, "payment_setup", rows, day, by=error * 1.0 + gave_up * 0.8)
    at = month.clock.instant(day[done], second[done] + 300)
    note(month.sink, world.number[rows[done]], METHOD, setup.method, at)
    if setup is _DIGITAL_SWITCH:
        note(month.sink, world.number[rows[done]], FORMAT, EINVOICE_FORMAT, at)
    return rows[done]


def _step(
    world: World, month: Month, rows: Ints, way: int, step: int, *, day: Ints, second: Floats
) -> None:
    columns = {
        "occurred_at": month.clock.instant(day, second),
        "method": np.full(len(rows), way),
        "step": np.full(len(rows), step),
    }
    add_events(month.sink, "payment_method_events", world.number[rows], columns)
    deal_with(world, rows, day)
