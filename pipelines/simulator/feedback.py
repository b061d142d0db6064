"""Surveys: few answer, and what they say follows what they went through."""

import numpy as np

from pipelines.simulator.clock import Bools, Floats, Ints
from pipelines.simulator.notices import BY_SMS, SURVEY, notify
from pipelines.simulator.service import Talks
from pipelines.simulator.world import Month, World, add_events, irritate

_CSAT, _LOYALTY, _CES = range(3)
_INVITED, _ANSWER_CSAT, _ANSWER_CES, _ANSWER_LOYALTY = 0.30, 0.10, 0.06, 0.012
_INVITED_AT = 7.75 * 3600


def ask(world: World, month: Month, talks: Talks) -> None:
    """Ask about some contacts (csat 1–5, ces 1–7) and some relations (loyalty 0–10)."""
    rng = month.rng("surveys")
    pain = _pain(world)
    invited = rng.random(len(talks.rows))
    _invite(world, month, talks, invited < _INVITED)
    csat = np.nonzero(invited < _ANSWER_CSAT)[0]
    rows, days = talks.rows[csat], talks.day[csat] + 1
    mood = 4.4 - 1.3 * talks.hard[csat] - 0.5 * pain[rows] + rng.normal(0, 0.8, len(rows))
    _answer(world, month, _CSAT, rows, days=days, score=np.clip(np.rint(mood), 1, 5))
    ces = np.nonzero(rng.random(len(talks.rows)) < _ANSWER_CES)[0]
    rows, days = talks.rows[ces], talks.day[ces] + 1
    effort = 2.2 + 1.6 * talks.again[ces] + 0.9 * talks.hard[ces] + rng.normal(0, 1.0, len(rows))
    _answer(world, month, _CES, rows, days=days, score=np.clip(np.rint(effort), 1, 7))
    rows = np.nonzero(rng.random(len(world)) < _ANSWER_LOYALTY)[0]
    days = month.clock.random_days(rng, month.number, len(rows))
    warmth = 7.8 - 1.6 * pain[rows] - 1.5 * world.frailty[rows] + rng.normal(0, 1.6, len(rows))
    _answer(world, month, _LOYALTY, rows, days=days, score=np.clip(np.rint(warmth), 0, 10))


def _invite(world: World, month: Month, talks: Talks, mask: Bools) -> None:
    """Ask about contacts the morning after; a third answer the same day, the others never."""
    rows, days = talks.rows[mask], talks.day[mask] + 1
    at = month.clock.instant(days, np.full(len(rows), _INVITED_AT))
    notify(world, month, rows, at, kind=SURVEY, channel=BY_SMS)


def _pain(world: World) -> Floats:
    felt = world.felt("unresolved_case") + 0.5 * world.felt("price_rise") + world.felt("wait")
    return np.minimum(felt, 2.5)


def dissatisfaction(kind: int, score: Floats) -> Floats:
    """What an answer adds: nothing at the top, however delighted; most at the bottom."""
    if kind == _CSAT:
        return np.clip((3.5 - score) / 2.5, 0, 1)
    if kind == _LOYALTY:
        return np.clip((6.5 - score) / 6.5, 0, 1)
    return np.clip((score - 4) / 3, 0, 1)


def _answer(
    world: World, month: Month, kind: int, rows: Ints, *, days: Ints, score: Floats
) -> None:
    seconds = month.rng(f"survey {kind}").uniform(8, 22, len(rows)) * 3600
    columns = {
        "answered_at": month.clock.instant(days, seconds),
        "kind": np.full(len(rows), kind),
        "score": score,
    }
    add_events(month.sink, "surveys", world.number[rows], columns)
    irritate(world, month, "satisfaction", rows, days, by=dissatisfaction(kind, score))
