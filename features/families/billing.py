"""Billing friction: unclear, corrected, late and hard-to-pay bills (S3 §3, S0)."""

from features.contract import PAYMENT_METHODS
from features.families.bills import (
    FAMILY,
)

# The latest of a few words is found by their numbers at two thirds of the cost.
_METHOD = f"enum({', '.join(repr(method) for method in PAYMENT_METHODS)})"

BILLING_CONTACTS = FAMILY.stream(
    "billing_contacts",
    reads=("invoices", "contacts"),
    needs=("contacts.direction", "contacts.topic"),
    sql="""
    with asked as (
        select * from contacts
        where topic = 'billing' and coalesce(direction, 'inbound') = 'inbound'
    )
    select customer_id, event_at, known_at, local_day(event_at) as contact_on
    from (
        select *, max(issued_at) over (
            partition by customer_id order by known_at, event_at, is_contact, id
            rows between unbounded preceding and 1 preceding) as last_issued_at
        from (
            select customer_id, event_at, known_at, event_at as issued_at, false as is_contact,
                invoice_id as id
            from invoices semi join asked using (customer_id)
            union all
            select customer_id, event_at, known_at, null, true, contact_id from asked
        )
    )
    where is_contact and last_issued_at between event_at - interval 10 day and event_at
    """,
)

PAYMENTS = FAMILY.stream(
    "payments",
    optional=("payment_method_events",),
    reveals={"failed": "failure_known_at"},
    sql=f"""
    select customer_id, event_at, known_at, seq, paid_on, failed,
        cast(method as {_METHOD}) as method,
        coalesce(known_payments(midnight(failed_on)), known_at) as failure_known_at,
        cast(method = 'autopay' as integer) as autopay,
        cast(method = 'manual' as integer) as manual,
        cast(requested <> method as integer) as mismatch
    from (
        select *, row_number() over known as seq,
            last_value(asked ignore nulls) over (
                partition by customer_id order by known_at, event_at, is_payment, id
                rows between unbounded preceding and 1 preceding) as requested
        from (
            select customer_id, event_at, known_at, paid_on, method, failed, failed_on,
                null as asked, true as is_payment, payment_id as id
            from payments where coalesce(amount, 0) >= 0
            union all
            select customer_id, event_at, known_at, null, null, null, null, method, false,
                event_id
            from payment_method_events where step = 'started'
        )
        window known as (partition by customer_id order by known_at, event_at, is_payment, id)
    )
    where is_payment
    """,
)

FAILED_PAYMENTS = FAMILY.stream(
    "failed_payments",
    reads=("payments",),
    bases=("payments",),
    reveals={"failed": "failure_known_at"},
    sql="""
    select customer_id, event_at, known_at, paid_on, failed, failure_known_at
    from stream_payments where failed
    """,
)

METHOD_EVENTS = FAMILY.stream(
    "payment_method_events",
    sql="""
    select customer_id, event_at, known_at, method, step, local_day(event_at) as occurred_on
    from payment_method_events
    """,
)

ABANDONED_SWITCHES = FAMILY.stream(
    "abandoned_switches",
    reads=("payment_method_events",),
    sql="""
    select s.customer_id, s.event_at + interval 7 day as event_at,
        s.known_at + interval 7 day as known_at, s.method, local_day(s.event_at) as started_on
    from payment_method_events s
    anti join (select * from payment_method_events where step = 'completed') c
        on c.customer_id = s.customer_id and c.method = s.method
        and c.event_at >= s.event_at and c.known_at < s.known_at + interval 7 day
    where s.step = 'started' and s.method <> 'manual'
    """,
)

METER_READINGS = FAMILY.stream(
    "meter_readings",
    reveals={"status": "status_known_at"},
    sql="""
    select customer_id, event_at, known_at, replaced_at, due_on, status,
        coalesce(known_meter_readings(midnight(settled_on)), known_at) as status_known_at
    from versions_meter_readings()
    """,
)

FAMILY.read(__file__)
