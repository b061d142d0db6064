"""Marketing and offers, personal or not, and what customers allow."""

import numpy as np

from features.contract import CHANNELS
from pipelines.simulator.clock import Clock, Floats, Ints, office_seconds
from pipelines.simulator.masterdata import change_plans
from pipelines.simulator.notices import BY_EMAIL, BY_SMS, MARKETING, notify
from pipelines.simulator.pricelist import PriceBook
from pipelines.simulator.record import OFFERS
from pipelines.simulator.world import NONE, Month, Sink, World, add_events, irritate

_SERVICE, _MARKETING = range(2)
_BY_PHONE = CHANNELS.index("phone")
_NO_CALLS, _BACK_AGAIN, _ANYHOW = 0.06, 0.004, 0.002
_MESSAGED, _OFFERED = 0.22, 0.10
_PERSONAL_MESSAGE, _PERSONAL_OFFER = 0.2, 0.35
_NEWER_PLAN = OFFERS.index("newer_plan")
_DAY = 86_400_000_000


def first_consents(rng: np.random.Generator, world: World, clock: Clock, sink: Sink) -> None:
    """What customers allow as they join; without a word on it, marketing is not allowed."""
    rows = np.arange(len(world))
    at = clock.instant(world.joined, office_seconds(rng, len(world)))
    rarely = rng.random(len(world)) < _NO_CALLS
    allowing = rows[world.marketing]
    _allow(sink, world, rows, at, channel=world.preferred, purpose=_SERVICE, allowed=1)
    refused = rows[rarely & (world.preferred != _BY_PHONE)]
    _allow(sink, world, refused, at[refused], channel=_BY_PHONE, purpose=_SERVICE, allowed=0)
    _allow(sink, world, allowing, at[allowing], channel=BY_EMAIL, purpose=_MARKETING, allowed=1)


def _allow(
    sink: Sink,
    world: World,
    rows: Ints,
    at: Ints,
    *,
    channel: Ints | int,
    purpose: int,
    allowed: int,
) -> None:
    columns = {
        "changed_at": at,
        "channel": np.full(len(rows), channel),
        "purpose": np.full(len(rows), purpose),
        "allowed": np.full(len(rows), allowed),
    }
    add_events(sink, "consents", world.number[rows], columns)


def approach(world: World, month: Month, book: PriceBook) -> None:
    """A month of messages and offers to those who allow them, and the noes of some."""
    rng = month.rng("marketing")
    no = np.full(len(world), _ANYHOW)
    day = month.clock.random_days(rng, month.number, len(world))
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


def _send_messages(rng: np.random.Generator, world: World, month: Month, no: Floats) -> None:
    rows = np.nonzero(world.marketing & (rng.random(len(world)) < _MESSAGED))[0]
    days = month.clock.random_days(rng, month.number, len(rows))
    at = month.clock.instant(days, rng.uniform(8, 17, len(rows)) * 3600)
    channel = rng.choice([BY_EMAIL, BY_SMS], len(rows), p=[0.8, 0.2])
    personal = rng.random(len(rows)) < _PERSONAL_MESSAGE
    notify(world, month, rows, at, kind=MARKETING, channel=channel, personalised=personal)
    irritate(world, month, "noise", rows[~personal], days[~personal], by=0.15)
    no[rows] += 0.03 * ~personal


def _send_offers(
    rng: np.random.Generator, world: World, month: Month, book: PriceBook, no: Floats
) -> None:
    rows = np.nonzero(world.marketing & (rng.random(len(world)) < _OFFERED))[0]
    offers = _draw_offers(rng, month, len(rows))
    keys = {
        "offer_id": month.sink.numbers("offers", len(rows)),
        "customer_id": world.number[rows],
    }
    month.sink.add("offers", keys | offers)
    answered, accepted = offers["answered_at"], offers["accepted"]
    rejected = accepted == 0
    days = month.clock.day_of(answered[rejected])
    irritate(world, month, "noise", rows[rejected], days, by=0.6)
    no[rows] += 0.10 * rejected
    taken = (accepted == 1) & (offers["kind"] == _NEWER_PLAN)
    change_plans(rng, world, month, book, rows[taken], answered[taken])


def _draw_offers(rng: np.random.Generator, month: Month, count: int) -> dict[str, Ints]:
    personal = rng.random(count) < _PERSONAL_OFFER
    day = month.clock.random_days(rng, month.number, count)
    sent = month.clock.instant(day, rng.uniform(8, 17, count) * 3600)
    opened = rng.random(count) < np.where(personal, 0.6, 0.25)
    answered = opened & (rng.random(count) < 0.4)
    accepted = rng.random(count) < np.where(personal, 0.5, 0.1)
    opened_at = sent + (rng.uniform(0, 3, count) * _DAY).astype(np.int64)
    answered_at = opened_at + (rng.uniform(0, 5, count) * _DAY).astype(np.int64)
    return {
        "sent_at": sent,
        "kind": rng.integers(0, len(OFFERS), count),
        "personalised": personal,
        "opened_at": np.where(opened, opened_at, NONE),
        "answered_at": np.where(answered, answered_at, NONE),
        "accepted": np.where(answered, accepted, NONE),
    }
