"""Satisfaction: what customers answered, how long ago, and whether they answer (S1, S4).

An answer is of there and then, so it comes with its age. Delight protects nobody: the top box
of csat counts as the box below it. No answer is not satisfaction.
"""

from features.feature import Family

FAMILY = Family("satisfaction")


# A row known later moves the places of others, never their order, and only the order is read.
SURVEYS = FAMILY.stream(
    "surveys",
    sql="""
    select customer_id, event_at, known_at, kind, score, local_day(event_at) as answered_on,
        row_number() over (partition by customer_id order by event_at, survey_id) as place
    from surveys
    """,
)

INVITATIONS = FAMILY.stream(
    "invitations",
    reads=("notifications", "surveys"),
    needs=("notifications.kind",),
    sql="""
    select n.customer_id, n.event_at + interval 14 day as event_at,
        n.known_at + interval 14 day as known_at, count(s.survey_id) > 0 as answered
    from (
        select customer_id, event_at, known_at, notification_id
        from notifications where kind = 'survey'
    ) n
    left join surveys s on s.customer_id = n.customer_id and s.event_at >= n.event_at
        and s.known_at < n.known_at + interval 14 day
    group by n.customer_id, n.event_at, n.known_at, n.notification_id
    """,
)

FAMILY.read(__file__)
