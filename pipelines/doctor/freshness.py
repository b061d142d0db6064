"""Freshness: the published lists' age, and how the newest night ended (``stille status``)."""

import json
from pathlib import Path
from typing import Any

from pipelines.config.announcement import keep_outcome, send, stille
from pipelines.config.settings import Settings
from pipelines.publication.reader import created_at, current
from pipelines.publication.status import published_status, tone_of
from pipelines.runtime.environment import now
from pipelines.runtime.logs import LOG


def newest_night(settings: Settings) -> tuple[str, str, int | None] | None:
    """Run id, status and exit code of the newest night that left a record.

    The code is None while it runs, and for one that was killed.
    """
    runs = sorted(settings.paths.runs.glob("nightly-*.json"))
    if not runs:
        return None
    try:
        record = json.loads(runs[-1].read_bytes())
        return runs[-1].stem, record["status"], record["exit_code"]
    except (OSError, ValueError, KeyError):
        return str(runs[-1]), "cannot be read", None


def freshness(settings: Settings) -> dict[str, Any]:
    """The lists that readers see, with their age in hours, and the newest night.

    Raises ``PublicationError`` for a publication that cannot be read.
    """
    night, (name, ended, code) = current(settings.paths.out), newest_night(settings) or [None] * 3
    age = None if night is None else (now() - created_at(night.folder)).total_seconds() / 3600
    return {
        "company": settings.company.name,
        "as_of": night and str(night.as_of),
        "age_hours": age and round(age, 1),
        "tone": night and tone_of(published_status(night.folder) or ()),
        "last_night": name,
        "last_status": ended,
        "exit_code": code,
    }


def overdue(settings: Settings, config: Path, facts: dict[str, Any], hours: float) -> bool:
    """Whether the lists are older than ``hours``; who is to hear is told once, and when it ends."""
    late = facts["age_hours"] is None or facts["age_hours"] > hours
    told = ["", "late"]
    if keep_outcome(settings, "overdue", told[late]):
        title = f"no night for {hours:g} hours" if late else "nights come again"
        text = f"the newest lists are of {facts['as_of']}, and the newest night "
        text += f"{facts['last_status']}. Next: {stille('doctor', config)}."
        if failed := send(settings, title, text):
            keep_outcome(settings, "overdue", told[not late])
            LOG.warning("%s", "; ".join(failed))
    return bool(late)
