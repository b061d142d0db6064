"""Support waits: waiting, unresolved cases, broken promises and bots in the way (S3 §4, S1)."""

from features.feature import Family

FAMILY = Family("support_wait")

WAITS = FAMILY.stream(
    "waits",
    reads=("contacts",),
    reveals={"replied_at": "reply_known_at"},
    needs=("contacts.direction",),
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as started_on, wait_seconds,
        abandoned, handled_by, human_requested, replied_at,
        known_contacts(replied_at) as reply_known_at,
        coalesce(topic is not null and handled_by = 'bot' and previous_handler = 'bot'
            and previous_at between event_at - interval 7 day and event_at + interval 7 day,
            false) as bot_again,
        row_number() over (partition by customer_id order by known_at, event_at, contact_id) as seq
    from (
        select *, lag(handled_by) over same_topic as previous_handler,
            lag(event_at) over same_topic as previous_at
        from contacts where coalesce(direction, 'inbound') = 'inbound'
        window same_topic as (
            partition by customer_id, topic order by known_at, event_at, contact_id)
    )
    """,
)

_OPEN = "(closed_at is null or (reopened_at is not null and reclosed_at is null))"
_STEPS_KNOWN = """
        known_cases(closed_at) as closing_known_at, known_cases(reopened_at) as reopening_known_at,
        known_cases(reclosed_at) as reclosing_known_at""".strip()
_STEPS = {
    "closed_at": "closing_known_at",
    "resolved": "closing_known_at",
    "reopened_at": "reopening_known_at",
    "reclosed_at": "reclosing_known_at",
}

CASES = FAMILY.stream(
    "cases",
    reveals=_STEPS | {"closed_on": "closing_known_at"},
    sql=f"""
    select customer_id, event_at, known_at, case_id, opened_at, local_day(opened_at) as opened_on,
        promised_on, closed_at, local_day(closed_at) as closed_on, resolved, reopened_at,
        reclosed_at, {_STEPS_KNOWN},
        row_number() over (partition by customer_id order by known_at, event_at, case_id) as seq
    from cases
    """,
)

CASE_CONTACTS = FAMILY.stream(
    "case_contacts",
    reads=("contacts", "cases"),
    reveals=_STEPS,
    needs=("contacts.case_id", "contacts.direction"),
    sql=f"""
    select t.customer_id, t.event_at,
        greatest(t.known_at, k.known_at, known_contacts(t.linked_at)) as known_at,
        t.wait_seconds, k.closed_at, k.resolved, k.reopened_at, k.reclosed_at,
        {_STEPS_KNOWN}
    from contacts t
    join cases k on k.customer_id = t.customer_id and k.case_id = t.case_id
    where coalesce(t.direction, 'inbound') = 'inbound' and t.wait_seconds is not null
    """,
)

FAULTS = FAMILY.stream(
    "faults",
    reads=("incidents",),
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as started_on,
        coalesce(planned, false) as planned
    from incidents
    """,
)

FAULT_ANSWERS = FAMILY.stream(
    "fault_answers",
    reads=("incidents", "contacts"),
    needs=("incidents.planned", "contacts.abandoned", "contacts.handled_by", "contacts.topic"),
    sql="""
    select customer_id, event_at, known_at,
        date_diff('minute', fault_at, event_at) / 60.0 as hours
    from (
        select *, max(started_at) over past as fault_at, max(answered_at) over past as answer_before
        from (
            select customer_id, event_at, known_at, event_at as started_at, null as answered_at,
                false as is_answer, incident_id as id
            from incidents where not coalesce(planned, false)
            union all
            select customer_id, event_at, known_at, null, event_at, true, contact_id
            from contacts where handled_by = 'human' and topic = 'fault'
                and coalesce(abandoned, false) = false
        )
        window past as (partition by customer_id order by known_at, event_at, is_answer, id
            rows between unbounded preceding and 1 preceding)
    )
    where is_answer and fault_at >= event_at - interval 14 day and fault_at <= event_at
        and (answer_before is null or answer_before < fault_at)
    """,
)

LATE_ORDERS = FAMILY.stream(
    "late_orders",
    reads=("orders",),
    needs=("orders.promised_on", "orders.delivered_on"),
    reveals={"delivered_on": "delivery_known_at"},
    sql="""
    select customer_id, midnight(promised_on + 1) as event_at,
        greatest(known_at, known_orders(midnight(promised_on + 1))) as known_at, replaced_at,
        promised_on, delivered_on, known_orders(midnight(delivered_on)) as delivery_known_at
    from versions_orders() where promised_on < coalesce(delivered_on, date '9999-12-31')
    """,
)

FAMILY.read(
    __file__,
    open=_OPEN,
    unresolved=f"({_OPEN} or not resolved)",
    late="promised_on < coalesce(closed_on, {as_of_day})",
)
