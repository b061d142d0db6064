"""Freshness: the published lists' age, and how the newest night ended (``stille status``)."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipelines.config.announcement import keep_outcome, send, stille
from pipelines.config.settings import Settings
from pipelines.publication.reader import created_at, current
from pipelines.publication.status import published_status, tone_of
from pipelines.runtime.environment import now
from pipelines.runtime.logs import LOG

Ended = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True)
class Freshness:
    """The lists that readers see, with their age, and the newest night; None where there is none.

    ``exit_code`` is that of the newest night: None while it runs, and for one that was killed.
    """

    company: str
    as_of: str | None = None
    age_hours: float | None = None
    tone: str | None = None
    last_night: str | None = None
    last_status: str | None = None
    exit_code: int | None = None


def newest_night(settings: Settings) -> Ended | None:
    """Run id, status and exit code of the newest night that left a record."""
    runs = sorted(settings.paths.runs.glob("nightly-*.json"))
    if not runs:
        return None
    try:
        record = json.loads(runs[-1].read_bytes())
        return runs[-1].stem, record["status"], record["exit_code"]
    except (OSError, ValueError, KeyError):
        return str(runs[-1]), "cannot be read", None


def freshness(settings: Settings) -> Freshness:
    """Raises ``PublicationError`` for a publication that cannot be read."""
    company, ended = settings.company.name, newest_night(settings) or (None, None, None)
    night = current(settings.paths.out)
    if night is None:
        return Freshness(company, None, None, None, *ended)
    age = (now() - created_at(night.folder)).total_seconds() / 3600
    tone = tone_of(published_status(night.folder) or ())
    return Freshness(company, str(night.as_of), round(age, 1), tone, *ended)


def overdue(settings: Settings, config: Path, found: Freshness, hours: float) -> bool:
    """Whether the lists are older than ``hours``; who is to hear is told once, and when it ends."""
    late = found.age_hours is None or found.age_hours > hours
    if not keep_outcome(settings, "overdue", "late" if late else ""):
        return late
    title = f"no night for {hours:g} hours" if late else "nights come again"
    lists = f"the newest lists are of {found.as_of}" if found.as_of else "no lists were published"
    ended = f"the newest night ended with: {found.last_status or 'no record'}"
    failed = send(settings, title, f"{lists}; {ended}. Next: {stille('doctor', config)}.")
    if failed:
        # So that it is tried again next time.
        keep_outcome(settings, "overdue", "" if late else "late")
        LOG.warning("%s", "; ".join(failed))
    return late
