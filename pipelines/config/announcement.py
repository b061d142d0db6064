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

from features.errors import BusyError, GateError, PublicationError, StilleError
from pipelines.config.sections import Company, Notifications, Paths
from pipelines.config.settings import Settings
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.notifier import deliver
from pipelines.runtime.run_record import RunRecord

_MEANING = {kind.exit_code: f": {kind.__doc__}" for kind in StilleError.__subclasses__()}


class Addressee(BaseModel):
    """What of a configuration decides who hears, read even where the rest cannot be."""

    model_config = ConfigDict(extra="ignore")
    company: Company
    paths: Paths
    notifications: Notifications = Notifications()


def announce(
    to: Settings | Addressee,
    config: Path,
    as_of: date | None,
    record: RunRecord,
    *,
    keep: bool = True,
) -> list[str]:
    """Tell of a run that has ended, where there is something to tell; notes on what failed.

    That is a failure (any exit code but 0 and 75), the first success after one, and a published
    night whose status is at least ``notifications.status``. Takes ten seconds at most. Without
    ``keep`` nothing is written down, as in folders of others.
    """
    code, command, day = record.exit_code or 0, record.command, as_of or "today"
    if code == BusyError.exit_code:
        return []
    other = keep and keep_outcome(to, command, str(code or ""))
    title, text, following = "", f"{command} as of {day} succeeded.", "doctor"
    if code:
        title = f"{command} failed, exit code {code}"
        text = f"{command} as of {day} ended with exit code {code}{_MEANING.get(code, '.')}"
        of_tables = code == 3 or (code == GateError.exit_code and command in ("nightly", "train"))
        following = "check" if of_tables else "doctor" if code < GateError.exit_code else command
    elif record.tone in ("bad", to.notifications.status):
        title = f"a person must look at the lists of {day}"
        text = f"{command} as of {day} published lists whose status is: {record.tone}."
    elif other:
        title, following = f"{command} works again", "status"
    text = f"{text} Next: {stille(following, config)}. Run: {record.run_id}."
    return send(to, title, text, ping=command == "nightly" and not code)


def stille(command: str, config: Path) -> str:
    return f"stille {command} --config {shlex.quote(str(config))}"


def send(to: Settings | Addressee, title: str, text: str, *, ping: bool = False) -> list[str]:
    """Send a message, unless ``title`` is empty, and ask the ping; notes on what failed."""
    heard, name = to.notifications, " ".join(to.company.name.split())
    receivers = (heard.addresses, heard.command) if title else ((), ())
    asked = heard.ping if ping else None
    failed = deliver(f"{name}: {title}", f"{name}: {text}", *receivers, asked)
    return [f"notification not delivered: {each}" for each in failed]


def keep_outcome(to: Settings | Addressee, subject: str, outcome: str) -> bool:
    """Keep what is told of ``subject``, empty for nothing; whether it was something else before.

    Where ``var`` cannot be written everything counts as new.
    """
    path = to.paths.announced
    before: dict[str, str] = {}
    with suppress(OSError, ValueError, TypeError):
        before = dict(json.loads(path.read_bytes()))
    changed = before.get(subject, "") != outcome
    if changed:
        with suppress(PublicationError):
            write_file(path, json.dumps({**before, subject: outcome}).encode())
    return changed
