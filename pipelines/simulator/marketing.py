"""Marketing and offers, what customers allow, and what few of them answer in surveys."""

from typing import Any

import numpy as np

from pipelines.simulator.clock import Floats, Ints, Rng, office_seconds
from pipelines.simulator.outreach import BY_EMAIL, BY_PHONE, BY_SMS, MARKETING, SURVEY, notify
from pipelines.simulator.population import change_plans
from pipelines.simulator.prices import PriceBook
from pipelines.simulator.record import NONE, OFFERS
from pipelines.simulator.service import Talks
from pipelines.simulator.world import Month, World, irritate
from pipelines.simulator.writer import Recorder

_SERVICE, _MARKETING = range(2)
_NO_CALLS, _BACK_AGAIN, _ANYHOW = 0.06, 0.004, 0.002
_MESSAGED, _OFFERED = 0.22, 0.10
_PERSONAL_MESSAGE, _PERSONAL_OFFER = 0.2, 0.35
_NEWER_PLAN = OFFERS.index("newer_plan")
_DAY = 86_400_000_000
_CSAT, _LOYALTY, _CES = range(3)
_SCALES = ((1, 5, 3.5, 1), (0, 10, 6.5, 0), (1, 7, 4, 7))
"""Lowest and highest answer; where one begins to add dissatisfaction, and where it adds most."""
_INVITED, _ANSWER_CSAT, _ANSWER_CES, _ANSWER_LOYALTY = 0.30, 0.10, 0.06, 0.012
_INVITED_AT = 7.75 * 3600


def first_consents(rng: Rng, world: World, sink: Recorder) -> None:
    """What customers allow as they join; without a word on it, marketing is not allowed."""
    rows = np.arange(len(world))
    at = sink.clock.office_instant(rng, world.joined)
    rarely = rng.random(len(world)) < _NO_CALLS
    allowing = rows[world.marketing]
    _allow(sink, world, rows, at, channel=world.preferred.copy(), purpose=_SERVICE, allowed=1)
    refused = rows[rarely & (world.preferred != BY_PHONE)]
    _allow(sink, world, refused, at[refused], channel=BY_PHONE, purpose=_SERVICE, allowed=0)
    _allow(sink, world, allowing, at[allowing], channel=BY_EMAIL, purpose=_MARKETING, allowed=1)


def _allow(sink: Recorder, world: World, rows: Ints, at: Ints, **word: Any) -> None:
    """Write what customers say of a ``channel`` and ``purpose``: whether it is ``allowed``."""
    sink.add_events("consents", world.number[rows], changed_at=at, **word)


def approach(world: World, month: Month, book: PriceBook) -> None:
    """A month of messages and offers to those who allow them, and the noes of some."""
    rng = month.rng("marketing")
    no = np.full(len(world), _ANYHOW)
    day = month.random_days(rng, len(world))
    _send_messages(rng, world, month, no)
    _send_offers(rng, world, month, book, no)
    leaving = np.nonzero(world.marketing & (rng.random(len(world)) < no))[0]
    back = np.nonzero(~world.marketing & (rng.random(len(world)) < _BACK_AGAIN))[0]
    seconds = office_seconds(rng, len(world))
    for rows, allowed in ((leaving, 0), (back, 1)):
        at = month.clock.instant(day[rows], seconds[rows])
        _allow(month.sink, world, rows, at, channel=BY_EMAIL, purpose=_MARKETING, allowed=allowed)
        world.marketing[rows] = bool(allowed)
    irritate(world, month, "noise", leaving, day[leaving])


def _send_messages(rng: Rng, world: World, month: Month, no: Floats) -> None:
    rows = np.nonzero(world.marketing & (rng.random(len(world)) < _MESSAGED))[0]
    days = month.random_days(rng, len(rows))
    at = month.clock.instant(days, rng.uniform(8, 17, len(rows)) * 3600)
    channel = rng.choice([BY_EMAIL, BY_SMS], len(rows), p=[0.8, 0.2])
    personal = rng.random(len(rows)) < _PERSONAL_MESSAGE
    notify(world, month, rows, at, kind=MARKETING, channel=channel, personalised=personal)
    irritate(world, month, "noise", rows[~personal], days[~personal], by=0.15)
    no[rows] += 0.03 * ~personal


def _send_offers(rng: Rng, world: World, month: Month, book: PriceBook, no: Floats) -> None:
    rows = np.nonzero(world.marketing & (rng.random(len(world)) < _OFFERED))[0]
    count = len(rows)
    personal = rng.random(count) < _PERSONAL_OFFER
    day = month.random_days(rng, count)
    sent = month.clock.instant(day, rng.uniform(8, 17, count) * 3600)
    opened = rng.random(count) < np.where(personal, 0.6, 0.25)
    answered = opened & (rng.random(count) < 0.4)
    accepted = rng.random(count) < np.where(personal, 0.5, 0.1)
    opened_at = sent + (rng.uniform(0, 3, count) * _DAY).astype(np.int64)
    answered_at = opened_at + (rng.uniform(0, 5, count) * _DAY).astype(np.int64)
    kind = rng.integers(0, len(OFFERS), count)
    month.sink.add_events(
        "offers",
        world.number[rows],
        sent_at=sent,
        kind=kind,
        personalised=personal,
        opened_at=np.where(opened, opened_at, NONE),
        answered_at=np.where(answered, answered_at, NONE),
        accepted=np.where(answered, accepted, NONE),
    )
    rejected = answered & ~accepted
    days = month.clock.day_of(answered_at[rejected])
    irritate(world, month, "noise", rows[rejected], days, by=0.6)
    no[rows] += 0.10 * rejected
    taken = answered & accepted & (kind == _NEWER_PLAN)
    change_plans(rng, world, month, book, rows[taken], answered_at[taken])


def ask(world: World, month: Month, talks: Talks) -> None:
    """Ask about some contacts (csat 1–5, ces 1–7) and some relations (loyalty 0–10).

    Contacts are asked about the morning after; a third answer the same day, the others never.
    What they say follows what they went through.
    """
    rng = month.rng("surveys")
    felt = world.irritation("unresolved_case") + 0.5 * world.irritation("price_rise")
    pain = np.minimum(felt + world.irritation("wait"), 2.5)
    invited = rng.random(len(talks.rows))
    rows, days = talks.rows[invited < _INVITED], talks.day[invited < _INVITED] + 1
    at = month.clock.instant(days, np.full(len(rows), _INVITED_AT))
    notify(world, month, rows, at, kind=SURVEY, channel=BY_SMS)
    csat = np.nonzero(invited < _ANSWER_CSAT)[0]
    rows, days = talks.rows[csat], talks.day[csat] + 1
    mood = 4.4 - 1.3 * talks.hard[csat] - 0.5 * pain[rows] + rng.normal(0, 0.8, len(rows))
    _answer(world, month, _CSAT, rows, days=days, felt=mood)
    ces = np.nonzero(rng.random(len(talks.rows)) < _ANSWER_CES)[0]
    rows, days = talks.rows[ces], talks.day[ces] + 1
    effort = 2.2 + 1.6 * talks.again[ces] + 0.9 * talks.hard[ces] + rng.normal(0, 1.0, len(rows))
    _answer(world, month, _CES, rows, days=days, felt=effort)
    rows = np.nonzero(rng.random(len(world)) < _ANSWER_LOYALTY)[0]
    days = month.random_days(rng, len(rows))
    warmth = 7.8 - 1.6 * pain[rows] - 1.5 * world.frailty[rows] + rng.normal(0, 1.6, len(rows))
    _answer(world, month, _LOYALTY, rows, days=days, felt=warmth)


def _answer(world: World, month: Month, kind: int, rows: Ints, *, days: Ints, felt: Floats) -> None:
    lowest, highest, begins, worst = _SCALES[kind]
    score = np.clip(np.rint(felt), lowest, highest)
    seconds = month.rng(f"survey {kind}").uniform(8, 22, len(rows)) * 3600
    at, customers = month.clock.instant(days, seconds), world.number[rows]
    month.sink.add_events("surveys", customers, answered_at=at, kind=kind, score=score)
    dissatisfaction = np.clip((begins - score) / (begins - worst), 0, 1)
    irritate(world, month, "satisfaction", rows, days, by=dissatisfaction)
