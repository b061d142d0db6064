"""Faults: which areas they hit, for how long, and whether anybody told the customers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import DAY_SECONDS, Bools, Floats, Ints, Rng
from pipelines.simulator.dealings import Grounds
from pipelines.simulator.outreach import BY_SMS, OUTAGE, notify
from pipelines.simulator.population import AREAS
from pipelines.simulator.record import NONE, TOPICS
from pipelines.simulator.world import Month, World, irritate

_NETWORKED = tuple(PRODUCT_LINES.index(n) for n in ("electricity", "broadband", "telephony"))
_PER_AREA, _HIT, _PLANNED = 0.06, 0.7, 0.2
_ANNOUNCED, _PLANNED_ANNOUNCED, _REACHED = 0.55, 0.92, 0.93
_AT_FIRST_SITE, _AGAIN_DAYS = 0.7, 90
_PROMPT, _WITH_END = 0.8, 0.7
_COMPLAIN_UNINFORMED, _COMPLAIN_INFORMED = 0.08, 0.01
_FAULT = TOPICS.index("fault")
_HOUR = 3_600_000_000


def _draw(rng: Rng, month: Month) -> Mapping[str, Any]:
    """At most one fault an area and month: arrays by area, those of ``incidents`` among them.

    ``incident_id`` is −1 without one; ``site`` is which of the area's two sites it strikes.
    """
    prone = np.random.default_rng([month.seed, *b"areas"]).gamma(0.8, 1 / 0.8, AREAS)
    struck = rng.random(AREAS) < _PER_AREA * prone
    number = np.full(AREAS, NONE)
    number[struck] = month.sink.numbers("incidents", int(struck.sum()))
    planned = rng.random(AREAS) < _PLANNED
    day = month.random_days(rng, AREAS)
    start = month.clock.instant(day, rng.uniform(0, DAY_SECONDS, AREAS))
    hours = np.minimum(rng.lognormal(np.log(2.5), 1.1, AREAS), 96)
    kind = rng.choice(3, AREAS, p=[0.6, 0.3, 0.1])
    announced = rng.random(AREAS) < np.where(planned, _PLANNED_ANNOUNCED, _ANNOUNCED)
    site = (rng.random(AREAS) > _AT_FIRST_SITE).astype(np.int64)
    faults = {"incident_id": number, "started_at": start, "kind": kind, "planned": planned}
    faults |= {"ended_at": start + (hours * _HOUR).astype(np.int64)}
    faults |= {"site_id": 2 * np.arange(AREAS) + site, "site": site, "announced": announced}
    return faults | {"day": day, "hours": hours}


def break_things(world: World, month: Month) -> tuple[Floats, Ints, Grounds]:
    """Let faults strike, and tell some of those whom they hit.

    Some areas break far more often than others, the same ones all through.
    """
    rng = month.rng("faults")
    faults = _draw(rng, month)
    networked = np.isin(world.line, _NETWORKED).any(axis=1)
    number = faults["incident_id"][world.area]
    rows = np.nonzero(networked & (number >= 0) & (rng.random(len(world)) < _HIT))[0]
    rows = rows[np.argsort(number[rows], kind="stable")]
    struck = {name: column[world.area[rows]] for name, column in faults.items()}
    month.sink.add("incidents", customer_id=world.number[rows], **struck)
    informed = _inform(rng, world, month, struck, rows)
    return _feel(world, month, struck, rows, informed)


def _inform(rng: Rng, world: World, month: Month, struck: Mapping[str, Any], rows: Ints) -> Bools:
    """Tell of the faults, mostly at once; returns who was told before the end."""
    start = struck["started_at"]
    announced = struck["announced"] & (rng.random(len(rows)) < _REACHED)
    length = (struck["hours"] * _HOUR).astype(np.int64)
    prompt = rng.random(len(rows)) < _PROMPT
    lag = np.where(prompt, rng.uniform(0.1, 1, len(rows)), rng.uniform(1, 9, len(rows)))
    after = (lag * _HOUR).astype(np.int64)
    guess = np.maximum(length * rng.lognormal(0.1, 0.4, len(rows)), after + _HOUR).astype(np.int64)
    promises = rng.random(len(rows)) < _WITH_END
    end = np.where(promises, start + guess, NONE)
    about = {"incident": struck["incident_id"][announced], "end": end[announced]}
    sent = (start + after)[announced]
    notify(world, month, rows[announced], sent, kind=OUTAGE, channel=BY_SMS, **about)
    missed = announced & promises & (guess < length)
    days = month.clock.day_of(end[missed])
    irritate(world, month, "uninformed_incident", rows[missed], days, by=0.5)
    before_end: Bools = announced & (after <= length)
    return before_end


def _feel(
    world: World, month: Month, struck: Mapping[str, Any], rows: Ints, informed: Bools
) -> tuple[Floats, Ints, Grounds]:
    """Rate of fault contacts and their first day, by customer, and grounds for complaints."""
    hours, days, site = struck["hours"], struck["day"], struck["site"]
    before, unplanned = world.struck[rows, site], ~struck["planned"]
    again = unplanned & (before >= 0) & (days - before <= _AGAIN_DAYS)
    weight = (0.5 + np.minimum(hours / 8, 1.5)) * ~informed + 0.4 * again
    irritate(world, month, "uninformed_incident", rows, days, by=weight)
    irritate(world, month, "kept_informed", rows[informed], days[informed])
    world.informed[rows] = informed
    world.struck[rows[unplanned], site[unplanned]] = days[unplanned]
    rate = np.full(len(world), 0.025)
    rate[rows] += np.where(informed, 0.04, 0.16) * np.clip(hours / 4, 0.3, 2)
    first = np.full(len(world), month.first)
    first[rows] = days
    chance = np.where(informed, _COMPLAIN_INFORMED, _COMPLAIN_UNINFORMED)
    return rate, first, Grounds(rows, days, np.full(len(rows), _FAULT), chance)
