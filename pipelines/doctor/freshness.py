"""Freshness: the published lists' age, and how the newest night ended (``stille status``)."""

import json
from pathlib import Path
from typing import Any

from features.errors import PublicationError
from pipelines.config.announcement import keep_outcome, send, stille
from pipelines.config.settings import Settings
from pipelines.publication.reader import created_at, current
from pipelines.publication.status import published_status, tone_of
from pipelines.runtime.environment import now
from pipelines.runtime.logs import LOG


def newest_night(settings: Settings) -> tuple[str | None, str | None, int | None]:
    """Run id, status and exit code of the newest night that left a record.

    The code is None while it runs, and for one that was killed; all are without a record.
    """
    runs = sorted(settings.paths.runs.glob("nightly-*.json"))
    if not runs:
        return None, None, None
    try:
        record = json.loads(runs[-1].read_bytes())
        return runs[-1].stem, record["status"], record["exit_code"]
    except (OSError, ValueError, KeyError):
        return str(runs[-1]), "cannot be read", None


def freshness(settings: Settings) -> dict[str, Any]:
    """The lists that readers see, with their age in hours and status, and the newest night.

    Null where there are none; lists that cannot be read have a status that says so.
    """
    facts: dict[str, Any] = {"company": settings.company.name}
    facts |= dict.fromkeys(("as_of", "age_hours", "status"))
    try:
        if night := current(settings.paths.out):
            age = (now() - created_at(night.folder)).total_seconds() / 3600
            notices = published_status(night.folder)
            tone = None if notices is None else tone_of(notices)
            facts |= {"as_of": str(night.as_of), "age_hours": round(age, 2), "status": tone}
    except PublicationError:
        facts["status"] = "cannot be read"
    ended = zip(("last_night", "last_status", "exit_code"), newest_night(settings), strict=True)
    return {**facts, **dict(ended)}


def overdue(settings: Settings, config: Path, facts: dict[str, Any], hours: float) -> bool:
    """Whether the lists are older than ``hours``; who is to hear is told once, and when it ends."""
    late = facts["age_hours"] is None or facts["age_hours"] >= hours
    told = ["", "late"]
    if keep_outcome(settings, "overdue", told[late]):
        title = f"no night for {hours:g} hours" if late else "nights come again"
        text = f"newest lists: {facts['as_of'] or 'none'}; newest night: "
        text += f"{facts['last_status'] or 'none'}. Next: {stille('doctor', config)}."
        if failed := send(settings, title, text):
            keep_outcome(settings, "overdue", told[not late])
            LOG.warning("%s", "; ".join(failed))
    return bool(late)
