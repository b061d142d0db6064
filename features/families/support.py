"""Support waits: waiting, unresolved cases, broken promises and bots in the way (S3 §4, S1)."""

from features.feature import Driver, Family

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
_UNRESOLVED = f"({_OPEN} or not resolved)"
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

wait = Driver(FAMILY, WAITS, "wait", "S3 §4", unit="s", sign=1)
wait("wait_max", "max(wait_seconds)", "Longest wait to be answered.", windows=(30, 90, 365))
wait(
    "wait_p90",
    "quantile_disc(wait_seconds, 0.9)",
    "Wait that nine of ten contacts stayed under.",
    windows=(90, 365),
)
wait(
    "abandoned",
    "count(*) where abandoned",
    "Contacts given up while waiting.",
    windows=(30, 90, 365),
)
wait(
    "first_reply_hours_max",
    "max(date_diff('minute', event_at, replied_at)) {filter} / 60.0",
    "Longest time to a first written reply.",
    windows=(90, 365),
    unit="hours",
)
wait.fact(
    "latest_long_wait_on",
    "arg_max(started_on, wait_seconds * 1000000 + seq) where event_at >= {as_of} - interval 90 day",
    "Day of the longest wait of the last 90 days.",
)
wait.fact(
    "wait_average_90d",
    "cast(round(avg(wait_seconds) {filter}) as bigint) where event_at >= {as_of} - interval 90 day",
    "Average wait of the last 90 days.",
    unit="s",
)
bot_loop = Driver(FAMILY, WAITS, "bot_loop", "S3 §4", sign=1)
bot_loop(
    "bot_loops",
    "count(*) where bot_again",
    "Contacts met by a bot again within a week, on the same topic.",
    windows=(30, 90, 365),
    needs=("contacts.handled_by", "contacts.topic"),
)
bot_loop(
    "human_denied",
    "count(*) where human_requested and handled_by = 'bot'",
    "Contacts in which a person was asked for and a bot answered.",
    windows=(90, 365),
)

unresolved_case = Driver(FAMILY, CASES, "unresolved_case", "S1", sign=1)
unresolved_case("open_cases", f"count(*) where {_OPEN}", "Cases not closed.")
unresolved_case(
    "open_case_days",
    "max(date_diff('day', opened_on, {as_of_day})) where " + _OPEN,
    "Days the oldest open case has been open.",
    fill=0,
    unit="days",
)
unresolved_case(
    "unresolved_cases",
    f"count(*) where {_UNRESOLVED}",
    "Cases opened and still open, or closed without being resolved.",
    windows=(30, 90, 365),
)
unresolved_case(
    "unresolved_days_since",
    "date_diff('day', max(opened_on) {filter}, {as_of_day}) where " + _UNRESOLVED,
    "Days since the latest unresolved case was opened.",
    unit="days",
    sign=0,
)
unresolved_case(
    "reopened", "count(*) where reopened_at is not null", "Cases reopened.", windows=(90, 365)
)
unresolved_case(
    "resolved_share",
    "avg(cast(resolved as integer))",
    "Share of closed cases that were resolved.",
    windows=(90, 365),
    unit="share",
    sign=-1,
)
unresolved_case.fact(
    "open_case_opened_on", f"min(opened_on) where {_OPEN}", "Day the oldest open case was opened."
)
unresolved_case.fact(
    "open_case_id",
    f"arg_min(case_id, (opened_at, case_id)) where {_OPEN}",
    "The oldest open case.",
    unit="id",
)
_LATE = "promised_on < coalesce(closed_on, {as_of_day})"
late_case = Driver(
    FAMILY, CASES, "late_delivery", "S1", unit="days", sign=1, fill=0, needs=("cases.closed_at",)
)
late_case(
    "delivery_overrun_days_max",
    "max(date_diff('day', promised_on, coalesce(closed_on, {as_of_day}))) where " + _LATE,
    "Most days a solution came, or is, later than promised.",
    windows=(90, 365),
)
late_case("promises_missed", f"count(*) where {_LATE}", "Promised days missed.", windows=(90, 365))
late_case.fact(
    "latest_promise_missed_on",
    f"max(promised_on) where {_LATE}",
    "The promised day that was last missed.",
)
late_order = Driver(FAMILY, LATE_ORDERS, "late_delivery", "S1", sign=1, fill=0)
late_order(
    "late_orders",
    "count(*)",
    "Orders not delivered on the promised day, counted from the day after it.",
    windows=(30, 90, 365),
)
late_order(
    "order_overrun_days_max",
    "max(date_diff('day', promised_on, coalesce(delivered_on, {as_of_day})))",
    "Most days an order came, or is, later than promised, however the help was rated.",
    windows=(30, 90, 365),
    unit="days",
)
late_order.fact(
    "latest_late_order_promised_on",
    "max(promised_on)",
    "The promised day of delivery that was last missed.",
)
case_contact = Driver(FAMILY, CASE_CONTACTS, "unresolved_case", "S1", unit="s", sign=1)
case_contact(
    "wait_unresolved_max",
    f"max(wait_seconds) where {_UNRESOLVED}",
    "Longest wait in a contact about a case that is not resolved.",
    windows=(90, 365),
    fill=0,
)

fault_response = Driver(FAMILY, FAULTS, "fault_response", "S3 §4", sign=1)
fault_response("faults", "count(*) where not planned", "Unplanned faults.", windows=(30, 90, 365))
fault_response.fact(
    "latest_fault_on", "max(started_on) where not planned", "Day of the latest unplanned fault."
)
fault_answer = Driver(FAMILY, FAULT_ANSWERS, "fault_response", "S3 §4", unit="hours", sign=1)
fault_answer(
    "fault_to_human_hours_max",
    "max(hours)",
    "Longest time from a fault until a person answered about it.",
    windows=(90, 365),
)
