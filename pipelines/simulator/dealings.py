"""What customers take up with the company: self-service, orders, insurance claims, complaints."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import Floats, Ints
from pipelines.simulator.record import COMPLAINT_TOPICS, ORDERS, TASKS, TOPICS
from pipelines.simulator.world import PAPER, Month, World, irritate

_TOPIC_OF = np.array([TOPICS.index(n) for n in ("billing", "payment", "other", "move", "price")])
_TASK_SHARES = (0.4, 0.2, 0.2, 0.1, 0.1)
_CALLS_AFTER_FAILURE = 0.35
_NEWCOMERS, _OTHERS, _NEW_DAYS = 0.5, 0.012, 31
_ORDER_SHARES = (0.2, 0.25, 0.35, 0.2)
_DELIVERY = COMPLAINT_TOPICS.index("delivery")
_INSURANCE = PRODUCT_LINES.index("insurance")
_CLAIM = 0.018
_ORE, _SPREAD, _DEDUCTIBLE = 900_000, 1.0, 400_000
_REFUSED, _REFUSED_WITH_TROUBLE, _CUT = 0.04, 0.35, 0.2
_DAYS, _DAYS_WITH_TROUBLE = 12, 60
_SLOW_WEIGHT, _CUT_WEIGHT = 0.5, 0.5
_ANYHOW = 0.0006
_INFORMED_WEIGHT = 0.4
_SLOW_DAYS, _LONGEST_DAYS = 30, 150


@dataclass(frozen=True, slots=True)
class Grounds:
    """What gives rise to complaints: rows of the world, days, topics, and the chance of each."""

    rows: Ints
    days: Ints
    topic: Ints
    chance: Floats | float


def help_themselves(world: World, month: Month) -> tuple[Ints, Ints, Ints]:
    """Self-service of a month; rows, topics and days of the contacts after failed sessions."""
    rng = month.rng("self-service")
    digital = np.where(world.format == PAPER, 0.04, 0.20)
    rows = np.repeat(np.arange(len(world)), rng.poisson(digital * (0.5 + 0.5 * world.contact_rate)))
    count = len(rows)
    day = month.random_days(rng, count)
    task = rng.choice(len(TASKS), count, p=_TASK_SHARES)
    done = rng.random(count) > 0.08 + 0.65 * world.problem_propensity[rows]
    seconds = rng.lognormal(np.log(np.where(done, 110, 320)), 0.6)
    month.sink.add_events(
        "self_service",
        world.number[rows],
        started_at=month.clock.instant(day, rng.uniform(6, 23, count) * 3600),
        task=task,
        completed=done,
        seconds=np.minimum(seconds, 3600),
    )
    world.deal(rows, day)
    calls = ~done & (rng.random(count) < _CALLS_AFTER_FAILURE)
    irritate(world, month, "self_service", rows[calls], day[calls] + 1)
    irritate(world, month, "self_service_success", rows[done], day[done])
    return rows[calls], _TOPIC_OF[task[calls]], day[calls] + 1


def take_orders(world: World, month: Month) -> Grounds:
    """Orders of a month; returns the missed deliveries as grounds for complaints."""
    rng = month.rng("orders")
    new = month.first - world.joined <= _NEW_DAYS
    rows = np.nonzero(rng.random(len(world)) < np.where(new, _NEWCOMERS, _OTHERS))[0]
    count = len(rows)
    ordered = month.random_days(rng, count)
    promised = ordered + rng.integers(3, 15, count)
    late = rng.random(count) < 0.04 + 0.45 * world.problem_propensity[rows]
    overrun = 1 + np.minimum(rng.exponential(9, count), 60).astype(np.int64)
    in_time = np.maximum(promised - rng.integers(0, 3, count), ordered)
    month.sink.add_events(
        "orders",
        world.number[rows],
        ordered_on=ordered,
        promised_on=promised,
        delivered_on=np.where(late, promised + overrun, in_time),
        kind=np.where(new[rows], 0, rng.choice(len(ORDERS), count, p=_ORDER_SHARES)),
    )
    world.deal(rows, ordered)
    missed = promised[late] + 1
    weight = 0.5 + np.minimum(overrun[late] / 14, 1.5)
    irritate(world, month, "late_delivery", rows[late], missed, by=weight)
    return Grounds(rows[late], missed, np.full(len(missed), _DELIVERY), 0.08)


def make_claims(world: World, month: Month) -> None:
    """Let some of the insured claim; settled fast and in full comforts, anything else irritates.

    Nothing is drawn for a company that insures nobody.
    """
    insured = np.nonzero((world.line == _INSURANCE).any(axis=1))[0]
    if not len(insured):
        return
    rng = month.rng("claims")
    rows = insured[rng.random(len(insured)) < _CLAIM]
    count, problem_propensity = len(rows), world.problem_propensity[rows]
    day = month.random_days(rng, count)
    typical = np.log(_DAYS + _DAYS_WITH_TROUBLE * problem_propensity)
    taken = np.clip(rng.lognormal(typical, 0.6), 1, _LONGEST_DAYS).astype(np.int64)
    above = np.rint(rng.lognormal(np.log(_ORE), _SPREAD, count))
    refused = rng.random(count) < _REFUSED + _REFUSED_WITH_TROUBLE * problem_propensity
    cut = ~refused & (rng.random(count) < _CUT)
    part = np.where(refused, 0.0, np.where(cut, rng.uniform(0.3, 0.9, count), 1.0))
    settled = day + taken
    month.sink.add_events(
        "claims",
        world.number[rows],
        claimed_on=day,
        claimed=_DEDUCTIBLE + above,
        settled_on=settled,
        paid=np.rint(above * part),
    )
    slow, short = taken > _SLOW_DAYS, refused | cut
    late = day[slow] + _SLOW_DAYS + 1
    irritate(world, month, "claims", rows[slow], late, by=_SLOW_WEIGHT)
    weight = np.where(refused, 1.0, _CUT_WEIGHT)[short]
    irritate(world, month, "claims", rows[short], settled[short], by=weight)
    paid = ~slow & ~short
    irritate(world, month, "claims_honoured", rows[paid], settled[paid])


def complain(world: World, month: Month, grounds: Sequence[Grounds]) -> None:
    """Let some complain some days after what they complain of, and decide their complaints.

    A complaint weighs less with those who were kept informed.
    """
    rng = month.rng("complaints")
    everybody = np.arange(len(world))
    anything = rng.integers(0, len(COMPLAINT_TOPICS), len(world))
    whenever = month.random_days(rng, len(world))
    grounds = [*grounds, Grounds(everybody, whenever, anything, _ANYHOW)]
    picked = [rng.random(len(ground.rows)) < ground.chance for ground in grounds]
    pairs = zip(grounds, picked, strict=True)
    parts = [(each.rows[mask], each.days[mask], each.topic[mask]) for each, mask in pairs]
    rows, days, topic = (np.concatenate(part) for part in zip(*parts, strict=True))
    days = days + rng.integers(0, 8, len(rows))
    taken = np.clip(rng.lognormal(np.log(16), 0.7, len(rows)), 1, _LONGEST_DAYS).astype(np.int64)
    month.sink.add_events(
        "complaints",
        world.number[rows],
        opened_at=month.clock.office_instant(rng, days),
        topic=topic,
        closed_at=month.clock.office_instant(rng, days + taken),
    )
    world.deal(rows, days)
    weight = np.where(world.informed[rows] == 1, _INFORMED_WEIGHT, 1.0)
    irritate(world, month, "complaint", rows, days, by=weight)
    irritate(world, month, "complaint", rows, days + _SLOW_DAYS, by=weight * (taken > _SLOW_DAYS))
