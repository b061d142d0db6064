"""Relationship: how long, with what, and how much contact (S2, S3, S4).

No constraint on the number of contacts: none can be the best service (S4) or no relation (S3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from features.feature import Family, Sign, Stream

FAMILY = Family("relationship")

CUSTOMERS = Stream(
    "customers",
    reads=("customers",),
    sql="""
    select * replace (
        coalesce(event_at, timestamp '1900-01-01') as event_at,
        coalesce(known_at, timestamp '1900-01-01') as known_at)
    from customers
    """,
)

ALL_CONTACTS = Stream(
    "all_contacts",
    reads=("contacts",),
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as started_on, channel,
        coalesce(direction, 'inbound') as direction
    from contacts
    """,
)

CLAIMS = Stream(
    "claims",
    reads=("claims",),
    reveals={"paid": "settlement_known_at", "settled_on": "settlement_known_at"},
    sql="""
    select customer_id, event_at, known_at, replaced_at, claimed_on,
        coalesce(claimed, 0) as claimed, settled_on, coalesce(paid, 0) as paid,
        known_claims(midnight(settled_on)) as settlement_known_at
    from versions_claims()
    """,
)

MASTER_DATA = Stream(
    "master_data",
    reads=("master_data",),
    sql="select customer_id, event_at, known_at, attribute, value from master_data",
)

HOUSEHOLD_NOTICES = Stream(
    "household_notices",
    reads=("household_notices",),
    sql="""
    select customer_id, event_at, known_at, notified_on
    from household_notices where outcome = 'voluntary'
    """,
)

BENEFIT_USES = Stream(
    "benefit_uses",
    reads=("benefits",),
    sql="""
    select customer_id, used_at as event_at,
        greatest(known_at, known_benefits(used_at)) as known_at, replaced_at,
        local_day(used_at) as used_on
    from versions_benefits() where used_at is not null
    """,
)

TREATMENTS = Stream(
    "treatments",
    reads=("treatments",),
    sql="""
    select customer_id, event_at, known_at, replaced_at, local_day(event_at) as treated_on
    from versions_treatments() where contacted and coalesce(arm, 'treat') = 'treat'
    """,
)

STREAMS = (
    CUSTOMERS,
    ALL_CONTACTS,
    CLAIMS,
    MASTER_DATA,
    HOUSEHOLD_NOTICES,
    BENEFIT_USES,
    TREATMENTS,
)

tenure = partial(FAMILY.add, CUSTOMERS, driver="tenure", unit="days", source="S3")
tenure(
    "tenure_days",
    "date_diff('day', max(joined_on) {filter}, {as_of_day})",
    doc="Days as a customer.",
)
tenure(
    "first_90_days",
    "max(cast(date_diff('day', joined_on, {as_of_day}) < 90 as integer))",
    unit="flag",
    doc="A customer for less than 90 days.",
    source="S2, S3",
)
FAMILY.fact(
    CUSTOMERS, "customer_since", "max(joined_on)", driver="tenure", doc="First day as a customer."
)
FAMILY.part(
    CUSTOMERS, "segment_given", "max(segment)", unit="category", doc="Segment of the register."
)
FAMILY.part(
    MASTER_DATA,
    "segment_on_file",
    "arg_max_null(value, event_at)",
    where="attribute = 'segment'",
    unit="category",
    doc="Segment in force, by its history.",
)
FAMILY.combine(
    "segment",
    "coalesce(segment_on_file, segment_given)",
    of=("segment_given",),
    maybe=("segment_on_file",),
    kind="category",
    driver="product",
    unit="category",
    doc="Customer segment.",
    source="S3",
)

FAMILY.fact(
    CUSTOMERS,
    "margin_per_year",
    "max(margin_per_year)",
    driver="product",
    unit="money",
    doc="What the customer leaves a year.",
    needs=("customers.margin_per_year",),
)

contact_volume = partial(
    FAMILY.add, ALL_CONTACTS, driver="contact_volume", unit="count", source="S4, S3"
)
contact_volume(
    "contacts",
    "count(*)",
    where="direction = 'inbound'",
    windows=(30, 90, 365),
    fill=0,
    doc="Contacts made by the customer.",
)
contact_volume(
    "days_since_contact",
    "date_diff('day', max(started_on) {filter}, {as_of_day})",
    where="direction = 'inbound'",
    unit="days",
    doc="Days since the customer last made contact.",
)
FAMILY.add(
    ALL_CONTACTS,
    "days_since_outreach",
    "date_diff('day', max(started_on) {filter}, {as_of_day})",
    where="direction = 'outbound'",
    driver="outreach",
    unit="days",
    doc="Days since the company last made contact.",
    source="S2",
)
FAMILY.fact(
    ALL_CONTACTS,
    "last_contact_on",
    "max(started_on)",
    driver="contact_volume",
    doc="Day of the latest contact, either way.",
)

outreach = partial(FAMILY.add, TREATMENTS, driver="outreach", unit="days", source="S2")
outreach(
    "days_since_treatment",
    "date_diff('day', max(treated_on) {filter}, {as_of_day})",
    doc="Days since an action of the list last reached the customer; a holdout is no action.",
)
outreach(
    "treatments",
    "count(*)",
    windows=(30, 90, 365),
    fill=0,
    needs=("treatments.contacted",),
    unit="count",
    doc="Actions of the list that reached the customer.",
)
FAMILY.fact(
    TREATMENTS,
    "latest_treatment_on",
    "max(treated_on)",
    driver="outreach",
    doc="Day an action of the list last reached the customer.",
)
FAMILY.add(
    HOUSEHOLD_NOTICES,
    "household_churn",
    "count(*)",
    windows=(180,),
    fill=0,
    driver="household",
    unit="count",
    sign=1,
    doc="Notices given, of their own will, by others in the household.",
    source="S2, S3",
)
FAMILY.fact(
    HOUSEHOLD_NOTICES,
    "latest_household_notice_on",
    "max(notified_on)",
    driver="household",
    doc="Day another in the household last gave notice.",
)
FAMILY.add(
    BENEFIT_USES,
    "benefits_used",
    "count(*)",
    windows=(90, 365),
    fill=0,
    needs=("benefits.used_at",),
    driver="benefits_used",
    unit="count",
    sign=-1,
    doc="Benefits that the customer began to use.",
    source="S3 §1",
)
FAMILY.fact(
    BENEFIT_USES,
    "latest_benefit_used_on",
    "max(used_on)",
    driver="benefits_used",
    doc="Day a benefit was last taken into use.",
)
FAMILY.add(
    MASTER_DATA,
    "plan_changes",
    "count(*)",
    where="attribute = 'plan'",
    windows=(90, 365),
    fill=0,
    driver="product",
    unit="count",
    doc="Changes of price plan.",
    source="S3 §1",
)

claims = partial(FAMILY.add, CLAIMS, driver="claims", unit="count", source="S3 §4")
claims("claims", "count(*)", windows=(30, 90, 365), fill=0, doc="Insurance claims.")
claims("claims_total", "count(*)", fill=0, doc="Insurance claims ever.")
claims(
    "claimed_amount",
    "sum(claimed)",
    windows=(90, 365),
    fill=0,
    needs=("claims.claimed",),
    unit="money",
    doc="Amount claimed.",
)
claims(
    "claims_paid_share",
    "sum(paid) {filter} / nullif(sum(claimed) {filter}, 0)",
    where="settled_on is not null",
    windows=(365,),
    needs=("claims.claimed", "claims.paid", "claims.settled_on"),
    unit="share",
    sign=-1,
    doc="Share paid out of what was claimed in settled claims.",
)
claims(
    "claims_unpaid",
    "count(*)",
    where="paid = 0 and claimed > 0",
    windows=(90, 365),
    fill=0,
    needs=("claims.claimed", "claims.paid", "claims.settled_on"),
    sign=1,
    doc="Claims settled with nothing paid.",
)
claims(
    "days_since_claim",
    "date_diff('day', max(claimed_on) {filter}, {as_of_day})",
    unit="days",
    doc="Days since the latest claim.",
)
FAMILY.fact(
    CLAIMS, "latest_claim_on", "max(claimed_on)", driver="claims", doc="Day of the latest claim."
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of a flat customer table that is a feature as it stands.

    ``name`` is the snapshot's column, ``attr_…``; the company's configuration gives the rest.
    """

    name: str
    kind: Literal["number", "category"]
    family: str
    driver: str
    unit: str
    sign: Sign
    doc: str


def attribute_families(attributes: Sequence[Attribute]) -> tuple[Family, ...]:
    """Declare one feature per attribute, in the driver family that the configuration names."""
    families: dict[str, Family] = {}
    for attribute in attributes:
        family = families.setdefault(attribute.family, Family(attribute.family))
        family.add(
            CUSTOMERS,
            attribute.name,
            f'max("{attribute.name}")',
            kind=attribute.kind,
            driver=attribute.driver,
            unit=attribute.unit,
            sign=attribute.sign,
            doc=attribute.doc,
            source="configuration",
        )
    return tuple(families.values())
