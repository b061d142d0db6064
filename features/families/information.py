"""Information: being told of faults in time, without noise and without contradiction (S0, S2).

Marketing is never information. A message counts from when it was known to be sent.
"""

from features.families.bills import INVOICES
from features.families.price import OWN_PRICE_NEEDS, OWN_PRICE_STEPS
from features.families.support import LATE_ORDERS
from features.feature import Driver, Family

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

_INFORMED = "coalesce(sent_at <= ended_at, sent_at is not null)"

uninformed_incident = Driver(FAMILY, INCIDENTS, "uninformed_incident", "S0", sign=1, needs=_LINKED)
uninformed_incident(
    "informed_share",
    f"avg(cast({_INFORMED} as integer))",
    "Share of faults and planned outages that the customer was told of before they ended.",
    windows=(90, 365),
    unit="share",
    sign=-1,
)
uninformed_incident(
    "uninformed_incidents",
    f"count(*) where not {_INFORMED}",
    "Faults and planned outages that the customer was not told of before they ended.",
    windows=(30, 90, 365),
)
uninformed_incident(
    "information_lag_hours_max",
    "max(lag_minutes) {filter} / 60.0",
    "Longest time from the start of a fault until the first message about it.",
    windows=(90, 365),
    unit="hours",
)
uninformed_incident(
    "outage_hours",
    "sum(date_diff('minute', event_at, coalesce(ended_at, {as_of}))) {filter} / 60.0",
    "Hours of faults and planned outages, those that last counted until the as-of date.",
    windows=(30, 90, 365),
    fill=0,
    needs=(),
    unit="hours",
)
uninformed_incident(
    "repeat_faults_same_site",
    "count(*) where again_at_site",
    "Unplanned faults within 90 days of the one before at the same site.",
    windows=(30, 90, 365),
    needs=("incidents.site_id", "incidents.planned"),
)
uninformed_incident.fact(
    "latest_uninformed_on",
    f"max(started_on) where not {_INFORMED}",
    "Day of the latest fault or outage that the customer was not told of.",
)
uninformed_incident.fact(
    "latest_repeat_fault_on",
    "max(started_on) where again_at_site",
    "Day of the latest fault that came again at the same site.",
    needs=("incidents.site_id", "incidents.planned"),
)
missed_end = Driver(FAMILY, MISSED_ENDS, "uninformed_incident", "S0", sign=1)
missed_end(
    "eta_missed",
    "count(*)",
    "Ends of faults that were promised and passed while the fault lasted.",
    windows=(30, 90, 365),
)
missed_end.fact(
    "latest_eta_missed_on", "max(promised_on)", "Day of the promised end that was last missed."
)

message_noise = Driver(FAMILY, MESSAGES, "noise", "S0, S3", sign=1)
message_noise(
    "generic_messages",
    "count(*) where marketing and not personalised",
    "Marketing messages not written for the customer's own situation.",
    windows=(30, 90, 365),
    needs=("notifications.kind",),
)
message_noise(
    "personal_message_open_share",
    "avg(cast(opened_at is not null as integer)) where personalised",
    "Share of the messages written for the customer's own situation that were opened.",
    windows=(365,),
    unit="share",
    sign=-1,
)
message_noise(
    "night_messages",
    "count(*) where not urgent and hour not between 7 and 21",
    "Messages, not of outages, sent between 22:00 and 7:00.",
    windows=(90,),
    needs=("notifications.kind",),
)
message_noise(
    "duplicate_messages",
    "count(*) where not urgent and again",
    "Messages, not of outages, of the same kind and template as the one before, within a day.",
    windows=(90,),
    needs=("notifications.kind", "notifications.template_id"),
)
# What moves on, when it must have been told of at the latest, and for which rows there is need.
_PROGRESS = (
    (
        *("order", "versions_orders()", "midnight(promised_on + 1)"),
        *("promised_on < coalesce(delivered_on, date '9999-12-31')", LATE_ORDERS.needs),
        "Late orders with no message about them in the week that ended with the promised day.",
    ),
    (
        *("case", "(select *, cast(null as timestamp) as replaced_at from cases)"),
        *("opened_at + interval 7 day", "coalesce(closed_at > opened_at + interval 7 day, true)"),
        ("cases.closed_at",),
        "Cases not closed within a week, with no message about them in it.",
    ),
    (
        *("invoice", "stream_invoices", "event_at + interval 4 day", "shock >= 1.35", ()),
        "Bills at 1.35 times the usual or more, with no message about them within three days.",
    ),
)
for _what, _rows, _end, _where, _needs, _doc in _PROGRESS:
    _progress = FAMILY.stream(
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
    _silence = Driver(FAMILY, _progress, "uninformed_progress", "S0", sign=1)
    _silence(f"uninformed_{_what}s", "count(*) where told_at is null", _doc, windows=(90, 365))
contradicting_message = Driver(FAMILY, MESSAGES, "contradicting_message", "S2", sign=1)
contradicting_message(
    "non_template_messages",
    "count(*) where free_text",
    "Messages made from no approved template.",
    windows=(30, 90, 365),
    needs=("notifications.template_id",),
)
price_message = Driver(FAMILY, PRICE_MESSAGES, "contradicting_message", "S2", sign=1)
price_message(
    "contradicting_price_messages",
    "count(*)",
    "Messages that stated a price more than 1 % off every price that the customer had, or was "
    "told to get.",
    windows=(30, 90, 365),
)
price_message.fact(
    "latest_contradicting_message_on",
    "max(sent_on)",
    "Day of the latest message with a price that contradicts the customer's own.",
)

offer_noise = Driver(FAMILY, OFFERS, "noise", "S0, S3", sign=1)
offer_noise(
    "generic_offers",
    "count(*) where not personalised",
    "Offers not chosen for the customer's own situation.",
    windows=(30, 90, 365),
)
offer_noise(
    "rejected_offers",
    "count(*) where not accepted",
    "Offers sent that the customer said no to.",
    windows=(30, 90, 365),
)
offer_noise(
    "relevant_open_share",
    "avg(cast(opened_at is not null as integer)) where personalised",
    "Share of the offers chosen for the customer's own situation that were opened.",
    windows=(365,),
    unit="share",
    sign=-1,
)
offer_noise.fact(
    "latest_offer_rejected_on",
    "max(answered_on) where not accepted",
    "Day the customer last said no to an offer.",
)
unsubscribe = Driver(FAMILY, UNSUBSCRIBES, "noise", "S0, S3", sign=1)
unsubscribe(
    "unsubscribes",
    "count(*)",
    "Times the customer said no to marketing in a channel where it had been allowed, or where "
    "nothing had been said.",
    windows=(30, 90, 365),
)
unsubscribe.fact(
    "latest_unsubscribe_on", "max(changed_on)", "Day the customer last said no to marketing."
)
