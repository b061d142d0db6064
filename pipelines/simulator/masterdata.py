"""Master data as a history: preferred channel, way of paying, invoice format, plan."""

import numpy as np

from features.contract import MASTER_DATA
from pipelines.simulator.clock import Clock, Ints, office_seconds
from pipelines.simulator.pricelist import PriceBook
from pipelines.simulator.record import FIRST_FORMAT, FIRST_METHOD, FIRST_PLAN
from pipelines.simulator.service import draw_channels
from pipelines.simulator.world import Month, Sink, World

CHANNEL, METHOD, FORMAT, PLAN = (
    MASTER_DATA.index(name)
    for name in ("preferred_channel", "payment_method", "invoice_format", "plan")
)
_FIRST = {CHANNEL: 0, METHOD: FIRST_METHOD, FORMAT: FIRST_FORMAT, PLAN: FIRST_PLAN}
_NEW_CHANNEL = 0.004


def note(sink: Sink, customers: Ints, attribute: int, value: Ints | int, at: Ints) -> None:
    """Write the new value (the world's code of it) of one attribute, from ``at`` (UTC µs)."""
    columns = {
        "customer_id": customers,
        "attribute": np.full(len(customers), attribute),
        "value": np.full(len(customers), value) + _FIRST[attribute],
        "valid_from": at,
    }
    sink.add("master_data", columns)


def register_master_data(world: World, clock: Clock, sink: Sink) -> None:
    """What was noted of each customer on the day of joining."""
    at = clock.midnight(world.joined)
    note(sink, world.number, CHANNEL, world.preferred, at)
    note(sink, world.number, METHOD, world.method, at)
    note(sink, world.number, FORMAT, world.format, at)
    note(sink, world.number, PLAN, world.plan[:, 0], at)


def change_preferences(world: World, month: Month) -> None:
    """A few customers come to prefer another channel."""
    rng = month.rng("preferences")
    rows = np.nonzero(rng.random(len(world)) < _NEW_CHANNEL)[0]
    channel = draw_channels(rng, len(rows))
    days = month.clock.random_days(rng, month.number, len(rows))
    at = month.clock.instant(days, office_seconds(rng, len(rows)))
    world.preferred[rows] = channel
    note(month.sink, world.number[rows], CHANNEL, channel, at)


def change_plans(
    rng: np.random.Generator, world: World, month: Month, book: PriceBook, rows: Ints, at: Ints
) -> None:
    """Move the first product of ``rows`` to a plan on the list, at the price they have."""
    for line in np.unique(world.line[rows, 0]):
        own = world.line[rows, 0] == line
        plan = rng.choice(book.open_plans(int(line)), int(own.sum()))
        world.plan[rows[own], 0] = plan
        note(month.sink, world.number[rows[own]], PLAN, plan, at[own])
