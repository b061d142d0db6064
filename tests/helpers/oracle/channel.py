"""Channels, from their documentation."""

from typing import Any

from companies import Row

from oracle.view import View, in_force, top

_DIGITAL = ("email", "chat", "sms", "app", "web")


def features(view: View) -> dict[str, Any]:
    contacts = view.rows("contacts", lambda row: row["direction"] != "outbound")
    closed = [row for row in contacts if row["unavailable_channel"]]
    used = [row["channel"] for row in view.recent(contacts, 365) if row["channel"]]
    forced = [row for row in closed if _forced(view, row)]
    return {
        **view.counts("channel_unavailable_attempts", closed, 30, 90, 365),
        **view.counts("forced_channel_contacts", forced, 30, 90, 365),
        "latest_closed_channel_on": top(view.local_day(row["event_at"]) for row in closed),
        "channel_mix_365d": len(set(used)),
        "digital_contact_share_365d": sum(channel in _DIGITAL for channel in used) / len(used)
        if used
        else None,
        "preferred_channel": in_force(view.rows("master_data"), "preferred_channel"),
    }


def _forced(view: View, contact: Row) -> bool:
    """The preferred channel is what was on file when the customer made contact."""
    before = view.rows("master_data", lambda row: row["known_at"] < contact["event_at"])
    preferred = in_force(before, "preferred_channel")
    return contact["unavailable_channel"] == preferred and contact["channel"] not in (
        None,
        preferred,
    )
