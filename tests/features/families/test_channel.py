"""Channels, checked by hand."""

from datetime import date
from typing import Any

import pytest
from companies import cells, company

_CLOSED = {
    "started_at": "2024-03-10 10:00:00",
    "channel": "email",
    "unavailable_channel": "phone",
    "direction": "inbound",
}
_PREFERS = {
    "attribute": "preferred_channel",
    "value": "phone",
    "valid_from": "2024-01-01 10:00:00",
}
_NAMES = ("forced_channel_contacts_30d", "channel_unavailable_attempts_30d")


@pytest.mark.parametrize(
    ("contact", "forced", "tried"),
    [
        ({}, 1, 1),
        ({"unavailable_channel": "chat"}, 0, 1),
        ({"channel": "phone"}, 0, 1),
        ({"channel": None}, 0, 1),
        ({"unavailable_channel": None}, 0, 0),
        ({"direction": "outbound"}, 0, 0),
    ],
)
def test_a_contact_is_forced_when_the_preferred_channel_was_closed(
    contact: dict[str, Any], forced: int, tried: int
) -> None:
    rows = company(contacts=[_CLOSED | contact], master_data=[_PREFERS])
    assert cells(rows, "2024-03-20", *_NAMES) == (forced, tried)


@pytest.mark.parametrize(
    ("later", "forced"),
    [
        ({"value": "email", "valid_from": "2024-03-01 10:00:00"}, 0),
        ({"value": None, "valid_from": "2024-03-01 10:00:00"}, 0),
        ({"value": "email", "valid_from": "2024-03-11 10:00:00"}, 1),
        ({"value": "email", "valid_from": "2024-03-01 10:00:00", "known_at": "2024-03-11"}, 1),
        ({"value": "email", "valid_from": "2023-03-01 10:00:00", "known_at": "2024-03-01"}, 1),
    ],
)
def test_the_preferred_channel_is_the_one_on_file_when_contact_was_made(
    later: dict[str, Any], forced: int
) -> None:
    rows = company(contacts=[_CLOSED], master_data=[_PREFERS, _PREFERS | later])
    assert cells(rows, "2024-03-20", _NAMES[0]) == forced


def test_the_day_of_the_latest_closed_channel() -> None:
    rows = company(contacts=[_CLOSED])
    assert cells(rows, "2024-03-20", "latest_closed_channel_on") == date(2024, 3, 10)
    assert cells(rows, "2024-03-20", *_NAMES) == (0, 1)


def test_the_mix_of_channels_and_what_is_preferred_now() -> None:
    contacts = [
        {"started_at": f"2024-03-{day} 10:00:00", "channel": channel}
        for day, channel in enumerate(("phone", "chat", "chat", "store"), start=10)
    ]
    outbound = {"started_at": "2024-03-10 10:00:00", "channel": "sms", "direction": "outbound"}
    changed = _PREFERS | {"value": "chat", "valid_from": "2024-03-12 10:00:00"}
    rows = company(contacts=[*contacts, outbound], master_data=[_PREFERS, changed])
    names = ("channel_mix_365d", "digital_contact_share_365d", "preferred_channel")
    assert cells(rows, "2024-03-20", *names) == (3, 0.5, "chat")
    assert cells(rows, "2024-03-12", *names) == (2, 0.5, "phone")
    assert cells(rows, "2024-01-01", *names) == (0, None, None)
