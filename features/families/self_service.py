"""Contact repeats and effort: what customers do alone, and what they complain of (S4, S3, S0)."""

from functools import partial

from features.feature import Family, Stream

FAMILY = Family("contact_repeat")

SELF_SERVICE = Stream(
    "self_service",
    reads=("self_service",),
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as started_on, completed, seconds
    from self_service
    """,
)

FAILED_SELF_SERVICE = Stream(
    "failed_self_service",
    reads=("self_service", "contacts"),
    sql="""
    with failed as (select * from self_service where not completed)
    select customer_id, event_at, known_at, local_day(event_at) as contact_on
    from (
        select *, max(failed_at) over past as last_failed_at,
            max(contact_at) over past as contact_before
        from (
            select customer_id, event_at, known_at, event_at as failed_at, null as contact_at,
                false as is_contact, session_id as id
            from failed
            union all
            select customer_id, event_at, known_at, null, event_at, true, contact_id
            from contacts semi join failed using (customer_id)
            where coalesce(direction, 'inbound') = 'inbound'
        )
        window past as (partition by customer_id order by known_at, event_at, is_contact, id
            rows between unbounded preceding and 1 preceding)
    )
    where is_contact and last_failed_at between event_at - interval 48 hour and event_at
        and (contact_before is null or contact_before < last_failed_at)
    """,
)

COMPLAINTS = Stream(
    "complaints",
    reads=("complaints",),
    reveals={"closed_at": "closing_known_at"},
    sql="""
    select customer_id, event_at, known_at, replaced_at, local_day(event_at) as opened_on,
        closed_at, known_complaints(closed_at) as closing_known_at
    from versions_complaints()
    """,
)

STREAMS = (SELF_SERVICE, FAILED_SELF_SERVICE, COMPLAINTS)

self_service = partial(
    FAMILY.add, SELF_SERVICE, driver="self_service", unit="count", sign=-1, source="S4, S3 §4"
)
self_service(
    "self_service_success",
    "count(*)",
    where="completed",
    windows=(30, 90, 365),
    fill=0,
    doc="Tasks finished in self-service.",
)
self_service(
    "self_service_success_share",
    "avg(cast(completed as integer))",
    windows=(365,),
    unit="share",
    doc="Share of the tasks begun in self-service that were finished.",
)
self_service(
    "self_service_seconds_max",
    "max(seconds)",
    windows=(90, 365),
    unit="s",
    sign=1,
    doc="Longest time spent on a task in self-service.",
)
FAMILY.add(
    FAILED_SELF_SERVICE,
    "self_service_fail_then_contact_48h",
    "count(*)",
    windows=(30, 90, 365),
    fill=0,
    driver="self_service",
    unit="count",
    sign=1,
    doc="Tasks not finished in self-service that made the customer contact us within 48 hours.",
    source="S4, S3 §4",
)
FAMILY.fact(
    FAILED_SELF_SERVICE,
    "latest_failed_self_service_on",
    "max(contact_on)",
    driver="self_service",
    doc="Day of the latest contact after a task not finished in self-service.",
)

complaint = partial(
    FAMILY.add, COMPLAINTS, driver="complaint", unit="count", sign=1, source="S0", fill=0
)
complaint("complaints", "count(*)", windows=(30, 90, 365), doc="Complaints made.")
complaint(
    "open_complaints",
    "count(*)",
    where="closed_at is null",
    needs=("complaints.closed_at",),
    doc="Complaints not decided.",
)
complaint(
    "open_complaint_days",
    "max(date_diff('day', opened_on, {as_of_day}))",
    where="closed_at is null",
    needs=("complaints.closed_at",),
    unit="days",
    doc="Days the oldest open complaint has been open.",
)
FAMILY.fact(
    COMPLAINTS,
    "latest_complaint_on",
    "max(opened_on)",
    driver="complaint",
    doc="Day of the latest complaint.",
)
FAMILY.fact(
    COMPLAINTS,
    "open_complaint_opened_on",
    "min(opened_on)",
    where="closed_at is null",
    needs=("complaints.closed_at",),
    driver="complaint",
    doc="Day the oldest open complaint was made.",
)
FAMILY.combine(
    "complaint_x_uninformed",
    "complaints_365d * coalesce(1 - informed_share_365d, 0)",
    of=("complaints_365d", "informed_share_365d"),
    fill=0,
    driver="complaint",
    unit="count",
    sign=1,
    doc="Complaints of the year times the share of its faults that the customer was not told of.",
    source="S0",
)
