"""Price against the market, and what loyalty is worth (S3 §1)."""

from functools import partial

from features.contract import PRODUCT_LINES
from features.families.price import OWN_PRICES
from features.feature import Family, Stream

FAMILY = Family("price")

_TWO_YEARS = 730

BENEFITS = Stream(
    "benefits",
    reads=("benefits",),
    sql="""
    select customer_id, event_at, known_at, replaced_at, granted_on, ends_on
    from versions_benefits()
    """,
)

MARKET_PRICES = Stream(
    "market_prices",
    reads=("market_price",),
    sql="select event_at, known_at, product_line, price from market_price",
    per_customer=False,
)

STREAMS = (BENEFITS, MARKET_PRICES)

_IN_FORCE = "coalesce(ends_on >= {as_of_day}, true)"
loyalty_benefit = partial(
    FAMILY.add,
    BENEFITS,
    driver="loyalty_benefit",
    unit="count",
    source="S3 §1",
    needs=("benefits.ends_on",),
)
loyalty_benefit(
    "loyalty_benefit",
    "count(*)",
    where=_IN_FORCE,
    fill=0,
    sign=-1,
    doc="Benefits in force for being a customer.",
)
loyalty_benefit(
    "benefit_days_left",
    "date_diff('day', {as_of_day}, max(ends_on) {filter})",
    where=_IN_FORCE,
    unit="days",
    doc="Days until the last benefit with an end runs out.",
)
FAMILY.combine(
    "no_benefit_at_tenure_over_24m",
    "case when tenure_days is not null "
    f"then cast(tenure_days > {_TWO_YEARS} and loyalty_benefit = 0 as integer) end",
    of=("tenure_days", "loyalty_benefit"),
    driver="loyalty_benefit",
    unit="flag",
    sign=1,
    doc=f"A customer for more than {_TWO_YEARS} days with no benefit in force.",
    source="S3 §1",
)
FAMILY.fact(
    BENEFITS,
    "benefit_granted_on",
    "max(granted_on)",
    where=_IN_FORCE,
    needs=("benefits.ends_on",),
    driver="loyalty_benefit",
    doc="First day of the latest benefit in force.",
)
FAMILY.fact(
    BENEFITS,
    "benefit_ended_on",
    "max(ends_on)",
    where="ends_on < {as_of_day}",
    driver="loyalty_benefit",
    doc="Last day of the benefit that ran out last.",
)

for _line in PRODUCT_LINES:
    FAMILY.part(
        OWN_PRICES,
        f"own_price_{_line}",
        "sum(price)",
        where=f"to_at is null and product_line = '{_line}'",
        unit="price",
        doc=f"Price a month in force of the customer's contracts on {_line}.",
    )
    FAMILY.part(
        OWN_PRICES,
        f"own_contracts_{_line}",
        "count(*)",
        where=f"to_at is null and product_line = '{_line}'",
        unit="count",
        doc=f"The customer's priced contracts on {_line}.",
    )
    FAMILY.part(
        MARKET_PRICES,
        f"market_price_{_line}",
        "arg_max(price, event_at)",
        where=f"product_line = '{_line}'",
        unit="price",
        doc=f"The newest market price a month on {_line}.",
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
_MARKET_GAP = f"cast({_OWN_SIDE} as double) / nullif(cast({_MARKET_SIDE} as double), 0) - 1"
FAMILY.combine(
    "price_vs_market",
    _MARKET_GAP,
    of=_COMPARED,
    driver="market_gap",
    unit="ratio",
    sign=1,
    doc="How much more the customer pays than the market asks for the same product lines.",
    source="S3 §1",
)
FAMILY.combine(
    "price_pressure_x_irritation",
    f"(coalesce(price_rise_pct_365d, 0) + greatest(0, coalesce({_MARKET_GAP}, 0)))"
    " * (coalesce(repeats_30d_count_90d, 0) + coalesce(unresolved_cases_90d, 0)"
    " + coalesce(complaints_90d, 0) + coalesce(corrections_90d, 0))",
    of=("price_rise_pct_365d", "repeats_30d_count_90d"),
    maybe=(*_COMPARED, "unresolved_cases_90d", "complaints_90d", "corrections_90d"),
    fill=0,
    driver="market_gap",
    unit="points",
    sign=1,
    doc="Price pressure (rises of the year and what is paid above the market) times the "
    "irritations of 90 days: repeats, unresolved cases, complaints and corrected bills.",
    source="S3 §1",
)
for _name, _side, _doc in (
    ("market_own_price", _OWN_SIDE, "The customer's price a month, of what the market has too."),
    ("market_comparable_price", _MARKET_SIDE, "The market's price a month for the same."),
):
    FAMILY.combine(
        _name,
        f"nullif({_side}, 0)",
        of=_COMPARED,
        driver="market_gap",
        unit="price",
        doc=_doc,
        kind="fact",
    )
