"""Channel: being forced out of the one the customer prefers (S2).

The preferred channel is the one on file, and known, when the contact was made.
"""

from functools import partial

from features.families.relationship import ALL_CONTACTS, MASTER_DATA
from features.feature import Family, Stream

FAMILY = Family("channel")

CLOSED_CHANNELS = Stream(
    "closed_channels",
    reads=("contacts",),
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

STREAMS = (CLOSED_CHANNELS,)

_TRIED = "contacts.unavailable_channel"

forced_channel = partial(
    FAMILY.add, CLOSED_CHANNELS, driver="forced_channel", unit="count", sign=1, source="S2", fill=0
)
forced_channel(
    "channel_unavailable_attempts",
    "count(*)",
    windows=(30, 90, 365),
    needs=(_TRIED,),
    doc="Contacts before which the customer had found a channel closed.",
)
forced_channel(
    "forced_channel_contacts",
    "count(*)",
    where="forced",
    windows=(30, 90, 365),
    needs=(_TRIED, "contacts.channel", "master_data"),
    doc="Contacts in another channel than the preferred one, which was closed.",
)
FAMILY.fact(
    CLOSED_CHANNELS,
    "latest_closed_channel_on",
    "max(started_on)",
    needs=(_TRIED,),
    driver="forced_channel",
    doc="Day the customer last found a channel closed.",
)
channel_mix = partial(FAMILY.add, ALL_CONTACTS, driver="channel_mix", unit="count", source="S2")
channel_mix(
    "channel_mix",
    "count(distinct channel)",
    where="direction = 'inbound'",
    windows=(365,),
    fill=0,
    needs=("contacts.channel",),
    doc="Channels that the customer used.",
)
channel_mix(
    "digital_contact_share",
    "avg(cast(channel in ('email', 'chat', 'sms', 'app', 'web') as integer))",
    where="direction = 'inbound'",
    windows=(365,),
    unit="share",
    doc="Share of the customer's contacts that were digital.",
)
FAMILY.add(
    MASTER_DATA,
    "preferred_channel",
    "arg_max_null(value, event_at)",
    where="attribute = 'preferred_channel'",
    kind="category",
    driver="channel_mix",
    unit="category",
    doc="The channel on file that the customer prefers.",
    source="S2",
)
