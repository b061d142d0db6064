"""Satisfaction: what customers answered, how long ago, and whether they answer (S1, S4).

An answer is of there and then, so it comes with its age. Delight protects nobody: the top box
of csat counts as the box below it. No answer is not satisfaction.
"""

from functools import partial

from features.feature import Family, Stream

FAMILY = Family("satisfaction")

_CONTENT = 4
_HALF_LIFE_DAYS = 60

# A row known later moves the places of others, never their order, and only the order is read.
SURVEYS = Stream(
    "surveys",
    reads=("surveys",),
    sql="""
    select customer_id, event_at, known_at, kind, score, local_day(event_at) as answered_on,
        row_number() over (partition by customer_id order by event_at, survey_id) as place
    from surveys
    """,
)

INVITATIONS = Stream(
    "invitations",
    reads=("notifications", "surveys"),
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

STREAMS = (SURVEYS, INVITATIONS)

satisfaction = partial(FAMILY.add, SURVEYS, driver="satisfaction", unit="points", source="S1")
satisfaction(
    "csat_last",
    f"arg_max(least(score, {_CONTENT}), place)",
    where="kind = 'csat'",
    sign=-1,
    doc=f"Latest csat answer, 1–5; a {_CONTENT + 1} counts as {_CONTENT}.",
)
satisfaction(
    "csat_top_box_last",
    f"arg_max(cast(score > {_CONTENT} as integer), place)",
    where="kind = 'csat'",
    unit="flag",
    doc="The latest csat answer was the best one.",
    source="S1, S4",
)
for _kind in ("csat", "loyalty", "ces"):
    FAMILY.add(
        SURVEYS,
        f"{_kind}_age_days",
        "date_diff('day', max(answered_on) {filter}, {as_of_day})",
        where=f"kind = '{_kind}'",
        driver="satisfaction",
        unit="days",
        doc=f"Days since the latest {_kind} answer.",
        source="S1",
    )
    FAMILY.fact(
        SURVEYS,
        f"{_kind}_last_on",
        "max(answered_on)",
        where=f"kind = '{_kind}'",
        driver="satisfaction",
        doc=f"Day of the latest {_kind} answer.",
    )
FAMILY.fact(
    SURVEYS,
    "csat_last_score",
    "arg_max(score, place)",
    where="kind = 'csat'",
    driver="satisfaction",
    unit="points",
    doc="Latest csat answer, 1–5.",
)
satisfaction(
    "csat_shortfall",
    f"sum(cast(round(1000000 * greatest(0, {_CONTENT} - score) * power(0.5, "
    f"date_diff('second', event_at, {{as_of}}) / 86400.0 / {_HALF_LIFE_DAYS})) as bigint))"
    " {filter} / 1000000.0",
    where="kind = 'csat'",
    windows=(365,),
    sign=1,
    doc=f"Points below {_CONTENT} of the csat answers, added up and halved every "
    f"{_HALF_LIFE_DAYS} days.",
)
satisfaction(
    "loyalty_last",
    "arg_max(score, place)",
    where="kind = 'loyalty'",
    sign=-1,
    doc="Latest answer on loyalty, 0–10.",
)
satisfaction(
    "loyalty_slope",
    "(arg_max(score, place) {filter} - arg_min(score, place) {filter}) * 365.0 / "
    "case when date_diff('day', min(answered_on) {filter}, max(answered_on) {filter}) >= 30 "
    "then date_diff('day', min(answered_on) {filter}, max(answered_on) {filter}) end",
    where="kind = 'loyalty'",
    windows=(730,),
    sign=-1,
    doc="Points a year from the first to the latest answer on loyalty, when 30 days or more "
    "lie between.",
)
satisfaction(
    "ces_last",
    "arg_max(score, place)",
    where="kind = 'ces'",
    sign=1,
    doc="Latest answer on effort, 1–7, where 7 is the most.",
    source="S4",
)
FAMILY.add(
    SURVEYS,
    "surveys_answered",
    "count(*)",
    windows=(365,),
    fill=0,
    driver="survey_silence",
    unit="count",
    doc="Surveys answered.",
    source="S1",
)
survey_silence = partial(
    FAMILY.add,
    INVITATIONS,
    driver="survey_silence",
    unit="count",
    source="S1",
    needs=("notifications.kind",),
)
survey_silence(
    "survey_nonresponse",
    "count(*)",
    where="not answered",
    windows=(90, 365),
    fill=0,
    doc="Invitations to a survey not answered within 14 days, counted when they have passed.",
)
survey_silence(
    "survey_response_share",
    "avg(cast(answered as integer))",
    windows=(365,),
    unit="share",
    doc="Share of invitations to a survey answered within 14 days.",
)
