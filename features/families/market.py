"""Rises beside notice and market, what loyalty is worth, and what can be offered (S3 §1)."""

from features.families.bills import INVOICES
from features.families.price import CONTRACTS, ENDS, OWN_PRICES, PLAN_STEPS
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

COMPARED_PRICES = FAMILY.stream(
    "compared_prices",
    reads=("contracts", "market_price", "price_changes"),
    optional=("terminations",),
    bases=(OWN_PRICES.name,),
    reveals={"to_at": "to_at"},
    sql="""
    with known as (
        select product_line, price, event_at, greatest(event_at, known_at) as from_at
        from market_price
    ),
    newest as (
        select m.product_line, m.from_at, arg_max(k.price, k.event_at) as price
        from (select distinct product_line, from_at from known) m
        join known k on k.product_line = m.product_line and k.from_at <= m.from_at
        group by all
    ),
    market as (
        select *, lead(from_at) over (partition by product_line order by from_at) as to_at
        from newest
    )
    select o.customer_id, greatest(o.event_at, m.from_at) as event_at,
        greatest(o.known_at, m.from_at) as known_at, least(o.to_at, m.to_at) as to_at,
        o.price as own_price, m.price as market_price
    from stream_own_prices o join market m on m.product_line = o.product_line
        and m.from_at < coalesce(o.to_at, timestamp '9999-01-01')
        and o.event_at < coalesce(m.to_at, timestamp '9999-01-01')
    """,
)

# A rise beside its contract's line: the notice due there, and how the market moved in 90 days.
CONTRACT_RISES = FAMILY.stream(
    "contract_rises",
    reads=("price_changes", "contracts"),
    optional=("market_price",),
    needs=("price_changes.contract_id",),
    reveals={"notified_on": "notice_known_at"},
    sql="""
    select p.customer_id, change_id, p.event_at, greatest(p.known_at, c.known_at) as known_at,
        notified_on, effective_on, days as notice_due,
        known_price_changes(midnight(notified_on)) as notice_known_at,
        arg_max(m.price, m.event_at) < arg_max(m.price, m.event_at) filter (
            m.event_at <= p.event_at - interval 90 day) as market_fell
    from price_changes p
    join contracts c on c.customer_id = p.customer_id and c.contract_id = p.contract_id
    left join price_notice n on n.product_line = c.product_line
    left join market_price m on m.product_line = c.product_line
        and m.event_at <= p.event_at and m.known_at <= p.known_at
    where new_price > old_price
    group by all
    """,
)

# A month's usage beside what the plan in force is made for, so that no units meet.
PLAN_USAGE = FAMILY.stream(
    "plan_usage",
    reads=("usage", "contracts", "price_list", "master_data"),
    optional=("terminations",),
    needs=("contracts.plan_id", "master_data.value", "price_list.usage"),
    reveals={"ended_at": "ended_at", "left_at": "left_at"},
    sql=f"""
    select u.customer_id, u.event_at, greatest(u.known_at, s.from_at, l.known_at) as known_at,
        u.amount / nullif(l.usage, 0) as fit, s.to_at as left_at, e.ended_at
    from usage u
    join ({PLAN_STEPS}) s on s.customer_id = u.customer_id and s.contract_id = u.contract_id
    join (
        select plan_id, arg_min(usage, (known_at, valid_from, campaign)) as usage,
            min(known_at) as known_at
        from price_list where usage is not null group by all
    ) l on l.plan_id = s.plan_id
    left join ({ENDS}) e on e.customer_id = u.customer_id and e.contract_id = u.contract_id
    """,
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

for _side in ("own_price", "market_price"):
    FAMILY.part(
        COMPARED_PRICES,
        f"compared_{_side}",
        f"sum({_side}) where to_at is null",
        "price",
        "Price a month over the customer's priced contracts on lines that the market has.",
    )

_COMPARED = ("compared_own_price", "compared_market_price")
market_gap = Driver(FAMILY, COMPARED_PRICES, "market_gap", "S3 §1", unit="ratio", sign=1)
_MARKET_GAP = (
    "cast(compared_own_price as double) / nullif(cast(compared_market_price as double), 0) - 1"
)
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
    (
        "market_own_price",
        "compared_own_price",
        "The customer's price a month of what the market has.",
    ),
    (
        "market_comparable_price",
        "compared_market_price",
        "The market's price a month for the same.",
    ),
):
    market_gap.combine(_name, f"nullif({_side}, 0)", _doc, of=_COMPARED, unit="price", kind="fact")

contract_rise = Driver(FAMILY, CONTRACT_RISES, "silent_price_rise", "S3 §1", sign=1)
contract_rise(
    "rises_at_short_notice",
    "count(*) where coalesce(date_diff('day', notified_on, effective_on), 0) < notice_due",
    "Price rises with fewer days of notice than company.price_notice has for the product line.",
    windows=(90, 365),
)
contrary_rise = Driver(
    FAMILY, CONTRACT_RISES, "contrary_price_rise", "S3 §1", sign=1, needs=("market_price",)
)
contrary_rise(
    "rises_against_market",
    "count(*) where market_fell",
    "Price rises told, or else in force, when the market's price was lower than 90 days before.",
    windows=(365,),
)
contrary_rise.fact(
    "latest_contrary_rise_on", "max(effective_on) where market_fell", "First day of the latest."
)
plan_fit = Driver(FAMILY, PLAN_USAGE, "plan_fit", "S3 §1", unit="ratio")
plan_fit(
    "usage_against_plan",
    "avg(fit) where left_at is null and ended_at is null",
    "Monthly usage against the one that the plan in force is made for.",
    windows=(365,),
)
bundle_offer = Driver(FAMILY, CONTRACTS, "bundle_offer", "S3 §1", unit="flag", sign=1)
bundle_offer.combine(
    "unbundled_products",
    "cast(products_n > 1 and in_bundle = 0 as integer)",
    "Holds several product lines, and none of them in a bundle.",
    of=("products_n", "in_bundle"),
    fill=0,
)
consumption_bonus = Driver(FAMILY, INVOICES, "consumption_bonus", "S3 §1", unit="money")
consumption_bonus("billed", "sum(owed)", "Amount of the bills.", windows=(365,), kind="part")
consumption_bonus.combine(
    "billed_without_benefit_365d",
    "case when loyalty_benefit = 0 then billed_365d end",
    "Amount of the year's bills, for a customer without a benefit in force.",
    of=("billed_365d", "loyalty_benefit"),
    fill=0,
)
