"""Who the customers are: traits, contracts, margins, and their master data as a history."""

import numpy as np

from features.contract import MASTER_DATA, PRODUCT_LINES
from pipelines.simulator.clock import Bools, Clock, Ints, Rng
from pipelines.simulator.options import SIGNALS, Dials
from pipelines.simulator.prices import PriceBook
from pipelines.simulator.record import FIRST_FORMAT, FIRST_METHOD, FIRST_PLAN, NONE
from pipelines.simulator.service import draw_channels
from pipelines.simulator.world import APP, EINVOICE_FORMAT, EMAIL, MANUAL, PAPER, Month, World
from pipelines.simulator.writer import AHEAD, Recorder

AREAS = 250
TALK_SHAPE = 0.7
_TENURE_DAYS, _TENURE_CAP = 48 * 30.4, 240 * 30.4
_SECOND_PRODUCT, _SOLD_AS_BUNDLE, _CAMPAIGN_BUYERS = 0.34, 0.8, 0.6
_ALLOW_MARKETING = 0.55
_BINDING_DAYS = np.array([0, 365, 730])
_BINDING_SHARES = {
    "electricity": (0.42, 0.33, 0.25),
    "broadband": (0.22, 0.38, 0.40),
    "telephony": (0.30, 0.35, 0.35),
    "insurance": (0.25, 0.75, 0.0),
}
CONTRACT_COLUMNS = (
    "contract",
    "plan",
    "price",
    "next_price",
    "price_from",
    "started",
    "binding",
    "struck",
)
_COLUMNS = ("number", "listed", "kind", "invoice", "bill", "household", "benefit", "informed")
AUTOPAY_SHARE = 0.42
_METHOD_SHARES = (AUTOPAY_SHARE, 0.22, 0.08, 0.05, 0.23)
_MARGINS = {"electricity": 700, "broadband": 1_400, "telephony": 900, "insurance": 1_600}
_MARGIN_SPREAD, _MARGIN_TENURE = 0.5, 0.12
CHANNEL, METHOD, FORMAT, PLAN = (
    MASTER_DATA.index(name)
    for name in ("preferred_channel", "payment_method", "invoice_format", "plan")
)
_FIRST = {CHANNEL: 0, METHOD: FIRST_METHOD, FORMAT: FIRST_FORMAT, PLAN: FIRST_PLAN}
_NEW_CHANNEL = 0.004


def settled_days(rng: Rng, clock: Clock, count: int) -> Ints:
    """Days on which customers joined who are there at the start: up to twenty years before it."""
    tenure = np.clip(rng.exponential(_TENURE_DAYS, count), 20, _TENURE_CAP).astype(np.int64)
    return clock.first(0) - tenure


def new_customers(rng: Rng, joined: Ints, lines: tuple[str, ...], dials: Dials) -> World:
    """Customers who joined on given days: traits and products, no contracts and no events yet."""
    count = len(joined)
    method = rng.choice(len(_METHOD_SHARES), count, p=_METHOD_SHARES)
    digital = rng.choice([EMAIL, EINVOICE_FORMAT, APP], count, p=[0.45, 0.45, 0.10])
    paper = rng.random(count) < np.where(method == MANUAL, 0.45, 0.04)
    return World(
        joined=joined,
        dealt_on=joined.copy(),
        segment=rng.choice(3, count, p=[0.7, 0.15, 0.15]),
        area=rng.integers(0, AREAS, count),
        frailty=rng.normal(0, dials.frailty, count),
        contact_rate=rng.gamma(TALK_SHAPE, 1 / TALK_SHAPE, count),
        problem_propensity=rng.beta(0.7, 2.0, count),
        lateness=rng.beta(0.5, 3.5, count),
        usage=rng.lognormal(0, 0.35, count),
        method=method,
        format=np.where(paper, PAPER, digital),
        line=_draw_lines(rng, count, lines),
        bundled=np.zeros(count, dtype=bool),
        usual_bill=np.zeros(count),
        delay=np.zeros(count, dtype=np.int64),
        effect=np.zeros(count),
        touch=np.zeros(count),
        preferred=draw_channels(rng, count),
        marketing=rng.random(count) < _ALLOW_MARKETING,
        unread=np.zeros(count, dtype=bool),
        memory=np.zeros((count, len(SIGNALS)), dtype=np.float32),
        coming=np.zeros((count, AHEAD + dials.delay, len(SIGNALS)), dtype=np.float32),
        **{name: np.full(count, NONE, dtype=np.int64) for name in _COLUMNS},
        **{name: np.full((count, 2), NONE, dtype=np.int64) for name in CONTRACT_COLUMNS},
    )


def _draw_lines(rng: Rng, count: int, lines: tuple[str, ...]) -> Ints:
    codes = np.array([PRODUCT_LINES.index(name) for name in lines])
    weights = 1 / np.arange(1, len(codes) + 1) ** 0.5
    first = rng.choice(len(codes), count, p=weights / weights.sum())
    step = rng.integers(1, max(len(codes), 2), count)
    second = codes[(first + step) % len(codes)]
    both = (rng.random(count) < _SECOND_PRODUCT) & (len(codes) > 1)
    return np.stack([codes[first], np.where(both, second, NONE)], axis=1)


def sign_contracts(rng: Rng, world: World, book: PriceBook, latest: int, *, settled: bool) -> None:
    """Give every product a contract: plan, price, binding. ``settled`` customers hold old plans.

    ``latest`` is the last day on which a second product may have been added.
    """
    second_start = (world.joined + rng.random(len(world)) * (latest - world.joined)).astype(int)
    together = rng.random(len(world)) < 0.5
    world.started[:, 0] = world.joined
    world.started[:, 1] = np.where(together, world.joined, second_start)
    world.started[~world.has(1), 1] = NONE
    world.bundled = world.has(1) & (rng.random(len(world)) < _SOLD_AS_BUNDLE)
    for line in np.unique(world.line[world.line >= 0]):
        mask = world.line == line
        _choose_plans(rng, world, book, mask, int(line), settled=settled)
        days = rng.choice(_BINDING_DAYS, int(mask.sum()), p=_BINDING_SHARES[PRODUCT_LINES[line]])
        world.binding[mask] = np.where(days > 0, world.started[mask] + days, NONE)


def _choose_plans(
    rng: Rng, world: World, book: PriceBook, mask: Bools, line: int, *, settled: bool
) -> None:
    count = int(mask.sum())
    plans = book.open_plans(line)
    if settled:
        plans = [plan for plan, own in enumerate(book.line) if own == line]
    plan = rng.choice(plans, count)
    asked = np.array(book.price)[plan]
    campaign = np.array(book.campaign)[plan]
    lucky = (campaign > 0) & (rng.random(count) < _CAMPAIGN_BUYERS)
    drift = rng.uniform(0.88, 1.12, count) if settled else np.ones(count)
    price = np.where(lucky, campaign, asked) * drift
    world.plan[mask] = plan
    world.price[mask] = np.rint(price / 100).astype(np.int64) * 100


def _margins(rng: Rng, world: World, clock: Clock) -> Ints:
    """What each customer leaves the company, øre a year; nobody leaves because of it.

    Log-normal about the sum of what the product lines leave, a little higher for those who have
    stayed long.
    """
    usual = np.array([_MARGINS[line] for line in PRODUCT_LINES] + [0])
    years = np.maximum(clock.first(0) - world.joined, 0) / 365
    level = usual[world.line].sum(axis=1) * (1 + years) ** _MARGIN_TENURE
    spread = rng.lognormal(0, _MARGIN_SPREAD, len(world))
    return np.asarray(np.rint(100 * level * spread), dtype=np.int64)


def register(rng: Rng, world: World, sink: Recorder) -> None:
    """Number new customers and their contracts; write both registers and the master data.

    What is noted of a customer holds from the day of joining.
    """
    margin = _margins(rng.spawn(1)[0], world, sink.clock)
    world.number = sink.numbers("customers", len(world))
    sink.add(
        "customers",
        customer_id=world.number,
        joined_on=world.joined,
        segment=world.segment,
        margin_per_year=margin,
        age_band=world.segment,
        language=world.number % 12 == 0,
    )
    write_contracts(world, sink)
    at = sink.clock.midnight(world.joined)
    note(sink, world.number, CHANNEL, world.preferred, at)
    note(sink, world.number, METHOD, world.method, at)
    note(sink, world.number, FORMAT, world.format, at)
    note(sink, world.number, PLAN, world.plan[:, 0], at)


def write_contracts(world: World, sink: Recorder) -> None:
    """Number the contracts of customers who have none yet, and write them."""
    rows, slots = np.nonzero(world.line >= 0)
    world.contract[rows, slots] = sink.numbers("contracts", len(rows))
    sink.add(
        "contracts",
        contract_id=world.contract[rows, slots],
        customer_id=world.number[rows],
        product_line=world.line[rows, slots],
        plan_id=world.plan[rows, slots],
        started_on=world.started[rows, slots],
        price=world.price[rows, slots],
        binding_until=world.binding[rows, slots],
        term_months=np.where(world.line[rows, slots] == PRODUCT_LINES.index("insurance"), 12, NONE),
        bundle_id=np.where(world.bundled, world.number, NONE)[rows],
    )


def note(sink: Recorder, customers: Ints, attribute: int, value: Ints | int, at: Ints) -> None:
    """Write the new value (the world's code of it) of one attribute, from ``at`` (UTC µs)."""
    value = value + _FIRST[attribute]
    sink.add("master_data", customer_id=customers, attribute=attribute, value=value, valid_from=at)


def change_preferences(world: World, month: Month) -> None:
    """A few customers come to prefer another channel."""
    rng = month.rng("preferences")
    rows = np.nonzero(rng.random(len(world)) < _NEW_CHANNEL)[0]
    channel = draw_channels(rng, len(rows))
    at = month.clock.office_instant(rng, month.random_days(rng, len(rows)))
    world.preferred[rows] = channel
    note(month.sink, world.number[rows], CHANNEL, channel, at)


def change_plans(
    rng: Rng, world: World, month: Month, book: PriceBook, rows: Ints, at: Ints
) -> None:
    """Move the first product of ``rows`` to a plan on the list, at the price they have."""
    for line in np.unique(world.line[rows, 0]):
        own = world.line[rows, 0] == line
        plan = rng.choice(book.open_plans(int(line)), int(own.sum()))
        world.plan[rows[own], 0] = plan
        note(month.sink, world.number[rows[own]], PLAN, plan, at[own])
