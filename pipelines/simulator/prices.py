"""Price reviews: each contract once a year, told of or not, explained or not."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulator.clock import Floats, Ints, office_seconds
from pipelines.simulator.notices import BY_APP, BY_EMAIL, BY_POST, BY_SMS, PRICE, notify
from pipelines.simulator.world import NONE, PAPER, Month, World, irritate

_SETTLED_DAYS = 150
_SILENT, _NO_REASON, _CUT = 0.14, 0.16, 0.05
_CONTRADICTED = 0.06


def apply_price_changes(world: World, first_day: int) -> None:
    """Put announced prices in force once their day has come."""
    due = (world.price_from >= 0) & (world.price_from <= first_day)
    world.price = np.where(due, world.next_price, world.price)
    world.price_from = np.where(due, NONE, world.price_from)


@dataclass(frozen=True, slots=True)
class Changes:
    """Price changes of a month; ``notified`` −1 when the customer was never told."""

    rows: Ints
    slots: Ints
    notified: Ints
    effective: Ints
    old: Ints
    new: Ints
    reason: Ints
    channel: Ints


def review_prices(world: World, month: Month) -> tuple[Floats, Ints]:
    """Review each contract once a year; returns each customer's price worry and its first day."""
    rng = month.rng("reviews")
    turn = (7 * world.contract + month.number) % 12 == 0
    turn &= world.started < month.first - _SETTLED_DAYS
    bound = world.binding > month.first
    chance = np.where(bound, 0.12, 0.70)
    hit = turn & (world.line >= 0) & (world.price_from < 0)
    rows, slots = np.nonzero(hit & (rng.random(hit.shape) < chance))
    changes = _draw_changes(rng, world, month, rows, slots)
    world.next_price[rows, slots] = changes.new
    world.price_from[rows, slots] = changes.effective
    _write(changes, world, month, rng)
    return _worry(changes, world, month)


def _draw_changes(
    rng: np.random.Generator, world: World, month: Month, rows: Ints, slots: Ints
) -> Changes:
    count = len(rows)
    rise = np.clip(np.exp(rng.normal(np.log(0.075), 0.60, count)), 0.015, 0.35)
    rise = np.where(rng.random(count) < _CUT, -0.05, rise)
    old = world.price[rows, slots]
    day = month.clock.random_days(rng, month.number, count)
    silent = rng.random(count) < _SILENT
    unexplained = rng.random(count) < np.where(silent, 0.5, _NO_REASON)
    usual = rng.choice([BY_EMAIL, BY_SMS, BY_APP], count, p=[0.6, 0.25, 0.15])
    channel = np.where(world.format[rows] == PAPER, BY_POST, usual)
    return Changes(
        rows,
        slots,
        np.where(silent, NONE, day),
        np.where(silent, day, day + rng.integers(30, 46, count)),
        old,
        np.rint(old * (1 + rise) / 100).astype(np.int64) * 100,
        np.where(unexplained, NONE, rng.integers(0, 3, count)),
        np.where(silent, NONE, channel),
    )


def _write(changes: Changes, world: World, month: Month, rng: np.random.Generator) -> None:
    customers = world.number[changes.rows]
    columns = {
        "change_id": month.sink.numbers("price_changes", len(customers)),
        "customer_id": customers,
        "contract_id": world.contract[changes.rows, changes.slots],
        "notified_on": changes.notified,
        "effective_on": changes.effective,
        "old_price": changes.old,
        "new_price": changes.new,
        "reason_code": changes.reason,
        "channel": changes.channel,
    }
    month.sink.add("price_changes", columns)
    told = changes.notified >= 0
    at = month.clock.instant(changes.notified[told], office_seconds(rng, int(told.sum())))
    rows, new = changes.rows[told], changes.new[told]
    wrong = rng.random(len(rows)) < _CONTRADICTED
    other = np.rint(new * rng.uniform(1.06, 1.25, len(rows)) / 100).astype(np.int64) * 100
    stated = np.where(wrong, other, new)
    notify(world, month, rows, at, kind=PRICE, channel=changes.channel[told], price=stated)
    days = changes.notified[told]
    irritate(world, month, "contradicting_message", rows[wrong], days[wrong])


def _worry(changes: Changes, world: World, month: Month) -> tuple[Floats, Ints]:
    size = np.maximum(changes.new / np.maximum(changes.old, 1) - 1, 0)
    weight = np.minimum(size / 0.08, 2.5)
    silent = changes.notified < 0
    day = np.where(silent, changes.effective, changes.notified)
    next_month = np.full(len(day), month.last + 1)
    irritate(world, month, "price_rise", changes.rows, day, by=0.7 * weight)
    irritate(world, month, "price_rise", changes.rows, next_month, by=0.5 * weight)
    untold = np.where(silent, 1.0, np.where(changes.reason < 0, 0.6, 0.0)) * (size > 0)
    irritate(world, month, "silent_price_rise", changes.rows, day, by=untold)
    worry = np.zeros(len(world))
    worry[changes.rows] = 0.05 * weight
    first = np.full(len(world), month.first)
    first[changes.rows] = day
    return worry, first
