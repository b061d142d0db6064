"""Billing friction: unclear, corrected, late and hard-to-pay bills (S3 §3, S0)."""

from features.contract import PAYMENT_METHODS
from features.families.bills import (
    FAMILY,
    INVOICES,
    LATE_PAYMENTS,
    OVERDUE_INVOICES,
    UNUSUAL_INVOICES,
)
from features.families.relationship import MASTER_DATA
from features.feature import Driver, Sign

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

_SUCCESSFUL = "not coalesce(failed, false)"
_MISSING = "coalesce(status, 'missing') = 'missing'"

bill_shock = Driver(FAMILY, INVOICES, "bill_shock", "S3 §3", unit="ratio", sign=1)
bill_shock(
    "bill_shock_latest",
    "arg_max(shock, seq)",
    "Latest bill that has three before it, against the median of the twelve before.",
)
bill_shock(
    "bill_shock_max",
    "max(shock)",
    "Largest bill against the median of the twelve before it.",
    windows=(90, 365),
)
bill_shock(
    "bill_shock_year_latest",
    "arg_max(shock_year, seq)",
    "Latest bill against the same month a year before.",
)
estimated_bill = Driver(FAMILY, UNUSUAL_INVOICES, "bill_shock", "S0", sign=1)
estimated_bill(
    "estimated_bills", "count(*) where estimated", "Bills built on an estimate.", windows=(90, 365)
)
bill_shock.fact(
    "latest_bill_amount",
    "arg_max(owed, seq) where shock is not null",
    "Amount of the latest bill, less what is credited of it.",
    unit="money",
)
bill_shock.fact(
    "latest_bill_above_usual",
    "cast(round(arg_max(owed - typical, seq) {filter}) as bigint) where shock is not null",
    "Amount of the latest bill over the median of the twelve before.",
    unit="money",
)
bill_shock.fact(
    "latest_bill_on", "arg_max(issued_on, seq) where shock is not null", "Day of the latest bill."
)
bill_correction = Driver(FAMILY, UNUSUAL_INVOICES, "bill_correction", "S3 §3", sign=1)
bill_correction(
    "corrections",
    "count(*) where correction",
    "Invoices that correct an earlier one.",
    windows=(90, 365),
)
bill_correction.fact(
    "latest_correction_on", "max(issued_on) where correction", "Day of the latest correction."
)
unclear_bill = Driver(FAMILY, INVOICES, "unclear_bill", "S3 §3")
unclear_bill("bill_lines_latest", "arg_max(n_lines, seq)", "Lines on the latest bill.")
unclear_bill(
    "days_since_invoice",
    "date_diff('day', max(issued_on) {filter}, {as_of_day})",
    "Days since the latest invoice.",
    unit="days",
)
dunning = Driver(FAMILY, INVOICES, "dunning", "S3 §3", unit="days")
dunning(
    "days_to_due",
    "date_diff('day', {as_of_day}, arg_max(due_on, seq) {filter})",
    "Days until the latest bill is due.",
)
overdue = Driver(
    FAMILY,
    OVERDUE_INVOICES,
    "dunning",
    "S0",
    sign=1,
    fill=0,
    needs=("payments.invoice_id", "payments.failed", "invoices.due_on"),
)
overdue(
    "overdue_invoices",
    "count(*) where due_on < {as_of_day}",
    "Invoices past due and not known to be paid in full.",
)
overdue(
    "overdue_days_max",
    "date_diff('day', min(due_on) {filter}, {as_of_day}) where due_on < {as_of_day}",
    "Days the oldest overdue invoice is late.",
    unit="days",
)
payment_method = Driver(FAMILY, INVOICES, "payment_method", "S3 §3", unit="flag", sign=1)
payment_method(
    "paper_invoice",
    "arg_max(paper, seq)",
    "The latest bill came on paper.",
    needs=("invoices.format",),
)
invoice_format = Driver(FAMILY, MASTER_DATA, "payment_method", "S3 §3", unit="flag", sign=1)
invoice_format(
    "paper_format",
    "arg_max_null(cast(value = 'paper' as integer), event_at) where attribute = 'invoice_format'",
    "The invoice format on file is paper.",
)
paper_fee_paid = Driver(FAMILY, UNUSUAL_INVOICES, "payment_method", "S3 §3", unit="money", sign=1)
paper_fee_paid(
    "paper_fees",
    "sum(coalesce(paper_fee, 0))",
    "Fees paid for paper invoices.",
    windows=(90, 365),
    fill=0,
)

billing_contact = Driver(
    FAMILY,
    BILLING_CONTACTS,
    "unclear_bill",
    "S3 §3",
    sign=1,
    needs=("contacts.topic", "contacts.direction"),
)
billing_contact(
    "billing_contacts_after_invoice",
    "count(*)",
    "Contacts about billing within ten days after the latest invoice.",
    windows=(30, 90, 365),
)
billing_contact.fact(
    "latest_billing_contact_on", "max(contact_on)", "Day of the latest contact about a new bill."
)

late_payment = Driver(
    FAMILY,
    LATE_PAYMENTS,
    "dunning",
    "S0",
    sign=1,
    fill=0,
    needs=("invoices", "invoices.due_on", "payments.invoice_id"),
)
late_payment(
    "late_payments",
    f"count(*) where {_SUCCESSFUL}",
    "Payments made after the due day.",
    windows=(90, 365),
)
late_payment(
    "days_late_max",
    f"max(days_late) where {_SUCCESSFUL}",
    "Most days a payment came late.",
    windows=(90, 365),
    unit="days",
)
payment_failure = Driver(FAMILY, FAILED_PAYMENTS, "payment_failure", "S3 §3", sign=1)
payment_failure(
    "failed_payments", "count(*) where failed", "Payments that failed.", windows=(30, 90, 365)
)
payment_failure.fact(
    "latest_failed_payment_on", "max(paid_on) where failed", "Day of the latest failed payment."
)
latest_payment = Driver(FAMILY, PAYMENTS, "payment_method", "S3 §3", unit="category")
latest_payment(
    "latest_payment_method",
    f"arg_max(method, seq) where {_SUCCESSFUL}",
    "Way the latest payment was made.",
    kind="category",
)
_PAYERS: tuple[tuple[str, str, str, Sign, str], ...] = (
    ("autopay", "autopay", "true", -1, "The latest payment, or attempt to pay, went by autopay"),
    ("manual_payer", "manual", _SUCCESSFUL, 1, "The latest payment was made by hand"),
)
for _flag, _method, _where, _sign, _doc in _PAYERS:
    FAMILY.part(
        PAYMENTS,
        f"paid_by_{_method}",
        f"arg_max({_method}, seq) where {_where}",
        "flag",
        f"{_doc}.",
        needs=("payments.method",),
    )
    FAMILY.part(
        MASTER_DATA,
        f"{_method}_on_file",
        f"arg_max_null(cast(value = '{_method}' as integer), event_at)"
        " where attribute = 'payment_method'",
        "flag",
        f"The way of paying on file is {_method}.",
    )
    payment_method.combine(
        _flag,
        f"coalesce(paid_by_{_method}, {_method}_on_file)",
        f"{_doc}; without one, as the way of paying on file says.",
        of=(f"paid_by_{_method}",),
        maybe=(f"{_method}_on_file",),
        sign=_sign,
    )
payment_setup = Driver(FAMILY, PAYMENTS, "payment_setup", "S3 §3", unit="flag", sign=1)
payment_setup(
    "method_mismatch",
    "arg_max(mismatch, seq)",
    "Pays by another way than the one last asked for.",
    fill=0,
    needs=("payment_method_events", "payments.method"),
)

autopay = Driver(FAMILY, METHOD_EVENTS, "payment_method", "S3 §3", sign=1)
autopay(
    "autopay_cancelled",
    "count(*) where method = 'autopay' and step = 'cancelled'",
    "Times autopay was cancelled.",
    windows=(90, 365),
)
autopay.fact(
    "autopay_cancelled_on",
    "max(occurred_on) where method = 'autopay' and step = 'cancelled'",
    "Day autopay was last cancelled.",
)
setup_error = Driver(FAMILY, METHOD_EVENTS, "payment_setup", "S3 §3", sign=1)
setup_error(
    "autopay_setup_errors",
    "count(*) where method = 'autopay' and step = 'error'",
    "Attempts to set up autopay that failed.",
    windows=(90, 365),
)
setup_error.fact(
    "latest_setup_error_on",
    "max(occurred_on) where step = 'error'",
    "Day a way of paying last failed to be set up.",
)
abandoned_switch = Driver(FAMILY, ABANDONED_SWITCHES, "payment_setup", "S3 §3", sign=1)
abandoned_switch(
    "digital_switch_abandoned",
    "count(*)",
    "Switches to a digital way of paying begun and not finished within seven days.",
    windows=(90, 365),
)
missing_reading = Driver(FAMILY, METER_READINGS, "missing_reading", "S0", sign=1)
missing_reading(
    "missing_readings",
    f"count(*) where {_MISSING}",
    "Meter readings that were due and never came.",
    windows=(30, 90, 365),
)
missing_reading(
    "estimated_readings",
    "count(*) where status = 'estimated'",
    "Meter readings that had to be estimated.",
    windows=(30, 90, 365),
)
missing_reading.fact(
    "latest_missing_reading_on",
    f"max(due_on) where {_MISSING}",
    "Day the latest missing meter reading was due.",
)
