"""Announcement: who hears how a run ended, or that a night did not come.

A message has the company's name, the run, its as-of date, its exit code and the next command.
Nothing of the tables, and no words of an error, leave the house.
"""

import json
import shlex
from contextlib import suppress
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from features.errors import BusyError, PublicationError
from pipelines.config.sections import Company, Notifications, Paths
from pipelines.config.settings import Settings
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.notifier import deliver
from pipelines.runtime.run_record import TERMINATED, RunRecord

_NIGHT = "nightly"
_MEANING = {
    2: "the configuration cannot be used",
    3: "the tables break the data contract",
    4: "there is no usable model",
    5: "storage or publication failed",
    6: "a person must look",
    TERMINATED: "it was ended from outside",
}
_NEXT = {1: "doctor", 2: "doctor", 3: "check", 4: "doctor", 5: "doctor"}


class Addressee(BaseModel):
    """What of a configuration decides who hears, read even where the rest cannot be."""

    model_config = ConfigDict(extra="ignore")
    company: Company
    paths: Paths
    notifications: Notifications = Notifications()


def announce(
    to: Settings | Addressee, config: Path, as_of: date | None, record: RunRecord
) -> list[str]:
    """Tell of a run that has ended, where there is something to tell; notes on what failed.

    That is a failure (any exit code but 0 and 75), the first success after one, and a published
    night whose status is at least ``notifications.status``. Takes ten seconds at most.
    """
    code, command, day = record.exit_code, record.command, as_of or "today"
    if code == BusyError.exit_code:
        return []
    worked = not keep_outcome(to, command, str(code or "")) or bool(code)
    title, said, following = "", f"{command} as of {day} succeeded", command
    if code:
        title = f"{command} failed, exit code {code}"
        said = f"{command} as of {day} ended with exit code {code}"
        said += f": {_MEANING[code]}" if code in _MEANING else ""
        gated = code == 6 and command in (_NIGHT, "train")
        following = "check" if gated else _NEXT.get(code, command)
    elif record.tone in ("bad", to.notifications.status):
        title, following = f"a person must look at the lists of {day}", "doctor"
        said += f", and the status of its lists is: {record.tone}"
    elif not worked:
        title, following = f"{command} works again", "status"
    return send(
        to,
        title,
        f"{said}. Next: {stille(following, config)}. Run: {record.run_id}.",
        ping=command == _NIGHT and not code,
    )


def stille(command: str, config: Path) -> str:
    return f"stille {command} --config {shlex.quote(str(config))}"


def send(to: Settings | Addressee, title: str, said: str, *, ping: bool = False) -> list[str]:
    """Send a message, unless ``title`` is empty, and ask the ping; notes on what failed."""
    heard, name = to.notifications, " ".join(to.company.name.split())
    receivers = (heard.addresses, heard.command) if title else ((), ())
    asked = heard.ping if ping else None
    failed = deliver(f"{name}: {title}", f"{name}: {said}", *receivers, asked)
    return [f"notification not delivered: {each}" for each in failed]


def keep_outcome(to: Settings | Addressee, subject: str, outcome: str) -> bool:
    """Keep what is told of ``subject``, empty for nothing; whether it was something else before.

    Where ``var`` cannot be written everything counts as new.
    """
    path, before = to.paths.announced, {}
    with suppress(OSError, ValueError, TypeError):
        before = dict(json.loads(path.read_bytes()))
    if before.get(subject, "") == outcome:
        return False
    with suppress(PublicationError):
        write_file(path, json.dumps({**before, subject: outcome}).encode())
    return True
