"""Rises beside notice and market, what loyalty is worth, and what can be offered (S3 §1)."""

from features.families.price import ENDS, OWN_PRICES, PLAN_STEPS
from features.feature import Family

FAMILY = Family("price")


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

FAMILY.read(
    __file__,
    in_force="coalesce(ends_on >= {as_of_day}, true)",
    market_gap="cast(compared_own_price as double)"
    " / nullif(cast(compared_market_price as double), 0) - 1",
)
