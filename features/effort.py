"""Contact repeats and effort: explaining the same problem again (S4, S2)."""

from features.feature import Family, Stream

FAMILY = Family("contact_repeat")

_HALF_LIFE_DAYS = 45


def _near(column: str, days: int) -> str:
    span = f"between event_at - interval {days} day and event_at + interval {days} day"
    return f"coalesce({column} {span}, false)"


CONTACTS = Stream(
    "contacts",
    reads=("contacts",),
    sql=f"""
    select customer_id, event_at, known_at, contact_id, started_on, transfers, channel,
        row_number() over known as seq,
        repeat_7d, repeat_30d, cross_channel, unlinked, switched,
        cast(repeat_30d or cross_channel or unlinked or switched as integer)
            + least(coalesce(transfers, 0), 2) / 2.0 as effort
    from (
        select *, local_day(event_at) as started_on,
            {_near("topic_before", 7)} or {_near("case_before", 7)} as repeat_7d,
            {_near("topic_before", 30)} or {_near("case_before", 30)} as repeat_30d,
            {_near("topic_before", 14)} and coalesce(topic_channel <> channel, false)
                as cross_channel,
            {_near("topic_before", 30)} and case_id is null as unlinked,
            coalesce(case_before is not null and case_channel <> channel, false) as switched
        from (
            select *,
                case when topic is not null then lag(event_at) over same_topic end as topic_before,
                lag(channel) over same_topic as topic_channel,
                case when case_id is not null then lag(event_at) over same_case end as case_before,
                case when case_id is not null then lag(channel) over same_case end as case_channel
            from contacts where coalesce(direction, 'inbound') = 'inbound'
            window same_topic as (
                    partition by customer_id, topic order by known_at, event_at, contact_id),
                same_case as (
                    partition by customer_id, case_id order by known_at, event_at, contact_id)
        )
    )
    window known as (partition by customer_id order by known_at, event_at, contact_id)
    """,
)

SETTLED_CONTACTS = Stream(
    "settled_contacts",
    reads=("contacts",),
    sql="""
    select customer_id, event_at + interval 30 day as event_at,
        known_at + interval 30 day as known_at,
        coalesce(next_known_at >= known_at + interval 30 day, true) as settled
    from (
        select customer_id, event_at, known_at,
            lead(known_at) over (
                partition by customer_id, topic order by known_at, event_at, contact_id)
                as next_known_at
        from contacts
        where coalesce(direction, 'inbound') = 'inbound' and not coalesce(abandoned, false)
            and topic is not null
    )
    """,
)

STREAMS = (CONTACTS, SETTLED_CONTACTS)

FAMILY.add(
    CONTACTS,
    "repeats_7d_count",
    "count(*)",
    where="repeat_7d",
    windows=(30, 90, 365),
    fill=0,
    driver="repeat_contact",
    unit="count",
    sign=1,
    doc="Contacts on the same topic or case within 7 days of the one before.",
    source="S4",
)
FAMILY.add(
    CONTACTS,
    "repeats_30d_count",
    "count(*)",
    where="repeat_30d",
    windows=(30, 90, 365),
    fill=0,
    driver="repeat_contact",
    unit="count",
    sign=1,
    doc="Contacts on the same topic or case within 30 days of the one before.",
    source="S4",
)
FAMILY.fact(
    CONTACTS,
    "latest_repeat_on",
    "max(started_on)",
    where="repeat_30d",
    driver="repeat_contact",
    doc="Day of the latest repeated contact.",
)
FAMILY.add(
    CONTACTS,
    "transfers",
    "sum(coalesce(transfers, 0))",
    windows=(30, 90, 365),
    fill=0,
    driver="repeat_contact",
    unit="count",
    sign=1,
    doc="Times passed on.",
    source="S4",
)
FAMILY.add(
    CONTACTS,
    "effort_index",
    "sum(cast(round(1000000 * effort * power(0.5, date_diff('second', event_at, {as_of})"
    f" / 86400.0 / {_HALF_LIFE_DAYS})) as bigint)) {{filter}} / 1000000.0",
    windows=(365,),
    fill=0,
    driver="repeat_contact",
    unit="points",
    sign=1,
    doc="Effort asked of the customer: one point for a contact that repeats, changes channel or "
    f"was not linked, half a point a transfer (two at most), halved every {_HALF_LIFE_DAYS} days.",
    source="S4, S2",
)
FAMILY.add(
    CONTACTS,
    "days_since_repeat",
    "date_diff('day', max(started_on) {filter}, {as_of_day})",
    where="repeat_30d",
    driver="repeat_contact",
    unit="days",
    doc="Days since the latest repeated contact.",
    source="S4",
)
FAMILY.add(
    SETTLED_CONTACTS,
    "first_contact_resolution",
    "avg(cast(settled as integer))",
    windows=(365,),
    driver="repeat_contact",
    unit="share",
    sign=-1,
    doc="Share of answered contacts not followed by another on the topic within 30 days, counted "
    "when the 30 days have passed.",
    source="S4",
)
FAMILY.add(
    CONTACTS,
    "cross_channel_repeats",
    "count(*)",
    where="cross_channel",
    windows=(30, 90, 365),
    fill=0,
    driver="scattered_history",
    unit="count",
    sign=1,
    doc="Contacts on the same topic in another channel within 14 days.",
    source="S2",
)
FAMILY.fact(
    CONTACTS,
    "latest_cross_channel_on",
    "max(started_on)",
    where="cross_channel",
    driver="scattered_history",
    doc="Day of the latest repeat in another channel.",
)
FAMILY.add(
    CONTACTS,
    "case_unlinked",
    "count(*)",
    where="unlinked",
    windows=(90, 365),
    fill=0,
    needs=("contacts.case_id",),
    driver="scattered_history",
    unit="count",
    sign=1,
    doc="Repeated contacts that were not linked to a case.",
    source="S2",
)
FAMILY.add(
    CONTACTS,
    "channel_switches_in_case",
    "count(*)",
    where="switched",
    windows=(90, 365),
    fill=0,
    driver="scattered_history",
    unit="count",
    sign=1,
    doc="Changes of channel within one case.",
    source="S2",
)
