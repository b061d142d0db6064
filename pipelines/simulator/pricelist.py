"""The price list: plans, campaigns for newcomers, plans taken off the list."""

from dataclasses import dataclass, field

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.world import NONE, Month, Sink

LIST_PRICES = {
    "electricity": (279, 349, 429, 549),
    "broadband": (399, 499, 649, 799),
    "telephony": (199, 279, 349, 449),
    "insurance": (149, 249, 349, 499),
}
_OPEN_PLANS_AT_LEAST = 2


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
        if campaign:
            self.campaign[plan] = price
        else:
            self.price[plan] = price

    def withdraw(self, plan: int, day: int, *, campaign: bool) -> None:
        """End an offer on ``day``; without effect when there is none."""
        if campaign:
            self.campaign[plan] = 0
        if (plan, campaign) in self.current:
            since, price = self.current.pop((plan, campaign))
            self.rows.append((plan, self.line[plan], since, day, price, int(campaign)))

    def launch(self, line: int, day: int, price: int) -> int:
        """Put a new plan on the list."""
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

    def publish(self, sink: Sink) -> None:
        """Hand over all rows, those still offered without an end."""
        standing = [
            (plan, self.line[plan], since, NONE, price, int(campaign))
            for (plan, campaign), (since, price) in self.current.items()
        ]
        names = ("plan_id", "product_line", "valid_from", "valid_to", "price", "campaign")
        values = np.array(self.rows + standing, dtype=np.int64).T
        sink.add("price_list", dict(zip(names, values, strict=True)))


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
        day = int(month.clock.random_days(rng, month.number, 1)[0])
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
