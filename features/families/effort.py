"""Contact repeats and effort: explaining the same problem again, whoever answers (S4, S2)."""

from functools import partial

from features.feature import Family, Stream

FAMILY = Family("contact_repeat")

_HALF_LIFE_DAYS = 45


# A link made later would change what had been derived before it.
_CASE_AT_FIRST = "case when coalesce(known_contacts(linked_at) <= known_at, true) then case_id end"


def _near(column: str, days: int) -> str:
    span = f"between event_at - interval {days} day and event_at + interval {days} day"
    return f"coalesce({column} {span}, false)"


def _points(column: str) -> str:
    """A millionfold point as a whole number, halved with age: sums are the same in any order."""
    age = f"date_diff('second', {column}, {{as_of}}) / 86400.0"
    return f"cast(round(1000000 * power(0.5, {age} / {_HALF_LIFE_DAYS})) as bigint)"


CONTACTS = Stream(
    "contacts",
    reads=("contacts",),
    sql=f"""
    select customer_id, event_at, known_at, contact_id, local_day(event_at) as started_on,
        coalesce(transfers, 0) as transfers, topic, case_id,
        coalesce(case_id, case when {_near("topic_case_at", 30)} then topic_case end)
            as root_case,
        {_near("topic_before", 7)} or {_near("case_before", 7)} as repeat_7d,
        {_near("topic_before", 30)} or {_near("case_before", 30)} as repeat_30d,
        ({_near("topic_before", 14)} and coalesce(topic_channel <> channel, false))
            or ({_near("case_before", 14)} and coalesce(case_channel <> channel, false))
            as cross_channel,
        {_near("topic_before", 30)} and case_id is null as unlinked,
        coalesce(case_before is not null and case_channel <> channel, false) as switched
    from (
        select *,
            case when topic is not null then lag(event_at) over same_topic end as topic_before,
            lag(channel) over same_topic as topic_channel,
            case when topic is not null then last_value(case_id ignore nulls) over topic_past end
                as topic_case,
            last_value(case when case_id is not null then event_at end ignore nulls)
                over topic_past as topic_case_at,
            case when case_id is not null then lag(event_at) over same_case end as case_before,
            case when case_id is not null then lag(channel) over same_case end as case_channel
        from (select * replace ({_CASE_AT_FIRST} as case_id) from contacts)
        where coalesce(direction, 'inbound') = 'inbound'
        window same_topic as (
                partition by customer_id, topic order by known_at, event_at, contact_id),
            topic_past as (
                partition by customer_id, topic order by known_at, event_at, contact_id
                rows between unbounded preceding and 1 preceding),
            same_case as (
                partition by customer_id, case_id order by known_at, event_at, contact_id)
    )
    """,
)

EFFORT = Stream(
    "effort",
    reads=("contacts",),
    optional=("cases",),
    bases=("contacts",),
    sql=f"""
    with asked as (
        select customer_id, event_at, known_at, contact_id as id, kind,
            case when root_case is not null then 'case ' || root_case
                when topic is not null then 'topic ' || topic
                else 'contact ' || contact_id end as root
        from stream_contacts
        cross join (values ('again'), ('passed'), ('channel'), ('retold')) kinds(kind)
        where (repeat_30d or cross_channel or switched or transfers > 0)
            and case kind when 'again' then repeat_30d
                when 'passed' then transfers > 0
                when 'channel' then cross_channel or switched
                else repeat_30d and (case_id is null or transfers > 0) end
        union all
        select customer_id, reopened_at, greatest(known_at, known_cases(reopened_at)), case_id,
            'reopened', 'case ' || case_id
        from cases where reopened_at is not null
    )
    select customer_id, event_at, known_at, replaced_at
    from (
        select *, case when root like 'case %' or {_near("asked_before", 30)} then asked_before end
            as replaced_at
        from (
            select *, max(event_at) over (
                partition by customer_id, root, kind order by known_at, event_at, id
                rows between unbounded preceding and 1 preceding) as asked_before
            from asked
        )
    )
    where replaced_at is null or replaced_at < event_at
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

STREAMS = (
    CONTACTS,
    EFFORT,
    SETTLED_CONTACTS,
)

repeat_contact = partial(FAMILY.add, CONTACTS, driver="repeat_contact", unit="count", source="S4")
repeat_contact(
    "repeats_7d_count",
    "count(*)",
    where="repeat_7d",
    windows=(30, 90, 365),
    fill=0,
    sign=1,
    doc="Contacts on the same topic or case within 7 days of the one before.",
)
repeat_contact(
    "repeats_30d_count",
    "count(*)",
    where="repeat_30d",
    windows=(30, 90, 365),
    fill=0,
    sign=1,
    doc="Contacts on the same topic or case within 30 days of the one before.",
)
FAMILY.fact(
    CONTACTS,
    "latest_repeat_on",
    "max(started_on)",
    where="repeat_30d",
    driver="repeat_contact",
    doc="Day of the latest repeated contact.",
)
repeat_contact(
    "transfers",
    "sum(transfers)",
    windows=(30, 90, 365),
    fill=0,
    needs=("contacts.transfers",),
    sign=1,
    doc="Times passed on.",
)
FAMILY.add(
    EFFORT,
    "effort_index",
    f"sum({_points('event_at')} - coalesce({_points('replaced_at')}, 0)) {{filter}} / 1000000.0",
    fill=0,
    needs=("contacts.case_id",),
    driver="repeat_contact",
    unit="points",
    sign=1,
    doc="Effort that each problem asked of the customer: a point each for contacting again within "
    "30 days, being passed on, changing channel, telling it again (a repeat not linked to a case, "
    "or passed on) and a reopened case; each counts once a problem, in whatever channel, and is "
    f"halved {_HALF_LIFE_DAYS} days after its latest time. A problem is its case, or the case last "
    "linked on the topic within 30 days, else the topic within 30 days.",
    source="S4, S2",
)
repeat_contact(
    "days_since_repeat",
    "date_diff('day', max(started_on) {filter}, {as_of_day})",
    where="repeat_30d",
    unit="days",
    doc="Days since the latest repeated contact.",
)
FAMILY.add(
    SETTLED_CONTACTS,
    "first_contact_resolution",
    "avg(cast(settled as integer))",
    windows=(90, 365),
    driver="repeat_contact",
    unit="share",
    sign=-1,
    doc="Share of answered contacts not followed by another on the topic within 30 days, counted "
    "when the 30 days have passed.",
    source="S4",
)
scattered_history = partial(
    FAMILY.add, CONTACTS, driver="scattered_history", unit="count", sign=1, source="S2", fill=0
)
scattered_history(
    "cross_channel_repeats",
    "count(*)",
    where="cross_channel",
    windows=(30, 90, 365),
    needs=("contacts.topic", "contacts.channel"),
    doc="Contacts on the same topic or case in another channel within 14 days.",
)
FAMILY.fact(
    CONTACTS,
    "latest_cross_channel_on",
    "max(started_on)",
    where="cross_channel",
    driver="scattered_history",
    doc="Day of the latest repeat in another channel.",
)
scattered_history(
    "case_unlinked",
    "count(*)",
    where="unlinked",
    windows=(90, 365),
    needs=("contacts.case_id", "contacts.topic"),
    doc="Repeated contacts that were not linked to a case when they came in.",
)
scattered_history(
    "channel_switches_in_case",
    "count(*)",
    where="switched",
    windows=(90, 365),
    needs=("contacts.case_id", "contacts.channel"),
    doc="Changes of channel within one case.",
)
