"""Dunning: reminders by stage, debt collection, and bills due for a friendly reminder (S0).

In a billing company's published figures a second reminder doubles leaving, and debt collection
has it five times.
"""

from features.feature import Driver, Family

FAMILY = Family("billing_friction")

REMINDERS = FAMILY.stream(
    "reminders",
    sql="""
    select customer_id, event_at, known_at, sent_on, coalesce(stage, 1) as stage,
        coalesce(fee, 0) as fee,
        coalesce(fee, 0) > 0 and count(case when coalesce(fee, 0) = 0 then 1 end) over (
            partition by customer_id, invoice_id order by known_at, event_at, reminder_id
            rows between unbounded preceding and 1 preceding) = 0 as unfriendly
    from reminders
    """,
)

reminder = Driver(FAMILY, REMINDERS, "dunning", "S0", sign=1, fill=0)
reminder("reminders", "count(*)", "Payment reminders sent.", windows=(30, 90, 365))
reminder("reminder_fees", "sum(fee)", "Reminder fees charged.", windows=(90, 365), unit="money")
reminder(
    "fees_without_friendly_reminder",
    "count(*) where unfriendly",
    "Reminder fees with no free reminder of the same invoice before.",
    windows=(90, 365),
    needs=("reminders.fee", "reminders.invoice_id"),
)
reminder("reminder_stage_max", "max(stage)", "Highest stage.", windows=(90, 365), unit="points")
reminder("debt_collections", "count(*) where stage >= 3", "Debt collections.", windows=(90, 365))
reminder.fact("latest_reminder_on", "max(sent_on)", "Day of the latest reminder.")
reminder.fact("latest_debt_collection_on", "max(sent_on) where stage >= 3", "Day of the latest.")
reminder_age = Driver(FAMILY, REMINDERS, "dunning", "S0", unit="days")
reminder_age(
    "days_since_reminder",
    "date_diff('day', max(sent_on) {filter}, {as_of_day})",
    "Days since the latest payment reminder.",
)
payment_due = Driver(FAMILY, REMINDERS, "payment_due", "S0", sign=1)
payment_due.combine(
    "overdue_without_reminder",
    "case when overdue_days_max <= 30 and reminders_30d = 0 then overdue_invoices end",
    "Overdue invoices, none for more than 30 days, where no reminder was sent in these days.",
    of=("overdue_invoices", "overdue_days_max", "reminders_30d"),
    fill=0,
)
