"""Faults: which areas they hit, for how long, and whether anybody told the customers."""

from dataclasses import dataclass

import numpy as np

from features.tables import PRODUCT_LINES
from pipelines.demo.clock import DAY_SECONDS, Bools, Floats, Ints
from pipelines.demo.notices import BY_EMAIL, BY_SMS, MARKETING, OUTAGE, notify
from pipelines.demo.population import AREAS
from pipelines.demo.world import NONE, Month, World, irritate

_NETWORKED = tuple(PRODUCT_LINES.index(n) for n in ("electricity", "broadband", "telephony"))
_PER_AREA, _HIT, _PLANNED = 0.05, 0.7, 0.2
_TOLD, _TOLD_OF_PLANNED, _REACHED = 0.55, 0.92, 0.93


@dataclass(frozen=True, slots=True)
class Faults:
    """At most one fault an area and month, arrays by area; ``number`` −1 without one."""

    number: Ints
    day: Ints
    start: Ints
    hours: Floats
    kind: Ints
    planned: Bools
    told: Bools


def _draw(rng: np.random.Generator, month: Month) -> Faults:
    prone = np.random.default_rng([month.seed, *b"areas"]).gamma(0.8, 1 / 0.8, AREAS)
    struck = rng.random(AREAS) < _PER_AREA * prone
    number = np.full(AREAS, NONE)
    number[struck] = month.sink.numbers("incidents", int(struck.sum()))
    planned = rng.random(AREAS) < _PLANNED
    day = month.clock.random_days(rng, month.number, AREAS)
    return Faults(
        number,
        day,
        month.clock.instant(day, rng.uniform(0, DAY_SECONDS, AREAS)),
        np.minimum(rng.lognormal(np.log(2.5), 1.1, AREAS), 96),
        rng.choice(3, AREAS, p=[0.6, 0.3, 0.1]),
        planned,
        rng.random(AREAS) < np.where(planned, _TOLD_OF_PLANNED, _TOLD),
    )


def break_things(world: World, month: Month) -> tuple[Floats, Ints]:
    """Let faults strike; returns the rate of fault contacts and their first day, by customer.

    Some areas break far more often than others, the same ones all through.
    """
    rng = month.rng("faults")
    faults = _draw(rng, month)
    networked = np.isin(world.line, _NETWORKED).any(axis=1)
    hit = networked & (faults.number[world.area] >= 0) & (rng.random(len(world)) < _HIT)
    rows = np.nonzero(hit)[0]
    rows = rows[np.argsort(faults.number[world.area[rows]], kind="stable")]
    _write(world, month, faults, rows)
    informed = faults.told[world.area[rows]] & (rng.random(len(rows)) < _REACHED)
    _inform(rng, world, month, faults, rows[informed])
    return _feel(world, month, faults, rows, informed)


def _write(world: World, month: Month, faults: Faults, rows: Ints) -> None:
    area = world.area[rows]
    columns = {
        "incident_id": faults.number[area],
        "customer_id": world.number[rows],
        "started_at": faults.start[area],
        "ended_at": (faults.start + (faults.hours * 3600e6).astype(np.int64))[area],
        "kind": faults.kind[area],
        "planned": faults.planned[area].astype(np.int64),
    }
    month.sink.add("incidents", columns)


def _inform(
    rng: np.random.Generator, world: World, month: Month, faults: Faults, rows: Ints
) -> None:
    area = world.area[rows]
    sent = faults.start[area] + (rng.uniform(5, 60, len(rows)) * 60e6).astype(np.int64)
    numbers = faults.number[area]
    notify(world, month, rows, sent, kind=OUTAGE, channel=BY_SMS, incident=numbers)


def _feel(
    world: World, month: Month, faults: Faults, rows: Ints, informed: Bools
) -> tuple[Floats, Ints]:
    hours, days = faults.hours[world.area[rows]], faults.day[world.area[rows]]
    weight = (0.5 + np.minimum(hours / 8, 1.5)) * ~informed
    irritate(world, month, "uninformed_incident", rows, days, by=weight)
    rate = np.full(len(world), 0.025)
    rate[rows] += np.where(informed, 0.04, 0.16) * np.clip(hours / 4, 0.3, 2)
    first = np.full(len(world), month.first)
    first[rows] = days
    return rate, first


def send_marketing(world: World, month: Month) -> None:
    """Marketing that tells nobody anything: it changes no risk here."""
    rng = month.rng("marketing")
    rows = np.nonzero(rng.random(len(world)) < 0.12)[0]
    days = month.clock.random_days(rng, month.number, len(rows))
    at = month.clock.instant(days, rng.uniform(8, 17, len(rows)) * 3600)
    channel = rng.choice([BY_EMAIL, BY_SMS], len(rows), p=[0.8, 0.2])
    notify(world, month, rows, at, kind=MARKETING, channel=channel)
