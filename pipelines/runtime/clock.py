"""System clock: the only place that reads it for a day, a tag's instant, or a run's name."""

import secrets
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def today_in(zone: str) -> date:
    """The calendar day now in a zone."""
    return datetime.now(ZoneInfo(zone)).date()


def now() -> datetime:
    """The instant now, UTC."""
    return datetime.now(UTC)


def instant() -> str:
    """The instant now as text, UTC to the second."""
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id(command: str) -> str:
    """A unique name that sorts by time: command, UTC second, six random hex digits."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{command}-{stamp}-{secrets.token_hex(3)}"


def local_day(instant: datetime, zone: str) -> date:
    """The calendar day in a zone of a naive UTC instant.

    >>> local_day(datetime(2024, 6, 30, 22, 30), "Europe/Oslo")
    datetime.date(2024, 7, 1)
    """
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
