"""What the market asks for a typical contract of each product line, month by month."""

import numpy as np

from features.contract import PRODUCT_LINES
from pipelines.simulator.clock import Clock, Floats, Ints
from pipelines.simulator.pricelist import LIST_PRICES
from pipelines.simulator.world import Sink, World

_LEVEL, _DRIFT, _STEP = 0.96, 0.003, 0.015


def market_prices(seed: int, months: int) -> Ints:
    """Price a month in øre, int64 (months, product lines); a longer series begins the same."""
    typical = np.array([np.mean(LIST_PRICES[name]) for name in PRODUCT_LINES])
    steps = [
        np.random.default_rng([seed, month + 1, *b"market price"]).normal(
            _DRIFT, _STEP, len(PRODUCT_LINES)
        )
        for month in range(months)
    ]
    level = _LEVEL * np.exp(np.cumsum(steps, axis=0))
    return np.rint(typical * level).astype(np.int64) * 100


def publish_market(prices: Ints, lines: tuple[str, ...], clock: Clock, sink: Sink) -> None:
    """Hand over the market prices of the lines sold."""
    codes = np.array([PRODUCT_LINES.index(name) for name in lines])
    columns = {
        "product_line": np.tile(codes, clock.months),
        "month": np.repeat(clock.first_days[: clock.months], len(codes)),
        "price": prices[:, codes].ravel(),
    }
    sink.add("market_price", columns)


def above_market(world: World, prices: Ints) -> Floats:
    """How much more than the market each customer pays, as a part of the market's price."""
    held = world.line >= 0
    asked = np.where(held, prices[world.line], 0).sum(axis=1)
    own = np.where(held, world.price, 0).sum(axis=1)
    gap: Floats = own / np.maximum(asked, 1) - 1
    return gap
