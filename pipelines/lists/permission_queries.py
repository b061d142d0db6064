"""SQL of contact permissions, a query for each table over its accepted rows.

``accepted`` has the newest version of each row that keeps the contract; ``$zone`` and ``$as_of``
are given where a query names them.
"""

from collections.abc import Mapping

from pipelines.lists.contact import CONTACT_CHANNELS

DAY = "date"
FLAG = "boolean"
COLUMNS = {
    **dict.fromkeys(("unread", "vulnerable", "open_complaint", "opted_out"), FLAG),
    **{f"opted_out_{channel}": FLAG for channel in CONTACT_CHANNELS},
    **{f"consent_{channel}": FLAG for channel in CONTACT_CHANNELS},
    **dict.fromkeys(("reserved_phone", "reserved_post"), FLAG),
    **dict.fromkeys(("register_on", "last_outreach_on"), DAY),
    "household_id": "str",
}


def _by_channel(name: str, value: str, condition: str = "true") -> str:
    return ", ".join(
        f"bool_or({value}) filter (channel = '{channel}' and {condition}) as {name}_{channel}"
        for channel in CONTACT_CHANNELS
    )


# A refusal holds for outreach whatever purpose it named; of two words at one moment, the no.
QUERIES: Mapping[str, str] = {
    "consents": f"""
        select customer_id, {_by_channel("consent", "allowed", "purpose = 'marketing'")},
            {_by_channel("opted_out", "not allowed")}
        from (select * from accepted qualify row_number() over (
            partition by customer_id, channel, purpose order by changed_at desc, allowed) = 1)
        group by customer_id""",
    "contact_bars": f"""
        select customer_id, bool_or(reason = 'vulnerable') as vulnerable,
            bool_or(reason = 'opted_out' and channel is null) as opted_out,
            {_by_channel("opted_out", "true", "reason = 'opted_out'")}
        from accepted where lifted_at is null group by customer_id""",
    "reservations": """
        select customer_id, arg_max(reserved_phone, looked_up_on) as reserved_phone,
            arg_max(reserved_post, looked_up_on) as reserved_post, max(looked_up_on) as register_on
        from accepted group by customer_id""",
    "complaints": """
        select customer_id, bool_or(closed_at is null) as open_complaint
        from accepted group by customer_id""",
    "treatments": """
        select customer_id, max(cast(timezone($zone, timezone('UTC', treated_at)) as date))
            as last_outreach_on
        from accepted where contacted or arm is distinct from 'holdout' group by customer_id""",
    "households": """
        select customer_id, arg_max(coalesce(household_id, ''), valid_from) as household_id
        from accepted where valid_from <= $as_of group by customer_id""",
}
