"""Contact repeats and effort: explaining the same problem again, whoever answers (S4, S2)."""

from features.feature import Family

FAMILY = Family("contact_repeat")

_HALF_LIFE_DAYS = 45
_SAME_PROBLEM = ("contacts.topic", "contacts.case_id")

# A link made later would change what had been derived before it.
_CASE_AT_FIRST = "case when coalesce(known_contacts(linked_at) <= known_at, true) then case_id end"


def _near(column: str, days: int) -> str:
    span = f"between event_at - interval {days} day and event_at + interval {days} day"
    return f"coalesce({column} {span}, false)"


def _points(column: str) -> str:
    """A millionfold point as a whole number, halved with age: sums are the same in any order."""
    age = f"date_diff('second', {column}, {{as_of}}) / 86400.0"
    return f"cast(round(1000000 * power(0.5, {age} / {_HALF_LIFE_DAYS})) as bigint)"


CONTACTS = FAMILY.stream(
    "contacts",
    needs=("contacts.direction",),
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

EFFORT = FAMILY.stream(
    "effort",
    reads=("contacts", "cases"),
    bases=("contacts",),
    needs=(*_SAME_PROBLEM, "contacts.channel", "contacts.transfers", "cases.reopened_at"),
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

SETTLED_CONTACTS = FAMILY.stream(
    "settled_contacts",
    reads=("contacts",),
    needs=("contacts.direction", "contacts.abandoned", "contacts.topic"),
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

SELF_SERVICE = FAMILY.stream(
    "self_service",
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as started_on, completed, seconds
    from self_service
    """,
)

FAILED_SELF_SERVICE = FAMILY.stream(
    "failed_self_service",
    reads=("self_service", "contacts"),
    needs=("contacts.direction",),
    sql="""
    with failed as (select * from self_service where not completed)
    select customer_id, event_at, known_at, local_day(event_at) as contact_on
    from (
        select *, max(failed_at) over past as last_failed_at,
            max(contact_at) over past as contact_before
        from (
            select customer_id, event_at, known_at, event_at as failed_at, null as contact_at,
                false as is_contact, session_id as id
            from failed
            union all
            select customer_id, event_at, known_at, null, event_at, true, contact_id
            from contacts semi join failed using (customer_id)
            where coalesce(direction, 'inbound') = 'inbound'
        )
        window past as (partition by customer_id order by known_at, event_at, is_contact, id
            rows between unbounded preceding and 1 preceding)
    )
    where is_contact and last_failed_at between event_at - interval 48 hour and event_at
        and (contact_before is null or contact_before < last_failed_at)
    """,
)

COMPLAINTS = FAMILY.stream(
    "complaints",
    reveals={"closed_at": "closing_known_at"},
    sql="""
    select customer_id, event_at, known_at, replaced_at, local_day(event_at) as opened_on,
        closed_at, known_complaints(closed_at) as closing_known_at
    from versions_complaints()
    """,
)

FAMILY.read(__file__, points=_points("event_at"), replaced_points=_points("replaced_at"))
