"""Prices: the list with its campaigns, the market's, and the yearly review of each contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from features.contract import PRODUCT_LINES, REASON_KINDS
from pipelines.simulator.clock import Bools, Floats, Ints, Rng
from pipelines.simulator.outreach import BY_APP, BY_EMAIL, BY_POST, BY_SMS, PRICE, notify
from pipelines.simulator.record import NONE
from pipelines.simulator.world import PAPER, Month, World, irritate
from pipelines.simulator.writer import Recorder

LIST_PRICES = {
    "electricity": (279, 349, 429, 549),
    "broadband": (399, 499, 649, 799),
    "telephony": (199, 279, 349, 449),
    "insurance": (149, 249, 349, 499),
}
_OPEN_PLANS_AT_LEAST = 2
_LEVEL, _DRIFT, _STEP = 0.96, 0.003, 0.015
_SETTLED_DAYS = 150
_SILENT, _NO_REASON, _CUT = 0.14, 0.16, 0.05
_CONTRADICTED = 0.06
_ELECTRICITY = PRODUCT_LINES.index("electricity")
_KIND_OF_REASON = np.array([*map(REASON_KINDS.index, ("cost", "index", "offer_end")), NONE])


@dataclass(slots=True)
class PriceBook:
    """Plans on the list now (øre; campaign 0 when none) and the rows of the list so far."""

    line: list[int] = field(default_factory=list)
    price: list[int] = field(default_factory=list)
    campaign: list[int] = field(default_factory=list)
    open: list[bool] = field(default_factory=list)
    current: dict[tuple[int, bool], tuple[int, int]] = field(default_factory=dict)
    rows: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)

    def offer(self, plan: int, day: int, price: int, *, campaign: bool) -> None:
        """Offer a plan at a price from ``day``; ends the offer it replaces."""
        self.withdraw(plan, day, campaign=campaign)
        self.current[plan, campaign] = (day, price)
        (self.campaign if campaign else self.price)[plan] = price

    def withdraw(self, plan: int, day: int, *, campaign: bool) -> None:
        """End an offer on ``day``; without effect when there is none."""
        if campaign:
            self.campaign[plan] = 0
        if (plan, campaign) in self.current:
            since, price = self.current.pop((plan, campaign))
            self.rows.append((plan, self.line[plan], since, day, price, int(campaign)))

    def launch(self, line: int, day: int, price: int) -> int:
        self.line.append(line)
        self.price.append(price)
        self.campaign.append(0)
        self.open.append(True)
        self.offer(len(self.line) - 1, day, price, campaign=False)
        return len(self.line) - 1

    def close(self, plan: int, day: int) -> None:
        """Take a plan off the list; those who have it keep it."""
        self.withdraw(plan, day, campaign=True)
        self.withdraw(plan, day, campaign=False)
        self.open[plan] = False

    def open_plans(self, line: int) -> list[int]:
        """Plans of a line that new customers can buy."""
        return [p for p, own in enumerate(self.line) if own == line and self.open[p]]

    def publish(self, sink: Recorder) -> None:
        """Hand over all rows, those still offered without an end."""
        for plan, campaign in [*self.current]:
            self.withdraw(plan, NONE, campaign=campaign)
        names = ("plan_id", "product_line", "valid_from", "valid_to", "price", "campaign")
        values = np.array(self.rows, dtype=np.int64).T
        usage = np.where(values[1] == _ELECTRICITY, 750 + 250 * (values[0] % 4), NONE)
        sink.add("price_list", usage=usage, **dict(zip(names, values, strict=True)))


def open_book(lines: tuple[str, ...], first_day: int) -> PriceBook:
    """The list as it stood two years before the start; the dearest plan is closed by the start."""
    book = PriceBook()
    for name in lines:
        line = PRODUCT_LINES.index(name)
        plans = [book.launch(line, first_day - 730, kr * 100) for kr in LIST_PRICES[name]]
        book.close(plans[-1], first_day - 200)
    return book


def turn_price_list(book: PriceBook, month: Month) -> None:
    """A month of list changes: new list prices, campaigns on and off, plans replaced."""
    rng = month.rng("price list")
    for plan in [p for p, is_open in enumerate(book.open) if is_open]:
        chance, pick, size = rng.random(3)
        day = int(month.random_days(rng, 1)[0])
        line = book.line[plan]
        if pick < 0.012 and len(book.open_plans(line)) > _OPEN_PLANS_AT_LEAST:
            book.close(plan, day)
            book.launch(line, day, _whole(book.price[plan] * (1 + 0.1 * size)))
        elif book.campaign[plan] and chance < 0.25:
            book.withdraw(plan, day, campaign=True)
        elif not book.campaign[plan] and chance < 0.20:
            book.offer(plan, day, _whole(book.price[plan] * (0.65 + 0.27 * size)), campaign=True)
        elif chance > 0.90:
            book.offer(plan, day, _whole(book.price[plan] * (1 + 0.06 * size)), campaign=False)


def _whole(ore: float) -> int:
    return round(ore / 100) * 100


def market_prices(seed: int, months: int) -> Ints:
    """What the market asks for a typical contract: øre a month, int64 (months, product lines).

    A longer series begins the same.
    """
    typical = np.array([np.mean(LIST_PRICES[name]) for name in PRODUCT_LINES])
    rngs = [np.random.default_rng([seed, month + 1, *b"market price"]) for month in range(months)]
    steps = [rng.normal(_DRIFT, _STEP, len(PRODUCT_LINES)) for rng in rngs]
    level = _LEVEL * np.exp(np.cumsum(steps, axis=0))
    return np.rint(typical * level).astype(np.int64) * 100


def publish_market(prices: Ints, lines: tuple[str, ...], sink: Recorder) -> None:
    """Hand over the market prices of the lines sold."""
    codes = np.array([PRODUCT_LINES.index(name) for name in lines])
    months = sink.clock.first_days[: sink.clock.months]
    sink.add(
        "market_price",
        product_line=np.tile(codes, len(months)),
        month=np.repeat(months, len(codes)),
        price=prices[:, codes].ravel(),
    )


def above_market(world: World, prices: Ints) -> Floats:
    """How much more than the market each customer pays, as a part of the market's price."""
    held = world.line >= 0
    asked = np.where(held, prices[world.line], 0).sum(axis=1)
    own = np.where(held, world.price, 0).sum(axis=1)
    gap: Floats = own / np.maximum(asked, 1) - 1
    return gap


def apply_price_changes(world: World, first_day: int) -> None:
    """Put announced prices in force once their day has come."""
    due = (world.price_from >= 0) & (world.price_from <= first_day)
    world.price = np.where(due, world.next_price, world.price)
    world.price_from = np.where(due, NONE, world.price_from)


def review_prices(world: World, month: Month) -> tuple[Floats, Ints]:
    """Review each contract once a year; returns each customer's price worry and its first day."""
    rng = month.rng("reviews")
    turn = (7 * world.contract + month.number) % 12 == 0
    turn &= world.started < month.first - _SETTLED_DAYS
    bound = world.binding > month.first
    chance = np.where(bound, 0.12, 0.70)
    hit = turn & (world.line >= 0) & (world.price_from < 0)
    rows, slots = np.nonzero(hit & (rng.random(hit.shape) < chance))
    changes = _draw_changes(rng, month, world.price[rows, slots], world.format[rows] == PAPER)
    world.next_price[rows, slots] = changes["new_price"]
    world.price_from[rows, slots] = changes["effective_on"]
    contracts = world.contract[rows, slots]
    month.sink.add_events("price_changes", world.number[rows], contract_id=contracts, **changes)
    _tell(changes, world, month, rng, rows)
    return _worry(changes, world, month, rows)


def _draw_changes(rng: Rng, month: Month, old: Ints, by_post: Bools) -> Mapping[str, Any]:
    """Price changes of a month, in columns of ``price_changes``."""
    count = len(old)
    rise = np.clip(np.exp(rng.normal(np.log(0.075), 0.60, count)), 0.015, 0.35)
    rise = np.where(rng.random(count) < _CUT, -0.05, rise)
    day = month.random_days(rng, count)
    silent = rng.random(count) < _SILENT
    unexplained = rng.random(count) < np.where(silent, 0.5, _NO_REASON)
    usual = rng.choice([BY_EMAIL, BY_SMS, BY_APP], count, p=[0.6, 0.25, 0.15])
    channel = np.where(by_post, BY_POST, usual)
    changes = {
        "notified_on": np.where(silent, NONE, day),
        "effective_on": np.where(silent, day, day + rng.integers(30, 46, count)),
        "old_price": old,
        "new_price": np.rint(old * (1 + rise) / 100).astype(np.int64) * 100,
        "reason_code": np.where(unexplained, NONE, rng.integers(0, 3, count)),
        "channel": np.where(silent, NONE, channel),
    }
    return changes | {"reason_kind": _KIND_OF_REASON[changes["reason_code"]]}


def _tell(changes: Mapping[str, Any], world: World, month: Month, rng: Rng, rows: Ints) -> None:
    told = changes["notified_on"] >= 0
    days, new, channel = (changes[name][told] for name in ("notified_on", "new_price", "channel"))
    at, rows = month.clock.office_instant(rng, days), rows[told]
    wrong = rng.random(len(rows)) < _CONTRADICTED
    other = np.rint(new * rng.uniform(1.06, 1.25, len(rows)) / 100).astype(np.int64) * 100
    stated = np.where(wrong, other, new)
    notify(world, month, rows, at, kind=PRICE, channel=channel, price=stated)
    irritate(world, month, "contradicting_message", rows[wrong], days[wrong])


def _worry(
    columns: Mapping[str, Any], world: World, month: Month, rows: Ints
) -> tuple[Floats, Ints]:
    size = np.maximum(columns["new_price"] / np.maximum(columns["old_price"], 1) - 1, 0)
    weight = np.minimum(size / 0.08, 2.5)
    silent = columns["notified_on"] < 0
    day = np.where(silent, columns["effective_on"], columns["notified_on"])
    next_month = np.full(len(day), month.last + 1)
    irritate(world, month, "price_rise", rows, day, by=0.7 * weight)
    irritate(world, month, "price_rise", rows, next_month, by=0.5 * weight)
    untold = np.where(silent, 1.0, np.where(columns["reason_code"] < 0, 0.6, 0.0)) * (size > 0)
    irritate(world, month, "silent_price_rise", rows, day, by=untold)
    worry = np.zeros(len(world))
    worry[rows] = 0.05 * weight
    first = np.full(len(world), month.first)
    first[rows] = day
    return worry, first
