"""Cases: opened by a contact, promised, closed, solved or not, reopened."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulator.clock import Bools, Floats, Ints, office_seconds
from pipelines.simulator.dealings import Pushed
from pipelines.simulator.record import NONE
from pipelines.simulator.service import (
    FAULT,
    Talks,
    answer,
    call_back,
    choose_channels,
    first_contacts,
    follow_ups,
    together,
)
from pipelines.simulator.world import Month, World, irritate
from pipelines.simulator.writer import AHEAD

_STILL_FELT_DAYS = 75
_LONGEST_DAYS = 150
_PROMISED = 0.35
_MINUTES_TO_OPEN = 10 * 60_000_000


@dataclass(frozen=True, slots=True)
class Course:
    """How each case goes: instants in UTC µs (−1 never), and the day on which it stops hurting."""

    opened: Ints
    promised: Ints
    closed: Ints
    resolved: Bools
    reopened: Ints
    reclosed: Ints
    relief: Ints


def serve(world: World, month: Month, rates: Floats, first_days: Ints, pushed: Pushed) -> Talks:
    """A month of customer service; returns its contacts."""
    rng = month.rng("service")
    rows, topic, day = first_contacts(rng, world, month, rates, first_days, pushed)
    channel, closed = choose_channels(rng, world, month, rows, day)
    count = len(rows)
    opens = rng.random(count) < np.where(topic == FAULT, 0.75, 0.55)
    hard = opens & (rng.random(count) < np.minimum(1.3 * world.problem_propensity[rows], 0.95))
    case = np.full(count, NONE)
    case[opens] = month.sink.numbers("cases", int(opens.sum()))
    second = office_seconds(rng, count)
    again = np.zeros(count, dtype=bool)
    first = Talks(rows, topic, day, second, channel, case, again, hard, closed)
    opened = month.clock.instant(day[opens], second[opens]) + _MINUTES_TO_OPEN
    course = _draw_course(rng, month, day[opens], hard[opens], opened)
    _write(world, month, first, course, opens)
    _hurt(world, month, rows[opens], day[opens], course)
    until = day + 14
    until[opens] = course.relief
    talks = together(first, follow_ups(rng, world, month, first, until))
    answer(rng, world, month, talks)
    call_back(rng, world, month, talks)
    return talks


def _draw_course(
    rng: np.random.Generator, month: Month, day: Ints, hard: Bools, opened: Ints
) -> Course:
    count = len(day)
    lingers = hard & (rng.random(count) < 0.55)
    brushed_off = hard & ~lingers
    quick = np.minimum(rng.exponential(1.8, count), 12)
    slow = np.clip(rng.lognormal(np.log(55), 0.6, count), 12, _LONGEST_DAYS)
    closed = day + np.where(lingers, slow, quick).astype(np.int64)
    resolved = ~brushed_off & (rng.random(count) > np.where(lingers, 0.15, 0.02))
    again = ~resolved & (rng.random(count) < 0.65)
    reopened = closed + rng.integers(2, 20, count)
    reclosed = reopened + np.clip(rng.lognormal(np.log(30), 0.6, count), 3, 90).astype(np.int64)
    relief = np.where(again, reclosed, closed + np.where(resolved, 0, _STILL_FELT_DAYS))
    at = [month.clock.office_instant(rng, days) for days in (closed, reopened, reclosed)]
    promised = np.where(rng.random(count) < _PROMISED, day + rng.integers(3, 15, count), NONE)
    shut = np.maximum(at[0], opened + _MINUTES_TO_OPEN)
    back, done = (np.where(again, moment, NONE) for moment in at[1:])
    return Course(opened, promised, shut, resolved, back, done, relief)


def _write(world: World, month: Month, first: Talks, course: Course, opens: Bools) -> None:
    month.sink.add(
        "cases",
        case_id=first.case[opens],
        customer_id=world.number[first.rows[opens]],
        opened_at=course.opened,
        topic=first.topic[opens],
        promised_on=course.promised,
        closed_at=course.closed,
        resolved=course.resolved,
        reopened_at=course.reopened,
        reclosed_at=course.reclosed,
    )


def _hurt(world: World, month: Month, rows: Ints, day: Ints, course: Course) -> None:
    for ahead in range(AHEAD):
        end_of_month = np.full(len(rows), month.clock.first(month.number + ahead + 1))
        open_then = (day < end_of_month) & (course.relief >= end_of_month)
        irritate(world, month, "unresolved_case", rows, end_of_month - 1, by=open_then * 1.0)
    missed = (course.promised >= 0) & (course.relief > course.promised)
    overrun = np.minimum((course.relief - course.promised) / 30.0, 1.5)
    days = course.promised[missed] + 1
    irritate(world, month, "late_delivery", rows[missed], days, by=(0.5 + overrun)[missed])
