"""Announcement: who hears how a run ended, or that a night did not come.

A message has the company's name, the run, its as-of date, its exit code and the next command.
Nothing of the tables, and no words of an error, leave the house.
"""

import json
import logging
import shlex
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from features.errors import BusyError, GateError, PublicationError, StilleError
from pipelines.config.sections import Company, Notifications, Paths
from pipelines.config.settings import Settings
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.environment import background
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
    night whose status is at least ``notifications.status``; nothing of a dry run. Takes ten seconds
    at most. Without ``keep`` nothing is written down, as in folders of others.
    """
    code, command, day = record.exit_code or 0, record.command, as_of or "today"
    if code == BusyError.exit_code or command == "preview":  # who tries it looks at it
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


PATIENCE_SECONDS = 9.0


def deliver(
    title: str, text: str, addresses: Sequence[str], command: Sequence[str], ping: str | None
) -> list[str]:
    """Send to each address and to the command's standard input, and get ``ping``.

    Returns the names of those that did not take it in ``PATIENCE_SECONDS``, without the secrets
    of their addresses, and raises nothing. A thread that still waits then is left behind.
    """
    works: dict[str, Callable[[], object]] = {
        f"address {number} ({urlsplit(address).scheme})": partial(_post, address, title, text)
        for number, address in enumerate(addresses, 1)
    }
    if command:
        works["command"] = partial(_start, command, f"{title}\n\n{text}\n".encode())
    if ping:
        works["ping"] = partial(urllib.request.urlopen, ping, None, PATIENCE_SECONDS)
    running = {name: background(work) for name, work in works.items()}
    wait(running.values(), PATIENCE_SECONDS)
    return [name for name, each in running.items() if not each.done() or each.exception()]


def _start(command: Sequence[str], message: bytes) -> None:
    # Standard output is the run's own result, as JSON where that is asked for.
    limit = PATIENCE_SECONDS - 1
    subprocess.run(command, input=message, stdout=subprocess.DEVNULL, timeout=limit, check=True)  # noqa: S603  (no shell)


def _post(address: str, title: str, text: str) -> None:
    from apprise import Apprise, AppriseAsset, NotifyFormat

    # Its words about what went wrong may have the address in them.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    receiver = Apprise(asset=AppriseAsset(app_id="Stille", async_mode=False))
    if not (receiver.add(address) and receiver.notify(text, title, body_format=NotifyFormat.TEXT)):
        raise ConnectionError
