"""Relationship: how long, with what, and how much contact (S2, S3, S4).

No constraint on the number of contacts: none can be the best service (S4) or no relation (S3).
"""

from features.feature import Family, Feature, Kind, Sign

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

FAMILY.read(__file__)


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
