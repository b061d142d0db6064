"""Customer service: who gets in touch, about what, who must try again, and how cases go."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.contract import CHANNELS
from models.dataset.array_types import RowTable
from pipelines.simulator.clock import Bools, Floats, Ints, Rng, office_seconds
from pipelines.simulator.record import NONE, TOPICS
from pipelines.simulator.world import Month, World, irritate
from pipelines.simulator.writer import AHEAD

BILLING, PRICE, FAULT, MOVE, PAYMENT, OTHER = range(len(TOPICS))
PHONE, CHAT, STORE = (CHANNELS.index(name) for name in ("phone", "chat", "store"))
_USED = np.array([CHANNELS.index(n) for n in ("phone", "email", "chat", "app", "store")])
_USED_SHARES = (0.50, 0.20, 0.20, 0.05, 0.05)
_AS_PREFERRED = 0.6
_LINKED_LATER, _LINKED_AFTER_HOURS, _LONGEST_HOURS = 0.15, 20, 240
_HOUR = 3600
_INBOUND, _OUTBOUND = range(2)
_STILL_FELT_DAYS = 75
_LONGEST_DAYS = 150
_PROMISED = 0.35
_MINUTES_TO_OPEN = 10 * 60_000_000


@dataclass(frozen=True, slots=True)
class Talks(RowTable):
    """Contacts: row of the world, topic, day and second of it, channel, case (−1 not linked).

    ``again`` marks follow-ups; ``hard`` contacts about a case that does not get solved soon;
    ``closed`` is the channel that was tried first and found closed (−1 for most).
    """

    rows: Ints
    topic: Ints
    day: Ints
    second: Floats
    channel: Ints
    case: Ints
    again: Bools
    hard: Bools
    closed: Ints


def draw_channels(rng: Rng, count: int) -> Ints:
    """Channels as customers in general use them."""
    return rng.choice(_USED, count, p=_USED_SHARES)


def _first_contacts(
    rng: Rng,
    world: World,
    month: Month,
    rates: Floats,
    first_days: Ints,
    pushed: tuple[Ints, Ints, Ints],
) -> tuple[Ints, Ints, Ints]:
    """Draw contacts by topic: rows, topics, days. ``rates``, ``first_days`` (n, 6)."""
    counts = rng.poisson(rates * (0.25 + 0.75 * world.contact_rate)[:, None])
    flat = np.repeat(np.arange(counts.size), counts.ravel())
    rows, topic = np.divmod(flat, len(TOPICS))
    soon = first_days.ravel()[flat] + rng.integers(0, 10, len(flat))
    anywhere = month.random_days(rng, len(flat))
    caused = first_days.ravel()[flat] > month.first
    day = np.minimum(np.where(caused, soon, anywhere), month.last)
    pairs = zip((rows, topic, day), pushed, strict=True)
    rows, topic, day = (np.concatenate(pair) for pair in pairs)
    return rows, topic, day


def _choose_channels(
    rng: Rng, world: World, month: Month, rows: Ints, day: Ints
) -> tuple[Ints, Ints]:
    """The channel of each contact, mostly the preferred one, and the one found closed before."""
    liked = rng.random(len(rows)) < _AS_PREFERRED
    first = np.where(liked, world.preferred[rows], draw_channels(rng, len(rows)))
    shut = rng.random(len(rows)) < 0.02 + 0.25 * world.problem_propensity[rows]
    other = _USED[(np.searchsorted(_USED, first) + rng.integers(1, 3, len(rows))) % len(_USED)]
    irritate(world, month, "forced_channel", rows[shut], day[shut])
    return np.where(shut, other, first), np.where(shut, first, NONE)


def _follow_ups(rng: Rng, world: World, month: Month, first: Talks, until: Ints) -> Talks:
    """Contacts again about the same thing, until it is solved, often in another channel."""
    need = np.where(first.hard, 1.7, 0.10) * np.sqrt(world.contact_rate[first.rows] + 0.1)
    count = np.minimum(rng.poisson(need), 5)
    of = np.repeat(np.arange(len(count)), count)
    spread = np.clip(until[of] - first.day[of], 8, 45)
    day = first.day[of] + 1 + (rng.random(len(of)) ** 1.5 * spread).astype(np.int64)
    other = rng.random(len(of)) < 0.45
    channel = np.where(other, draw_channels(rng, len(of)), first.channel[of])
    linked = rng.random(len(of)) < 0.65
    talks = replace(
        first.take(of),
        day=day,
        second=office_seconds(rng, len(of)),
        channel=channel,
        case=np.where(linked, first.case[of], NONE),
        again=np.ones(len(of), dtype=bool),
        closed=np.full(len(of), NONE),
    )
    irritate(world, month, "repeat_contact", talks.rows, day)
    scattered = 0.7 * (channel != first.channel[of]) + 0.5 * (~linked & (first.case[of] >= 0))
    irritate(world, month, "scattered_history", talks.rows, day, by=scattered)
    return talks


def _answer(rng: Rng, world: World, month: Month, talks: Talks) -> None:
    """Let contacts wait, reach a bot or a person, be passed on; write and remember them."""
    wait, abandoned, asked, kept, hours, passed_on = _meet(rng, month, talks)
    begun = month.clock.instant(talks.day, talks.second)
    seconds = np.where(talks.channel == CHAT, wait, hours * _HOUR)
    replied = begun + (seconds * 1e6).astype(np.int64)
    in_person = np.isin(talks.channel, (PHONE, STORE))
    silent = in_person | abandoned | (rng.random(len(begun)) < 0.03)
    month.sink.add_events(
        "contacts",
        world.number[talks.rows],
        started_at=begun,
        channel=talks.channel,
        direction=_INBOUND,
        topic=talks.topic,
        linked_at=_link(month, talks, begun),
        case_id=talks.case,
        wait_seconds=wait,
        abandoned=abandoned,
        handled_by=np.where(abandoned, NONE, kept),
        human_requested=asked,
        transfers=passed_on,
        unavailable_channel=talks.closed,
        replied_at=np.where(silent, NONE, replied),
    )
    world.deal(talks.rows, talks.day)
    slow = np.clip((wait - 300) / 900, 0, 1.5) + 0.5 * abandoned
    slow = np.where(hours > 24, np.minimum(hours / 48, 1.5), slow)
    looped = asked & kept
    poor = (talks.topic == FAULT) * (0.8 * (slow > 0) + 0.6 * talks.hard + 0.5 * looped)
    effort = 0.4 * np.minimum(passed_on, 3)
    felt = {"repeat_contact": effort, "wait": slow, "bot_loop": looped, "fault_response": poor}
    for signal, weight in felt.items():
        irritate(world, month, signal, talks.rows, talks.day, by=weight)


def _meet(rng: Rng, month: Month, talks: Talks) -> tuple[Ints, Bools, Bools, Bools, Floats, Ints]:
    """Wait (s, −1 in writing), abandoned, person asked for, kept by a bot, hours, transfers."""
    count = len(talks.rows)
    phone, chat = talks.channel == PHONE, talks.channel == CHAT
    live = phone | chat
    in_writing = ~live & (talks.channel != STORE)
    crowd = month.rng("crowd").lognormal(0, 0.25)
    wait = rng.lognormal(np.log(130 * crowd), 1.15, count)
    patience = rng.lognormal(np.log(1500), 0.7, count)
    abandoned = live & (wait > patience)
    met_bot = rng.random(count) < np.select([chat, phone], [0.45, 0.15], 0.0)
    asked = met_bot & (rng.random(count) < 0.4)
    kept = met_bot & (~asked | (rng.random(count) < 0.6))
    hours = np.where(in_writing, rng.lognormal(np.log(9), 1.1, count), 0.0)
    passed_on = rng.poisson(np.where(talks.hard, 0.7, 0.12)) * ~abandoned * ~kept
    waited = np.where(live, np.minimum(wait, patience), NONE).astype(np.int64)
    return waited, abandoned, asked, kept, np.minimum(hours, 400), passed_on


def _link(month: Month, talks: Talks, begun: Ints) -> Ints:
    """When somebody saw that a follow-up is about a case, UTC µs; -1 when it was seen at once."""
    rng = month.rng("linked contacts")
    count = len(begun)
    later = talks.again & (talks.case >= 0) & (rng.random(count) < _LINKED_LATER)
    hours = np.minimum(rng.exponential(_LINKED_AFTER_HOURS, count) + 0.5, _LONGEST_HOURS)
    return np.where(later, begun + (hours * _HOUR * 1e6).astype(np.int64), NONE)


def _call_back(rng: Rng, world: World, month: Month, talks: Talks) -> None:
    """The company calls a few customers back: no effort of theirs, so nothing is remembered."""
    mine = (talks.case >= 0) & ~talks.again & (rng.random(len(talks.rows)) < 0.06)
    day = talks.day[mine] + rng.integers(1, 8, int(mine.sum()))
    world.deal(talks.rows[mine], day)
    month.sink.add_events(
        "contacts",
        world.number[talks.rows[mine]],
        started_at=month.clock.office_instant(rng, day),
        channel=PHONE,
        direction=_OUTBOUND,
        topic=talks.topic[mine],
        case_id=talks.case[mine],
        abandoned=0,
        handled_by=0,
        human_requested=0,
        transfers=0,
    )


def serve(
    world: World, month: Month, rates: Floats, first_days: Ints, pushed: tuple[Ints, Ints, Ints]
) -> Talks:
    """A month of customer service; returns its contacts."""
    rng = month.rng("service")
    rows, topic, day = _first_contacts(rng, world, month, rates, first_days, pushed)
    channel, closed = _choose_channels(rng, world, month, rows, day)
    count = len(rows)
    opens = rng.random(count) < np.where(topic == FAULT, 0.75, 0.55)
    hard = opens & (rng.random(count) < np.minimum(1.3 * world.problem_propensity[rows], 0.95))
    case = np.full(count, NONE)
    case[opens] = month.sink.numbers("cases", int(opens.sum()))
    second = office_seconds(rng, count)
    again = np.zeros(count, dtype=bool)
    first = Talks(rows, topic, day, second, channel, case, again, hard, closed)
    opened = month.clock.instant(day[opens], second[opens]) + _MINUTES_TO_OPEN
    course, relief = _draw_course(rng, month, day[opens], hard[opens], opened)
    who, about = world.number[rows[opens]], topic[opens]
    month.sink.add("cases", case_id=case[opens], customer_id=who, topic=about, **course)
    _hurt(world, month, rows[opens], day[opens], course["promised_on"], relief)
    until = day + 14
    until[opens] = relief
    talks = first.append(_follow_ups(rng, world, month, first, until))
    _answer(rng, world, month, talks)
    _call_back(rng, world, month, talks)
    return talks


def _draw_course(
    rng: Rng, month: Month, day: Ints, hard: Bools, opened: Ints
) -> tuple[Mapping[str, Any], Ints]:
    """How each case goes, in columns of ``cases``, and the day on which it stops hurting."""
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
    columns = {"opened_at": opened, "promised_on": promised, "closed_at": shut}
    columns |= {"resolved": resolved, "reopened_at": np.where(again, at[1], NONE)}
    return columns | {"reclosed_at": np.where(again, at[2], NONE)}, relief


def _hurt(world: World, month: Month, rows: Ints, day: Ints, promised: Ints, relief: Ints) -> None:
    for ahead in range(AHEAD):
        end_of_month = np.full(len(rows), month.clock.first(month.number + ahead + 1))
        open_then = (day < end_of_month) & (relief >= end_of_month)
        irritate(world, month, "unresolved_case", rows, end_of_month - 1, by=open_then * 1.0)
    missed = (promised >= 0) & (relief > promised)
    overrun = np.minimum((relief - promised) / 30.0, 1.5)
    days = promised[missed] + 1
    irritate(world, month, "late_delivery", rows[missed], days, by=(0.5 + overrun)[missed])
