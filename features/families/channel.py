"""Channel: being forced out of the one the customer prefers (S2).

The preferred channel is the one on file, and known, when the contact was made.
"""

from features.families.relationship import ALL_CONTACTS, MASTER_DATA
from features.feature import Driver, Family

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

forced_channel = Driver(FAMILY, CLOSED_CHANNELS, "forced_channel", "S2", sign=1)
forced_channel(
    "channel_unavailable_attempts",
    "count(*)",
    "Contacts before which the customer had found a channel closed.",
    windows=(30, 90, 365),
)
forced_channel(
    "forced_channel_contacts",
    "count(*) where forced",
    "Contacts in another channel than the preferred one, which was closed.",
    windows=(30, 90, 365),
    needs=("contacts.channel", "master_data.value"),
)
forced_channel.fact(
    "latest_closed_channel_on", "max(started_on)", "Day the customer last found a channel closed."
)
channel_mix = Driver(FAMILY, ALL_CONTACTS, "channel_mix", "S2")
channel_mix(
    "channel_mix",
    "count(distinct channel) where direction = 'inbound'",
    "Channels that the customer used.",
    windows=(365,),
)
channel_mix(
    "digital_contact_share",
    "avg(cast(channel in ('email', 'chat', 'sms', 'app', 'web') as integer))"
    " where direction = 'inbound'",
    "Share of the customer's contacts that were digital.",
    windows=(365,),
    unit="share",
)
preferred_channel = Driver(FAMILY, MASTER_DATA, "channel_mix", "S2", unit="category")
preferred_channel(
    "preferred_channel",
    "arg_max_null(value, event_at) where attribute = 'preferred_channel'",
    "The channel on file that the customer prefers.",
    kind="category",
)
