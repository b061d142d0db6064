"""Channel: being forced out of the one the customer prefers (S2).

The preferred channel is the one on file, and known, when the contact was made.
"""

from features.feature import Family

FAMILY = Family("channel")

CLOSED_CHANNELS = FAMILY.stream(
    "closed_channels",
    reads=("contacts",),
    needs=("contacts.direction", "contacts.unavailable_channel"),
    optional=("master_data",),
    sql="""
    select customer_id, event_at, known_at, local_day(event_at) as started_on,
        coalesce(unavailable_channel = preferred and channel <> preferred, false) as forced
    from (
        select c.customer_id, c.event_at, c.known_at, c.contact_id, c.channel,
            c.unavailable_channel, arg_max_null(m.value, m.event_at) as preferred
        from contacts c
        left join master_data m on m.customer_id = c.customer_id
            and m.attribute = 'preferred_channel' and m.known_at < c.event_at
        where c.unavailable_channel is not null and coalesce(c.direction, 'inbound') = 'inbound'
        group by all
    )
    """,
)

FAMILY.read(__file__)
