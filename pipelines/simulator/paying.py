"""How bills are paid: on time, late, failed or not at all; reminders; ways of paying set up."""

import numpy as np

from pipelines.simulator.billing import Bills
from pipelines.simulator.clock import Bools, Floats, Ints, Rng, office_seconds
from pipelines.simulator.outreach import BY_SMS, REMINDER, notify
from pipelines.simulator.population import FORMAT, METHOD, note
from pipelines.simulator.record import NONE
from pipelines.simulator.world import (
    AUTOPAY,
    CARD,
    EINVOICE,
    EINVOICE_FORMAT,
    MANUAL,
    PAPER,
    Month,
    World,
    irritate,
)

_NEVER = 10_000
_REMINDERS = ((14, 3_500), (28, 3_500), (42, 7_000))
"""Days after the bill was due, and the fee in øre; the last is the notice of collection."""
_FRIENDLY = 0.8
_STARTED, _COMPLETED, _ERROR, _CANCELLED = range(4)
_RETURNED, _RETURNED_WITHIN_DAYS = 0.6, 2
_WANT_AUTOPAY, _WANT_DIGITAL = 0.016, 0.025


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
    upset = world.irritation("dunning") + world.irritation("payment_failure")
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
    world.deal(rows[by_hand], paid[by_hand])
    month.sink.add_events(
        "payments",
        world.number[rows],
        invoice_id=bills.number[rows],
        paid_on=paid,
        amount=bills.amount[rows],
        method=method,
        failed_on=NONE if worked else _come_back(month, method, paid),
        failed=not worked,
    )


def _come_back(month: Month, method: Ints, paid: Ints) -> Ints:
    """Most failed debits seem paid at first and are returned a day or two later; -1 the others."""
    rng = month.rng("returned debits")
    later = (rng.random(len(paid)) < _RETURNED) & (method == AUTOPAY)
    return np.where(later, paid + rng.integers(1, _RETURNED_WITHIN_DAYS + 1, len(paid)), NONE)


def _remind(rng: Rng, world: World, month: Month, bills: Bills, delay: Ints) -> None:
    for stage, (after, fee) in enumerate(_REMINDERS, start=1):
        rows = np.nonzero(delay > after)[0]
        friendly = (rng.random(len(rows)) < _FRIENDLY) & (stage == 1)
        sent = bills.due[rows] + after
        month.sink.add_events(
            "reminders",
            world.number[rows],
            invoice_id=bills.number[rows],
            sent_on=sent,
            stage=stage,
            fee=np.where(friendly, 0, fee),
        )
        irritate(world, month, "dunning", rows, sent, by=np.where(friendly, 0.35, 1.0))
        if stage == 1:
            told = rng.random(len(rows)) < 0.5
            at = month.clock.office_instant(rng, sent[told])
            notify(world, month, rows[told], at, kind=REMINDER, channel=BY_SMS)


def change_ways_of_paying(world: World, month: Month) -> None:
    """Set up autopay or digital bills, with errors and abandoned attempts; end a few autopays."""
    rng = month.rng("ways of paying")
    ended = np.nonzero((world.method == AUTOPAY) & (rng.random(len(world)) < 0.004))[0]
    at = month.clock.office_instant(rng, month.random_days(rng, len(ended)))
    _step(world, month, ended, AUTOPAY, _CANCELLED, at)
    note(month.sink, world.number[ended], METHOD, MANUAL, at)
    wanting = (world.method != AUTOPAY) & (rng.random(len(world)) < _WANT_AUTOPAY)
    on_autopay, _ = _attempt(rng, world, month, wanting, AUTOPAY, errors=0.25, abandoned=0.12)
    switching = (world.format == PAPER) & ~wanting
    switching &= rng.random(len(world)) < _WANT_DIGITAL
    digital, at = _attempt(rng, world, month, switching, EINVOICE, errors=0.10, abandoned=0.28)
    note(month.sink, world.number[digital], FORMAT, EINVOICE_FORMAT, at)
    world.method[ended] = MANUAL
    world.method[on_autopay] = AUTOPAY
    world.method[digital] = EINVOICE
    world.format[digital] = EINVOICE_FORMAT


def _attempt(
    rng: Rng,
    world: World,
    month: Month,
    wanting: Bools,
    method: int,
    *,
    errors: float,
    abandoned: float,
) -> tuple[Ints, Ints]:
    """Let some set up a way of paying; the rows of those who got it done, and when (UTC µs)."""
    rows = np.nonzero(wanting)[0]
    count = len(rows)
    day = month.random_days(rng, count)
    second = office_seconds(rng, count)
    at = [month.clock.instant(day, second + later) for later in (0, 120, 300)]
    problem_propensity = np.clip(0.4 + 2.2 * world.problem_propensity[rows], 0, 2)
    error = rng.random(count) < errors * problem_propensity
    done = rng.random(count) >= np.where(error, 0.6, abandoned)
    _step(world, month, rows, method, _STARTED, at[0])
    _step(world, month, rows[error], method, _ERROR, at[1][error])
    _step(world, month, rows[done], method, _COMPLETED, at[2][done])
    irritate(world, month, "payment_setup", rows, day, by=error * 1.0 + ~done * 0.8)
    note(month.sink, world.number[rows[done]], METHOD, method, at[2][done])
    return rows[done], at[2][done]


def _step(world: World, month: Month, rows: Ints, method: int, step: int, at: Ints) -> None:
    customers = world.number[rows]
    month.sink.add_events(
        "payment_method_events", customers, occurred_at=at, method=method, step=step
    )
    world.deal(rows, month.clock.day_of(at))
