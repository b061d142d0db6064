"""Dunning: reminders by stage, debt collection, and bills due for a friendly reminder (S0).

In a billing company's published figures a second reminder doubles leaving, and debt collection
has it five times.
"""

from features.feature import Family

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

FAMILY.read(__file__)
