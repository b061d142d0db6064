"""Price: rises, their notice and reason, newcomers' offers, closed plans and binding (S3 §1).

The clock of a price rise starts at its notice. A contract's price in force changes when the
change is both in force and known, so an interval's end is revealed only when it has come.
The plan in force is the one at the contract's start, or the newest known since in ``master_data``
that the price list has for the contract's product line.
``OWN_PRICE_STEPS`` (told_at, from_at, next_at) is a contract's prices, in the order they come.
"""

from features.feature import Family

FAMILY = Family("price")

PRICE_CHANGES = FAMILY.stream(
    "price_changes",
    reveals={"notified_on": "notice_known_at"},
    sql="""
    select customer_id, event_at, known_at, notified_on, effective_on, old_price, new_price,
        reason_code, reason_kind, known_price_changes(midnight(notified_on)) as notice_known_at,
        cast(round((new_price - old_price) * 10000 / nullif(old_price, 0)) as bigint) as change_bp,
        coalesce(change_bp, new_price - old_price) > 0 as rise,
        row_number() over (partition by customer_id order by known_at, event_at, change_id) as seq
    from price_changes
    """,
)

OWN_PRICE_STEPS = """
    select *, lead(from_at) over (
        partition by customer_id, contract_id order by from_at, step, id) as next_at
    from (
        select c.customer_id, c.contract_id, c.plan_id, c.product_line, c.price,
            c.known_at as told_at, c.known_at as from_at, 0 as step, c.contract_id as id
        from contracts c where c.price is not null
        union all
        select p.customer_id, p.contract_id, c.plan_id, c.product_line, p.new_price,
            greatest(p.known_at, c.known_at),
            greatest(p.known_at, midnight(p.effective_on), c.known_at), 1, p.change_id
        from price_changes p
        join contracts c on c.customer_id = p.customer_id and c.contract_id = p.contract_id
    )
"""

ENDS = """
    select customer_id, contract_id,
        min(greatest(known_at, midnight(effective_on + 1))) as ended_at
    from terminations group by all
"""

PLAN_STEPS = """
    select *, lead(from_at) over (
        partition by customer_id, contract_id order by from_at, step, valid_from) as to_at
    from (
        select customer_id, contract_id, plan_id, known_at as from_at, 0 as step,
            event_at as valid_from
        from contracts
        union all
        select c.customer_id, c.contract_id, m.value,
            greatest(c.known_at, m.known_at, l.known_at), 1, m.event_at
        from contracts c
        join master_data m on m.customer_id = c.customer_id and m.attribute = 'plan'
            and m.event_at >= c.event_at
        join (
            select plan_id, product_line, min(known_at) as known_at from price_list group by all
        ) l on l.plan_id = m.value and l.product_line = c.product_line
    )
"""

# Without its changes the price at the start would be told as the price in force.
OWN_PRICE_NEEDS = ("contracts.price", "price_changes.contract_id")
_PLAN_NEEDS = ("contracts.plan_id", "master_data.value", "price_list.valid_to")

OWN_PRICES = FAMILY.stream(
    "own_prices",
    reads=("contracts", "price_changes"),
    optional=("terminations",),
    needs=OWN_PRICE_NEEDS,
    reveals={"to_at": "to_at"},
    sql=f"""
    select customer_id, from_at as event_at, from_at as known_at, product_line, price,
        least(next_at, ended_at) as to_at
    from ({OWN_PRICE_STEPS}) left join ({ENDS}) using (customer_id, contract_id)
    """,
)

NEWCOMER_PRICES = FAMILY.stream(
    "newcomer_prices",
    reads=("contracts", "price_list", "price_changes", "master_data"),
    optional=("terminations",),
    needs=(*OWN_PRICE_NEEDS, *_PLAN_NEEDS),
    reveals={"to_at": "to_at", "to_on": "to_at"},
    sql=f"""
    with offered as (
        select plan_id, price,
            known_at as from_at,
            case when valid_to is not null
                then greatest(known_at, known_price_list(midnight(valid_to))) end as to_at
        from price_list
    ),
    moments as (
        select plan_id, from_at as at from offered
        union select plan_id, to_at from offered where to_at is not null
    ),
    cheapest as (
        select m.plan_id, m.at as from_at, min(o.price) as price
        from moments m
        left join offered o on o.plan_id = m.plan_id and o.from_at <= m.at
            and (o.to_at is null or o.to_at > m.at)
        group by all
    ),
    changes as (
        select *, lag(price) over (partition by plan_id order by from_at) as price_before
        from cheapest
    ),
    market as (
        select plan_id, from_at, price,
            lead(from_at) over (partition by plan_id order by from_at) as to_at
        from changes where price is distinct from price_before
    ),
    priced as (
        select customer_id, contract_id, price, from_at, least(next_at, ended_at) as to_at
        from ({OWN_PRICE_STEPS}) left join ({ENDS}) using (customer_id, contract_id)
    ),
    own as (
        select priced.customer_id, priced.contract_id, s.plan_id, priced.price,
            greatest(priced.from_at, s.from_at) as from_at,
            least(priced.to_at, s.to_at) as to_at
        from priced join ({PLAN_STEPS}) s on s.customer_id = priced.customer_id
            and s.contract_id = priced.contract_id
            and s.from_at < coalesce(priced.to_at, timestamp '9999-01-01')
            and priced.from_at < coalesce(s.to_at, timestamp '9999-01-01')
    )
    select own.customer_id, greatest(own.from_at, market.from_at) as event_at,
        greatest(own.from_at, market.from_at) as known_at,
        least(own.to_at, market.to_at) as to_at,
        local_day(greatest(own.from_at, market.from_at)) as from_on,
        local_day(least(own.to_at, market.to_at)) as to_on,
        own.contract_id, own.price as own_price, market.price as newcomer_price,
        cast((own.price - market.price) / nullif(own.price, 0) as double) as gap
    from own join market on market.plan_id = own.plan_id
        and market.from_at < coalesce(own.to_at, timestamp '9999-01-01')
        and own.from_at < coalesce(market.to_at, timestamp '9999-01-01')
    where market.price < own.price
    """,
)

CONTRACTS = FAMILY.stream(
    "contracts",
    optional=("terminations",),
    reveals={"ended_at": "ended_at"},
    sql=f"""
    select c.customer_id, c.event_at, c.known_at, c.contract_id, c.product_line, c.started_on,
        c.binding_until, c.term_months, c.bundle_id, e.ended_at
    from contracts c left join ({ENDS}) e using (customer_id, contract_id)
    """,
)

PLANS = FAMILY.stream(
    "plans",
    reads=("contracts", "price_list", "master_data"),
    optional=("terminations",),
    needs=_PLAN_NEEDS,
    reveals={"ended_at": "ended_at", "closed_at": "closed_at", "left_at": "left_at"},
    sql=f"""
    select s.customer_id, greatest(s.from_at, p.event_at) as event_at,
        greatest(s.from_at, p.known_at) as known_at, e.ended_at, s.to_at as left_at,
        known_price_list(midnight(p.valid_to)) as closed_at, p.valid_to as closed_on
    from ({PLAN_STEPS}) s
    join price_list p on p.plan_id = s.plan_id and not p.campaign
    left join ({ENDS}) e on e.customer_id = s.customer_id and e.contract_id = s.contract_id
    """,
)

BROKEN_BUNDLES = FAMILY.stream(
    "broken_bundles",
    reads=("contracts", "terminations"),
    needs=("contracts.bundle_id",),
    sql="""
    select t.customer_id, greatest(t.event_at, c.event_at) as event_at,
        greatest(t.known_at, c.known_at) as known_at, t.notified_on
    from terminations t
    join contracts c on c.customer_id = t.customer_id and c.contract_id = t.contract_id
    where c.bundle_id is not null
    """,
)


_TERMS = "date_diff('month', started_on, {as_of_day}) // term_months"


def _renewal(terms: str) -> str:
    """The first day after so many terms: the same day of the month, or the month's last."""
    return f"cast(started_on + to_months(cast(({terms}) * term_months as integer)) as date)"


_COME = f"{_renewal(_TERMS)} < {{as_of_day}}"
_NEXT = f"case when {_COME} then {_renewal(f'{_TERMS} + 1')} else {_renewal(_TERMS)} end"
_LAST = f"case when {_COME} then {_renewal(_TERMS)} else {_renewal(f'{_TERMS} - 1')} end"

FAMILY.read(__file__, next_renewal=_NEXT, last_renewal=_LAST)
