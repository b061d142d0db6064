"""Price against the market, and what loyalty is worth (S3 §1)."""

from features.contract import PRODUCT_LINES
from features.families.price import OWN_PRICES
from features.feature import Driver, Family

FAMILY = Family("price")

_TWO_YEARS = 730

BENEFITS = FAMILY.stream(
    "benefits",
    sql="""
    select customer_id, event_at, known_at, replaced_at, granted_on, ends_on
    from versions_benefits()
    """,
)

MARKET_PRICES = FAMILY.stream(
    "market_prices",
    reads=("market_price",),
    sql="select event_at, known_at, product_line, price from market_price",
    per_customer=False,
)

_IN_FORCE = "coalesce(ends_on >= {as_of_day}, true)"
loyalty_benefit = Driver(FAMILY, BENEFITS, "loyalty_benefit", "S3 §1")
loyalty_benefit(
    "loyalty_benefit",
    f"count(*) where {_IN_FORCE}",
    "Benefits in force for being a customer.",
    sign=-1,
)
loyalty_benefit(
    "benefit_days_left",
    "date_diff('day', {as_of_day}, max(ends_on) {filter}) where " + _IN_FORCE,
    "Days until the last benefit with an end runs out.",
    unit="days",
)
loyalty_benefit.combine(
    "no_benefit_at_tenure_over_24m",
    "case when tenure_days is not null "
    f"then cast(tenure_days > {_TWO_YEARS} and loyalty_benefit = 0 as integer) end",
    f"A customer for more than {_TWO_YEARS} days with no benefit in force.",
    of=("tenure_days", "loyalty_benefit"),
    unit="flag",
    sign=1,
)
loyalty_benefit.fact(
    "benefit_granted_on",
    f"max(granted_on) where {_IN_FORCE}",
    "First day of the latest benefit in force.",
)
loyalty_benefit.fact(
    "benefit_ended_on",
    "max(ends_on) where ends_on < {as_of_day}",
    "Last day of the benefit that ran out last.",
)

for _line in PRODUCT_LINES:
    FAMILY.part(
        OWN_PRICES,
        f"own_price_{_line}",
        f"sum(price) where to_at is null and product_line = '{_line}'",
        "price",
        f"Price a month in force of the customer's contracts on {_line}.",
    )
    FAMILY.part(
        OWN_PRICES,
        f"own_contracts_{_line}",
        f"count(*) where to_at is null and product_line = '{_line}'",
        "count",
        f"The customer's priced contracts on {_line}.",
    )
    FAMILY.part(
        MARKET_PRICES,
        f"market_price_{_line}",
        f"arg_max(price, event_at) where product_line = '{_line}'",
        "price",
        f"The newest market price a month on {_line}.",
    )

_COMPARED = tuple(
    f"{part}_{line}"
    for line in PRODUCT_LINES
    for part in ("own_price", "own_contracts", "market_price")
)
_OWN_SIDE = " + ".join(
    f"case when market_price_{line} is not null then coalesce(own_price_{line}, 0) else 0 end"
    for line in PRODUCT_LINES
)
_MARKET_SIDE = " + ".join(
    f"coalesce(market_price_{line} * own_contracts_{line}, 0)" for line in PRODUCT_LINES
)
market_gap = Driver(FAMILY, MARKET_PRICES, "market_gap", "S3 §1", unit="ratio", sign=1)
_MARKET_GAP = f"cast({_OWN_SIDE} as double) / nullif(cast({_MARKET_SIDE} as double), 0) - 1"
market_gap.combine(
    "price_vs_market",
    _MARKET_GAP,
    "How much more the customer pays than the market asks for the same product lines.",
    of=_COMPARED,
)
market_gap.combine(
    "price_pressure_x_irritation",
    f"(coalesce(price_rise_pct_365d, 0) + greatest(0, coalesce({_MARKET_GAP}, 0)))"
    " * (repeats_30d_count_90d + unresolved_cases_90d + complaints_90d + corrections_90d)",
    "Price pressure (rises of the year and what is paid above the market) times the "
    "irritations of 90 days: repeats, unresolved cases, complaints and corrected bills.",
    of=(
        *("price_rise_pct_365d", "repeats_30d_count_90d", "unresolved_cases_90d"),
        *("complaints_90d", "corrections_90d", *_COMPARED),
    ),
    fill=0,
    unit="points",
)
for _name, _side, _doc in (
    ("market_own_price", _OWN_SIDE, "The customer's price a month, of what the market has too."),
    ("market_comparable_price", _MARKET_SIDE, "The market's price a month for the same."),
):
    market_gap.combine(_name, f"nullif({_side}, 0)", _doc, of=_COMPARED, unit="price", kind="fact")
