"""Satisfaction: what customers answered, how long ago, and whether they answer (S1, S4).

An answer is of there and then, so it comes with its age. Delight protects nobody: the top box
of csat counts as the box below it. No answer is not satisfaction.
"""

from features.contract import SURVEYS as KINDS
from features.feature import Driver, Family

FAMILY = Family("satisfaction")

_CONTENT = 4
_HALF_LIFE_DAYS = 60

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

satisfaction = Driver(FAMILY, SURVEYS, "satisfaction", "S1", unit="points")
satisfaction(
    "csat_last",
    f"arg_max(least(score, {_CONTENT}), place) where kind = 'csat'",
    f"Latest csat answer, 1–5; a {_CONTENT + 1} counts as {_CONTENT}.",
    sign=-1,
)
satisfaction(
    "csat_top_box_last",
    f"arg_max(cast(score > {_CONTENT} as integer), place) where kind = 'csat'",
    "The latest csat answer was the best one.",
    unit="flag",
    source="S1, S4",
)
felt_informed = Driver(FAMILY, SURVEYS, "felt_informed", "S0", unit="points", sign=-1)
felt_informed(
    "informed_last",
    "arg_max(score, place) where kind = 'informed'",
    "Latest answer on how well the customer feels informed, 1–5.",
)
for _kind in KINDS:
    driver = felt_informed if _kind == "informed" else satisfaction
    driver(
        f"{_kind}_age_days",
        f"date_diff('day', max(answered_on) {{filter}}, {{as_of_day}}) where kind = '{_kind}'",
        f"Days since the latest {_kind} answer.",
        unit="days",
        sign=0,
    )
    driver.fact(
        f"{_kind}_last_on",
        f"max(answered_on) where kind = '{_kind}'",
        f"Day of the latest {_kind} answer.",
    )
satisfaction.fact(
    "csat_last_score",
    "arg_max(score, place) where kind = 'csat'",
    "Latest csat answer, 1–5.",
    unit="points",
)
satisfaction(
    "csat_shortfall",
    f"sum(cast(round(1000000 * greatest(0, {_CONTENT} - score) * power(0.5, "
    f"date_diff('second', event_at, {{as_of}}) / 86400.0 / {_HALF_LIFE_DAYS})) as bigint))"
    " {filter} / 1000000.0 where kind = 'csat'",
    f"Points below {_CONTENT} of the csat answers, added up and halved every "
    f"{_HALF_LIFE_DAYS} days.",
    windows=(365,),
    sign=1,
)
satisfaction(
    "loyalty_last",
    "arg_max(score, place) where kind = 'loyalty'",
    "Latest answer on loyalty, 0–10.",
    sign=-1,
)
satisfaction(
    "loyalty_slope",
    "(arg_max(score, place) {filter} - arg_min(score, place) {filter}) * 365.0 / "
    "case when date_diff('day', min(answered_on) {filter}, max(answered_on) {filter}) >= 30 "
    "then date_diff('day', min(answered_on) {filter}, max(answered_on) {filter}) end"
    " where kind = 'loyalty'",
    "Points a year from the first to the latest answer on loyalty, when 30 days or more "
    "lie between.",
    windows=(730,),
    sign=-1,
)
satisfaction(
    "ces_last",
    "arg_max(score, place) where kind = 'ces'",
    "Latest answer on effort, 1–7, where 7 is the most.",
    sign=1,
    source="S4",
)
answer = Driver(FAMILY, SURVEYS, "survey_silence", "S1")
answer("surveys_answered", "count(*)", "Surveys answered.", windows=(365,))
survey_silence = Driver(FAMILY, INVITATIONS, "survey_silence", "S1")
survey_silence(
    "survey_nonresponse",
    "count(*) where not answered",
    "Invitations to a survey not answered within 14 days, counted when they have passed.",
    windows=(90, 365),
)
survey_silence(
    "survey_response_share",
    "avg(cast(answered as integer))",
    "Share of invitations to a survey answered within 14 days.",
    windows=(365,),
    unit="share",
)
