"""Relationship: how long, with what, and how much contact (S2, S3, S4).

No constraint on the number of contacts: none can be the best service (S4) or no relation (S3).
"""

from features.feature import Driver, Family, Feature, Kind, Sign

FAMILY = Family("relationship")

CUSTOMERS = FAMILY.stream(
    "customers",
    sql="""
    select * replace (
        coalesce(event_at, timestamp '1900-01-01') as event_at,
        coalesce(known_at, timestamp '1900-01-01') as known_at)
    from customers
    """,
)

ALL_CONTACTS = FAMILY.stream(
    "all_contacts",
    reads=("contacts",),
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as started_on, channel,
        coalesce(direction, 'inbound') as direction
    from contacts
    """,
)

CLAIMS = FAMILY.stream(
    "claims",
    reveals={"paid": "settlement_known_at", "settled_on": "settlement_known_at"},
    sql="""
    select customer_id, event_at, known_at, replaced_at, claimed_on,
        coalesce(claimed, 0) as claimed, settled_on, coalesce(paid, 0) as paid,
        known_claims(midnight(settled_on)) as settlement_known_at
    from versions_claims()
    """,
)

MASTER_DATA = FAMILY.stream(
    "master_data", sql="select customer_id, event_at, known_at, attribute, value from master_data"
)

HOUSEHOLD_NOTICES = FAMILY.stream(
    "household_notices",
    sql="""
    select customer_id, event_at, known_at, notified_on
    from household_notices where outcome = 'voluntary'
    """,
)

BENEFIT_USES = FAMILY.stream(
    "benefit_uses",
    reads=("benefits",),
    needs=("benefits.used_at",),
    sql="""
    select customer_id, used_at as event_at,
        greatest(known_at, known_benefits(used_at)) as known_at, replaced_at,
        local_day(used_at) as used_on
    from versions_benefits() where used_at is not null
    """,
)

TREATMENTS = FAMILY.stream(
    "treatments",
    needs=("treatments.contacted", "treatments.arm"),
    sql="""
    select customer_id, event_at, known_at, replaced_at, local_day(event_at) as treated_on
    from versions_treatments() where contacted and coalesce(arm, 'treat') = 'treat'
    """,
)

tenure = Driver(FAMILY, CUSTOMERS, "tenure", "S3", unit="days")
tenure(
    "tenure_days", "date_diff('day', max(joined_on) {filter}, {as_of_day})", "Days as a customer."
)
tenure(
    "first_90_days",
    "max(cast(date_diff('day', joined_on, {as_of_day}) < 90 as integer))",
    "A customer for less than 90 days.",
    unit="flag",
    source="S2, S3",
)
tenure.fact("customer_since", "max(joined_on)", "First day as a customer.")
FAMILY.part(CUSTOMERS, "segment_given", "max(segment)", "category", "Segment of the register.")
FAMILY.part(
    MASTER_DATA,
    "segment_on_file",
    "arg_max_null(value, event_at) where attribute = 'segment'",
    "category",
    "Segment in force, by its history.",
)
product = Driver(FAMILY, CUSTOMERS, "product", "S3", unit="category")
product.combine(
    "segment",
    "coalesce(segment_on_file, segment_given)",
    "Customer segment.",
    maybe=("segment_on_file", "segment_given"),
    kind="category",
)
product.fact(
    "margin_per_year", "max(margin_per_year)", "What the customer leaves a year.", unit="money"
)
product.fact("team", "max(team)", "Team that works on the customer's lists.", unit="id")

contact_volume = Driver(FAMILY, ALL_CONTACTS, "contact_volume", "S4, S3")
contact_volume(
    "contacts",
    "count(*) where direction = 'inbound'",
    "Contacts made by the customer.",
    windows=(30, 90, 365),
)
contact_volume(
    "days_since_contact",
    "date_diff('day', max(started_on) {filter}, {as_of_day}) where direction = 'inbound'",
    "Days since the customer last made contact.",
    unit="days",
)
company_contact = Driver(FAMILY, ALL_CONTACTS, "outreach", "S2", unit="days")
company_contact(
    "days_since_outreach",
    "date_diff('day', max(started_on) {filter}, {as_of_day}) where direction = 'outbound'",
    "Days since the company last made contact.",
)
contact_volume.fact("last_contact_on", "max(started_on)", "Day of the latest contact, either way.")

outreach = Driver(FAMILY, TREATMENTS, "outreach", "S2", unit="days")
outreach(
    "days_since_treatment",
    "date_diff('day', max(treated_on) {filter}, {as_of_day})",
    "Days since an action of the list last reached the customer; a holdout is no action.",
)
outreach(
    "treatments",
    "count(*)",
    "Actions of the list that reached the customer.",
    windows=(30, 90, 365),
)
outreach.fact(
    "latest_treatment_on", "max(treated_on)", "Day an action of the list last reached the customer."
)
household = Driver(FAMILY, HOUSEHOLD_NOTICES, "household", "S2, S3", sign=1)
household(
    "household_churn",
    "count(*)",
    "Notices given, of their own will, by others in the household.",
    windows=(180,),
)
household.fact(
    "latest_household_notice_on",
    "max(notified_on)",
    "Day another in the household last gave notice.",
)
benefit_use = Driver(FAMILY, BENEFIT_USES, "benefits_used", "S3 §1", sign=-1)
benefit_use(
    "benefits_used", "count(*)", "Benefits that the customer began to use.", windows=(90, 365)
)
benefit_use.fact("latest_benefit_used_on", "max(used_on)", "Day a benefit was last taken into use.")
plan_change = Driver(FAMILY, MASTER_DATA, "product", "S3 §1")
plan_change(
    "plan_changes", "count(*) where attribute = 'plan'", "Changes of price plan.", windows=(90, 365)
)

claims = Driver(FAMILY, CLAIMS, "claims", "S3 §4")
claims("claims", "count(*)", "Insurance claims.", windows=(30, 90, 365))
claims("claims_total", "count(*)", "Insurance claims ever.")
claims("claimed_amount", "sum(claimed)", "Amount claimed.", windows=(90, 365), fill=0, unit="money")
claims(
    "claims_paid_share",
    "sum(paid) {filter} / nullif(sum(claimed) {filter}, 0) where settled_on is not null",
    "Share paid out of what was claimed in settled claims.",
    windows=(365,),
    unit="share",
    sign=-1,
)
claims(
    "claims_unpaid",
    "count(*) where paid = 0 and claimed > 0",
    "Claims settled with nothing paid.",
    windows=(90, 365),
    sign=1,
)
claims(
    "days_since_claim",
    "date_diff('day', max(claimed_on) {filter}, {as_of_day})",
    "Days since the latest claim.",
    unit="days",
)
claims.fact("latest_claim_on", "max(claimed_on)", "Day of the latest claim.")


def attribute(
    name: str, kind: Kind, family: str, driver: str, unit: str, sign: Sign, doc: str
) -> Feature:
    """A feature that is a column of a flat customer table, ``attr_…``, as it stands."""
    return Feature(
        name=name,
        stream=CUSTOMERS.name,
        expression=f'max("{name}")',
        doc=doc,
        unit=unit,
        source="configuration",
        driver=driver,
        family=family,
        sign=sign,
        kind=kind,
    )
