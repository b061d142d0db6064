"""Relationship: how long, with what, and how much contact (S2, S3, S4).

No constraint on the number of contacts: none can be the best service (S4) or no relation (S3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    select customer_id, event_at, known_at, local_day(event_at) as started_on,
        coalesce(direction, 'inbound') as direction
    from contacts
    """,
)

CLAIMS = Stream(
    "claims",
    reads=("claims",),
    sql="""
    select customer_id, event_at, known_at, claimed_on, coalesce(claimed, 0) as claimed,
        coalesce(paid, 0) as paid,
        row_number() over (partition by customer_id order by known_at, event_at, claim_id) as seq
    from claims
    """,
)

STREAMS = (CUSTOMERS, ALL_CONTACTS, CLAIMS)

FAMILY.add(
    CUSTOMERS,
    "tenure_days",
    "date_diff('day', max(joined_on) {filter}, {as_of_day})",
    driver="tenure",
    unit="days",
    doc="Days as a customer.",
    source="S3",
)
FAMILY.fact(
    CUSTOMERS, "customer_since", "max(joined_on)", driver="tenure", doc="First day as a customer."
)
FAMILY.add(
    CUSTOMERS,
    "segment",
    "max(segment)",
    kind="category",
    driver="product",
    unit="category",
    doc="Customer segment.",
    source="S3",
)

FAMILY.add(
    ALL_CONTACTS,
    "contacts",
    "count(*)",
    where="direction = 'inbound'",
    windows=(30, 90, 365),
    fill=0,
    driver="contact_volume",
    unit="count",
    doc="Contacts made by the customer.",
    source="S4, S3",
)
FAMILY.add(
    ALL_CONTACTS,
    "days_since_contact",
    "date_diff('day', max(started_on) {filter}, {as_of_day})",
    where="direction = 'inbound'",
    driver="contact_volume",
    unit="days",
    doc="Days since the customer last made contact.",
    source="S4, S3",
)
FAMILY.add(
    ALL_CONTACTS,
    "days_since_outreach",
    "date_diff('day', max(started_on) {filter}, {as_of_day})",
    where="direction = 'outbound'",
    driver="contact_volume",
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

FAMILY.add(
    CLAIMS,
    "claims",
    "count(*)",
    windows=(30, 90, 365),
    fill=0,
    driver="claims",
    unit="count",
    doc="Insurance claims.",
    source="S3 §4",
)
FAMILY.add(
    CLAIMS,
    "claims_total",
    "count(*)",
    fill=0,
    driver="claims",
    unit="count",
    doc="Insurance claims ever.",
    source="S3 §4",
)
FAMILY.add(
    CLAIMS,
    "claimed_amount",
    "sum(claimed)",
    windows=(90, 365),
    fill=0,
    driver="claims",
    unit="money",
    doc="Amount claimed.",
    source="S3 §4",
)
FAMILY.add(
    CLAIMS,
    "claims_paid_share",
    "sum(paid) {filter} / nullif(sum(claimed) {filter}, 0)",
    windows=(365,),
    driver="claims",
    unit="share",
    sign=-1,
    doc="Share of the claimed amount paid out.",
    source="S3 §4",
)
FAMILY.add(
    CLAIMS,
    "claims_unpaid",
    "count(*)",
    where="paid = 0 and claimed > 0",
    windows=(90, 365),
    fill=0,
    driver="claims",
    unit="count",
    sign=1,
    doc="Claims for which nothing was paid.",
    source="S3 §4",
)
FAMILY.add(
    CLAIMS,
    "days_since_claim",
    "date_diff('day', max(claimed_on) {filter}, {as_of_day})",
    driver="claims",
    unit="days",
    doc="Days since the latest claim.",
    source="S3 §4",
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
