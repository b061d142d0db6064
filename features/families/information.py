"""Information: being told of faults in time, without noise and without contradiction (S0, S2).

Marketing is never information. A message counts from when it was known to be sent.
"""

from features.families.bills import INVOICES
from features.families.price import OWN_PRICE_NEEDS, OWN_PRICE_STEPS
from features.families.support import LATE_ORDERS
from features.feature import Family

FAMILY = Family("information")

_SERVICE = "coalesce(kind, '') <> 'marketing'"
_LINKED = ("notifications.incident_id", "notifications.kind")

INCIDENTS = FAMILY.stream(
    "incidents",
    optional=("notifications",),
    reveals={"ended_at": "end_known_at", "sent_at": "told_at", "lag_minutes": "told_at"},
    sql=f"""
    select customer_id, event_at, known_at, local_day(event_at) as started_on, ended_at,
        told_at, sent_at,
        known_incidents(ended_at) as end_known_at,
        greatest(0, date_diff('minute', event_at, sent_at)) as lag_minutes,
        site_id is not null and not planned and coalesce(site_before
            between event_at - interval 90 day and event_at + interval 90 day, false)
            as again_at_site
    from (
        select customer_id, event_at, known_at, incident_id, ended_at, site_id,
            coalesce(planned, false) as planned,
            lag(event_at) over (
                partition by customer_id, site_id, coalesce(planned, false)
                order by known_at, event_at, incident_id) as site_before
        from incidents
    )
    left join (
        select customer_id, incident_id, min(known_at) as told_at,
            arg_min(event_at, (known_at, event_at)) as sent_at
        from notifications where incident_id is not null and {_SERVICE} group by all
    ) using (customer_id, incident_id)
    """,
)

MISSED_ENDS = FAMILY.stream(
    "missed_ends",
    reads=("incidents", "notifications"),
    needs=("incidents.ended_at", "notifications.promised_end_at", *_LINKED),
    sql="""
    select customer_id, promised_end_at as event_at,
        greatest(known_incidents(promised_end_at), told_at) as known_at,
        local_day(promised_end_at) as promised_on
    from (
        select n.customer_id, n.incident_id, n.promised_end_at, i.ended_at,
            min(greatest(n.known_at, i.known_at)) as told_at
        from notifications n
        join incidents i on i.customer_id = n.customer_id and i.incident_id = n.incident_id
        where n.promised_end_at is not null and coalesce(n.kind, '') <> 'marketing'
        group by all
    )
    where ended_at is null or ended_at > promised_end_at
    """,
)

MESSAGES = FAMILY.stream(
    "messages",
    reads=("notifications",),
    reveals={"opened_at": "opening_known_at"},
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as sent_on,
        coalesce(kind, '') = 'marketing' as marketing,
        coalesce(personalised, false) as personalised, template_id is null as free_text, opened_at,
        known_notifications(opened_at) as opening_known_at, local_hour(event_at) as hour,
        coalesce(kind, '') = 'outage' as urgent, template_id is not null and coalesce(
            lag(event_at) over (partition by customer_id, kind, template_id
                order by known_at, event_at, notification_id)
            between event_at - interval 24 hour and event_at + interval 24 hour, false) as again
    from notifications
    """,
)

PRICE_MESSAGES = FAMILY.stream(
    "price_messages",
    reads=("notifications", "contracts", "price_changes"),
    needs=("notifications.stated_price", "notifications.kind", *OWN_PRICE_NEEDS),
    sql=f"""
    select n.customer_id, n.event_at, n.known_at, local_day(n.event_at) as sent_on
    from (
        select customer_id, event_at, known_at, notification_id, stated_price
        from notifications where stated_price is not null and {_SERVICE}
    ) n
    join ({OWN_PRICE_STEPS}) own on own.customer_id = n.customer_id
        and own.told_at <= n.known_at and coalesce(own.next_at > n.known_at, true)
    group by n.customer_id, n.event_at, n.known_at, n.notification_id
    having min(abs(n.stated_price - own.price) - own.price / 100) > 0
    """,
)

OFFERS = FAMILY.stream(
    "offers",
    reveals={
        "opened_at": "opening_known_at",
        "answered_on": "answer_known_at",
        "accepted": "answer_known_at",
    },
    sql="""
    select customer_id, event_at, known_at, replaced_at,
        coalesce(personalised, false) as personalised, opened_at,
        known_offers(opened_at) as opening_known_at, accepted,
        local_day(answered_at) as answered_on, known_offers(answered_at) as answer_known_at
    from versions_offers()
    """,
)

UNSUBSCRIBES = FAMILY.stream(
    "unsubscribes",
    reads=("consents",),
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as changed_on
    from (
        select *, lag(allowed) over (
            partition by customer_id, channel order by known_at, event_at, consent_id)
            as allowed_before
        from consents where purpose = 'marketing'
    )
    where not allowed and coalesce(allowed_before, true)
    """,
)


# What moves on, when it must have been told of at the latest, and for which rows there is need.
_PROGRESS = (
    (
        *("order", "versions_orders()", "midnight(promised_on + 1)"),
        *("promised_on < coalesce(delivered_on, date '9999-12-31')", LATE_ORDERS.needs),
    ),
    (
        *("case", "(select *, cast(null as timestamp) as replaced_at from cases)"),
        *("opened_at + interval 7 day", "coalesce(closed_at > opened_at + interval 7 day, true)"),
        ("cases.closed_at",),
    ),
    ("invoice", "stream_invoices", "event_at + interval 4 day", "shock >= 1.35", ()),
)
for _what, _rows, _end, _where, _needs in _PROGRESS:
    FAMILY.stream(
        f"told_{_what}s",
        reads=(f"{_what}s", "notifications"),
        bases=(INVOICES.name,) if _what == "invoice" else (),
        needs=(f"notifications.{_what}_id", "notifications.kind", *_needs),
        reveals={"told_at": "told_at"},
        versions=True,
        sql=f"""
        select r.customer_id, r.{_what}_id, r.event_at, r.known_at, replaced_at,
            min(n.known_at) as told_at
        from (
            select customer_id, {_what}_id, replaced_at, {_end} as event_at,
                greatest(known_at, known_{_what}s({_end})) as known_at
            from {_rows} where {_where}
        ) r left join (select * from notifications where {_SERVICE}) n
            on n.customer_id = r.customer_id and n.{_what}_id = r.{_what}_id
            and n.event_at >= r.event_at - interval 7 day and n.event_at < r.event_at
        group by all
        """,
    )

FAMILY.read(__file__, informed="coalesce(sent_at <= ended_at, sent_at is not null)")
