"""Billing friction: unclear, corrected, late and hard-to-pay bills (S3 §3, S0)."""

from functools import partial

from features.contract import PAYMENT_METHODS
from features.families.relationship import MASTER_DATA
from features.feature import Family, Sign, Stream

FAMILY = Family("billing_friction")

# The latest of a few words is found by their numbers at two thirds of the cost.
_METHOD = f"enum({', '.join(repr(method) for method in PAYMENT_METHODS)})"

INVOICES = Stream(
    "invoices",
    reads=("invoices",),
    sql="""
    select customer_id, event_at, known_at, seq, issued_on, estimated, paper_fee, correction,
        case when not correction then due_on end as due_on,
        case when not correction then n_lines end as n_lines,
        case when not correction then paper end as paper,
        case when seq > 3 and typical > 0 and not correction then amount / typical end as shock,
        case when shock is not null then amount end as shock_amount,
        case when shock is not null then issued_on end as shock_on,
        case when shock is not null then cast(round(amount - typical) as bigint) end as shock_over,
        case when year_ago_on between issued_on - 380 and issued_on - 350 and year_ago > 0
            and not correction then amount / year_ago end as shock_year
    from (
        select *, row_number() over alike as seq, median(amount) over past as typical
        from (
            select customer_id, event_at, known_at, invoice_id, issued_on, due_on, amount, n_lines,
                estimated, cast(format = 'paper' as integer) as paper, paper_fee,
                corrects_invoice_id is not null as correction,
                lag(amount) over same_month as year_ago,
                lag(issued_on) over same_month as year_ago_on
            from invoices
            window same_month as (
                partition by customer_id, month(issued_on), corrects_invoice_id is null
                order by known_at, event_at, invoice_id)
        )
        window alike as (
                partition by customer_id, correction order by known_at, event_at, invoice_id),
            past as (
                partition by customer_id, correction order by known_at, event_at, invoice_id
                rows between 12 preceding and 1 preceding)
    )
    """,
)

# An aggregate passes over every row of its stream: one that few count in has those to itself.
UNUSUAL_INVOICES = Stream(
    "unusual_invoices",
    reads=("invoices",),
    bases=("invoices",),
    sql="""
    select customer_id, event_at, known_at, issued_on, estimated, correction, paper_fee
    from stream_invoices where estimated or correction or paper_fee > 0
    """,
)

# A bill that was paid by its due day is never overdue, whatever the as-of date.
UNPAID_INVOICES = Stream(
    "unpaid_invoices",
    reads=("invoices",),
    optional=("payments",),
    reveals={"paid_at": "paid_at"},
    sql="""
    select customer_id, i.event_at, i.known_at, due_on, paid_at, returned
    from invoices i
    left join (
        select customer_id, invoice_id,
            min(known_at) filter (where not coalesce(failed, false)) as paid_at,
            list(struct_pack(taken_at := known_at,
                back_at := known_payments(midnight(failed_on))))
                filter (where failed and failed_on is not null) as returned
        from payments group by all
    ) p using (customer_id, invoice_id)
    where corrects_invoice_id is null and amount > 0
        and coalesce(paid_at >= midnight(due_on + 1), true)
    """,
)

BILLING_CONTACTS = Stream(
    "billing_contacts",
    reads=("invoices", "contacts"),
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

PAYMENTS = Stream(
    "payments",
    reads=("payments",),
    optional=("invoices", "payment_method_events"),
    reveals={"failed": "failure_known_at"},
    sql=f"""
    select customer_id, event_at, known_at, seq, paid_on, failed,
        cast(method as {_METHOD}) as method,
        coalesce(known_payments(midnight(failed_on)), known_at) as failure_known_at,
        cast(method = 'autopay' as integer) as autopay,
        cast(method = 'manual' as integer) as manual,
        cast(requested <> method as integer) as mismatch,
        date_diff('day', due_on, paid_on) as days_late
    from (
        select *, row_number() over known as seq,
            last_value(asked ignore nulls) over (
                partition by customer_id order by known_at, event_at, is_payment, id
                rows between unbounded preceding and 1 preceding) as requested
        from (
            select p.customer_id, p.event_at, p.known_at, p.paid_on, p.method,
                p.failed, p.failed_on, i.due_on, null as asked, true as is_payment,
                p.payment_id as id
            from payments p
            left join invoices i on i.customer_id = p.customer_id
                and i.invoice_id = p.invoice_id and i.known_at <= p.known_at
            union all
            select customer_id, event_at, known_at, null, null, null, null, null, method,
                false, event_id
            from payment_method_events where step = 'started'
        )
        window known as (partition by customer_id order by known_at, event_at, is_payment, id)
    )
    where is_payment
    """,
)

TROUBLED_PAYMENTS = Stream(
    "troubled_payments",
    reads=("payments",),
    bases=("payments",),
    reveals={"failed": "failure_known_at"},
    sql="""
    select customer_id, event_at, known_at, paid_on, failed, failure_known_at, days_late
    from stream_payments where failed or days_late > 0
    """,
)

REMINDERS = Stream(
    "reminders",
    reads=("reminders",),
    sql="""
    select customer_id, event_at, known_at, sent_on, coalesce(fee, 0) as fee,
        coalesce(fee, 0) > 0 and count(case when coalesce(fee, 0) = 0 then 1 end) over (
            partition by customer_id, invoice_id order by known_at, event_at, reminder_id
            rows between unbounded preceding and 1 preceding) = 0 as unfriendly
    from reminders
    """,
)

METHOD_EVENTS = Stream(
    "payment_method_events",
    reads=("payment_method_events",),
    sql="""
    select customer_id, event_at, known_at, method, step, local_day(event_at) as occurred_on
    from payment_method_events
    """,
)

ABANDONED_SWITCHES = Stream(
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

METER_READINGS = Stream(
    "meter_readings",
    reads=("meter_readings",),
    reveals={"status": "status_known_at"},
    sql="""
    select customer_id, event_at, known_at, replaced_at, due_on, status,
        coalesce(known_meter_readings(midnight(settled_on)), known_at) as status_known_at
    from versions_meter_readings()
    """,
)

STREAMS = (
    INVOICES,
    UNUSUAL_INVOICES,
    UNPAID_INVOICES,
    BILLING_CONTACTS,
    PAYMENTS,
    TROUBLED_PAYMENTS,
    REMINDERS,
    METHOD_EVENTS,
    ABANDONED_SWITCHES,
    METER_READINGS,
)

# Few invoices have a returned debit, and a CASE looks no further at the others.
_SEEMS_PAID = (
    "case when returned is null then false else len(list_filter(returned, "
    "lambda debit: debit.taken_at < {as_of} and debit.back_at >= {as_of})) > 0 end"
)
_OVERDUE = f"due_on < {{as_of_day}} and paid_at is null and not {_SEEMS_PAID}"
_MADE = "not coalesce(failed, false)"
_MISSING = "coalesce(status, 'missing') = 'missing'"

bill_shock = partial(
    FAMILY.add, INVOICES, driver="bill_shock", unit="ratio", sign=1, source="S3 §3"
)
bill_shock(
    "bill_shock_latest",
    "arg_max(shock, seq)",
    doc="Latest bill that has three before it, against the median of the twelve before.",
)
bill_shock(
    "bill_shock_max",
    "max(shock)",
    windows=(90, 365),
    doc="Largest bill against the median of the twelve before it.",
)
bill_shock(
    "bill_shock_year_latest",
    "arg_max(shock_year, seq)",
    doc="Latest bill against the same month a year before.",
)
FAMILY.add(
    UNUSUAL_INVOICES,
    "estimated_bills",
    "count(*)",
    where="estimated",
    windows=(90, 365),
    fill=0,
    needs=("invoices.estimated",),
    driver="bill_shock",
    unit="count",
    sign=1,
    doc="Bills built on an estimate.",
    source="S0",
)
FAMILY.fact(
    INVOICES,
    "latest_bill_amount",
    "arg_max(shock_amount, seq)",
    driver="bill_shock",
    unit="money",
    doc="Amount of the latest bill.",
)
FAMILY.fact(
    INVOICES,
    "latest_bill_above_usual",
    "arg_max(shock_over, seq)",
    driver="bill_shock",
    unit="money",
    doc="Amount of the latest bill over the median of the twelve before.",
)
FAMILY.fact(
    INVOICES,
    "latest_bill_on",
    "arg_max(shock_on, seq)",
    driver="bill_shock",
    doc="Day of the latest bill.",
)
FAMILY.add(
    UNUSUAL_INVOICES,
    "corrections",
    "count(*)",
    where="correction",
    windows=(90, 365),
    fill=0,
    needs=("invoices.corrects_invoice_id",),
    driver="bill_correction",
    unit="count",
    sign=1,
    doc="Invoices that correct an earlier one.",
    source="S3 §3",
)
FAMILY.fact(
    UNUSUAL_INVOICES,
    "latest_correction_on",
    "max(issued_on)",
    driver="bill_correction",
    where="correction",
    doc="Day of the latest correction.",
)
unclear_bill = partial(FAMILY.add, INVOICES, driver="unclear_bill", unit="count", source="S3 §3")
unclear_bill("bill_lines_latest", "arg_max(n_lines, seq)", sign=0, doc="Lines on the latest bill.")
unclear_bill(
    "days_since_invoice",
    "date_diff('day', max(issued_on) {filter}, {as_of_day})",
    unit="days",
    doc="Days since the latest invoice.",
)
FAMILY.add(
    INVOICES,
    "days_to_due",
    "date_diff('day', {as_of_day}, arg_max(due_on, seq) {filter})",
    driver="dunning",
    unit="days",
    doc="Days until the latest bill is due.",
    source="S3 §3",
)
overdue = partial(
    FAMILY.add,
    UNPAID_INVOICES,
    driver="dunning",
    unit="count",
    sign=1,
    source="S0",
    fill=0,
    needs=("payments", "invoices.due_on"),
)
overdue(
    "overdue_invoices",
    "count(*)",
    where=_OVERDUE,
    doc="Invoices past due and not known to be paid.",
)
overdue(
    "overdue_days_max",
    "date_diff('day', min(due_on) {filter}, {as_of_day})",
    where=_OVERDUE,
    unit="days",
    doc="Days the oldest overdue invoice is late.",
)
FAMILY.add(
    INVOICES,
    "paper_invoice",
    "arg_max(paper, seq)",
    driver="payment_method",
    unit="flag",
    sign=1,
    doc="The latest bill came on paper.",
    source="S3 §3",
)
FAMILY.add(
    MASTER_DATA,
    "paper_format",
    "arg_max_null(cast(value = 'paper' as integer), event_at)",
    where="attribute = 'invoice_format'",
    driver="payment_method",
    unit="flag",
    sign=1,
    doc="The invoice format on file is paper.",
    source="S3 §3",
)
FAMILY.add(
    UNUSUAL_INVOICES,
    "paper_fees",
    "sum(coalesce(paper_fee, 0))",
    windows=(90, 365),
    fill=0,
    needs=("invoices.paper_fee",),
    driver="payment_method",
    unit="money",
    sign=1,
    doc="Fees paid for paper invoices.",
    source="S3 §3",
)

FAMILY.add(
    BILLING_CONTACTS,
    "billing_contacts_after_invoice",
    "count(*)",
    windows=(30, 90, 365),
    fill=0,
    driver="unclear_bill",
    unit="count",
    sign=1,
    doc="Contacts about billing within ten days after the latest invoice.",
    source="S3 §3",
)
FAMILY.fact(
    BILLING_CONTACTS,
    "latest_billing_contact_on",
    "max(contact_on)",
    driver="unclear_bill",
    doc="Day of the latest contact about a new bill.",
)

late_payment = partial(
    FAMILY.add,
    TROUBLED_PAYMENTS,
    driver="dunning",
    unit="count",
    sign=1,
    source="S0",
    fill=0,
    needs=("invoices", "invoices.due_on", "payments.invoice_id"),
)
late_payment(
    "late_payments",
    "count(*)",
    where=f"days_late > 0 and {_MADE}",
    windows=(90, 365),
    doc="Payments made after the due day.",
)
late_payment(
    "days_late_max",
    "max(days_late)",
    where=f"days_late > 0 and {_MADE}",
    windows=(90, 365),
    unit="days",
    doc="Most days a payment came late.",
)
FAMILY.add(
    TROUBLED_PAYMENTS,
    "failed_payments",
    "count(*)",
    where="failed",
    windows=(30, 90, 365),
    fill=0,
    needs=("payments.failed",),
    driver="payment_failure",
    unit="count",
    sign=1,
    doc="Payments that failed.",
    source="S3 §3",
)
FAMILY.fact(
    TROUBLED_PAYMENTS,
    "latest_failed_payment_on",
    "max(paid_on)",
    where="failed",
    driver="payment_failure",
    doc="Day of the latest failed payment.",
)
FAMILY.add(
    PAYMENTS,
    "latest_payment_method",
    "arg_max(method, seq)",
    where=_MADE,
    kind="category",
    driver="payment_method",
    unit="category",
    doc="Way the latest payment was made.",
    source="S3 §3",
)
_PAYERS: tuple[tuple[str, str, str, Sign, str], ...] = (
    ("autopay", "autopay", "true", -1, "The latest payment, or attempt to pay, went by autopay"),
    ("manual_payer", "manual", _MADE, 1, "The latest payment was made by hand"),
)
for _flag, _method, _where, _sign, _doc in _PAYERS:
    FAMILY.part(
        PAYMENTS,
        f"paid_by_{_method}",
        f"arg_max({_method}, seq)",
        where=_where,
        unit="flag",
        doc=f"{_doc}.",
    )
    FAMILY.part(
        MASTER_DATA,
        f"{_method}_on_file",
        f"arg_max_null(cast(value = '{_method}' as integer), event_at)",
        where="attribute = 'payment_method'",
        unit="flag",
        doc=f"The way of paying on file is {_method}.",
    )
    FAMILY.combine(
        _flag,
        f"coalesce(paid_by_{_method}, {_method}_on_file)",
        of=(f"paid_by_{_method}",),
        maybe=(f"{_method}_on_file",),
        sign=_sign,
        driver="payment_method",
        unit="flag",
        doc=f"{_doc}; without one, as the way of paying on file says.",
        source="S3 §3",
    )
FAMILY.add(
    PAYMENTS,
    "method_mismatch",
    "arg_max(mismatch, seq)",
    fill=0,
    sign=1,
    needs=("payment_method_events", "payments.method"),
    driver="payment_setup",
    unit="flag",
    doc="Pays by another way than the one last asked for.",
    source="S3 §3",
)

reminder = partial(
    FAMILY.add, REMINDERS, driver="dunning", unit="count", sign=1, source="S0", fill=0
)
reminder("reminders", "count(*)", windows=(30, 90, 365), doc="Payment reminders sent.")
reminder(
    "reminder_fees",
    "sum(fee)",
    windows=(90, 365),
    needs=("reminders.fee",),
    unit="money",
    doc="Reminder fees charged.",
)
reminder(
    "fees_without_friendly_reminder",
    "count(*)",
    where="unfriendly",
    windows=(90, 365),
    needs=("reminders.fee", "reminders.invoice_id"),
    doc="Reminder fees with no free reminder of the same invoice before.",
)
FAMILY.fact(
    REMINDERS,
    "latest_reminder_on",
    "max(sent_on)",
    driver="dunning",
    doc="Day of the latest reminder.",
)

FAMILY.add(
    METHOD_EVENTS,
    "autopay_cancelled",
    "count(*)",
    where="method = 'autopay' and step = 'cancelled'",
    windows=(90, 365),
    fill=0,
    driver="payment_method",
    unit="count",
    sign=1,
    doc="Times autopay was cancelled.",
    source="S3 §3",
)
FAMILY.fact(
    METHOD_EVENTS,
    "autopay_cancelled_on",
    "max(occurred_on)",
    driver="payment_method",
    where="method = 'autopay' and step = 'cancelled'",
    doc="Day autopay was last cancelled.",
)
FAMILY.add(
    METHOD_EVENTS,
    "autopay_setup_errors",
    "count(*)",
    where="method = 'autopay' and step = 'error'",
    windows=(90, 365),
    fill=0,
    driver="payment_setup",
    unit="count",
    sign=1,
    doc="Attempts to set up autopay that failed.",
    source="S3 §3",
)
FAMILY.fact(
    METHOD_EVENTS,
    "latest_setup_error_on",
    "max(occurred_on)",
    where="step = 'error'",
    driver="payment_setup",
    doc="Day a way of paying last failed to be set up.",
)
FAMILY.add(
    ABANDONED_SWITCHES,
    "digital_switch_abandoned",
    "count(*)",
    windows=(90, 365),
    fill=0,
    driver="payment_setup",
    unit="count",
    sign=1,
    doc="Switches to a digital way of paying begun and not finished within seven days.",
    source="S3 §3",
)
missing_reading = partial(
    FAMILY.add, METER_READINGS, driver="missing_reading", unit="count", sign=1, source="S0", fill=0
)
missing_reading(
    "missing_readings",
    "count(*)",
    where=_MISSING,
    windows=(30, 90, 365),
    doc="Meter readings that were due and never came.",
)
missing_reading(
    "estimated_readings",
    "count(*)",
    where="status = 'estimated'",
    windows=(30, 90, 365),
    doc="Meter readings that had to be estimated.",
)
FAMILY.fact(
    METER_READINGS,
    "latest_missing_reading_on",
    "max(due_on)",
    where=_MISSING,
    driver="missing_reading",
    doc="Day the latest missing meter reading was due.",
)
