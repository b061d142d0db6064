"""Health checks of this machine: attributes, privacy, clock, disk and sources."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from features.contract import TABLES
from features.errors import ContractError, PublicationError, StilleError
from pipelines.config.masterdata import refuse_mutable
from pipelines.config.settings import Settings
from pipelines.sources.files import find_files
from pipelines.sources.postgres_reader import look_at_tables

_LEAST_FREE = 1_000_000_000
_COPIES = 4

Status = Literal["ok", "look", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``exit_code`` is 0 unless it keeps a night from publishing."""

    what: str
    status: Status
    said: str
    exit_code: int = 0


def learning(settings: Settings) -> Iterator[Finding]:
    """Whether every attribute can be learned from."""
    refuse_mutable(settings.sources)
    attributes = len(settings.sources["customers"].attributes)
    if attributes:
        yield Finding("learning", "ok", f"{attributes} attributes, all static")


def privacy(settings: Settings) -> Iterator[Finding]:
    """Whether the answer to a customer who asks can tell all that it has to."""
    unset = [f"privacy.{name}" for name, value in settings.privacy if value is None]
    if unset:
        said = f"{' and '.join(unset)} not set: the answer to a customer who asks does not tell it"
        yield Finding("privacy", "look", said)


def clock(settings: Settings) -> Iterator[Finding]:
    """The time here, and whether an input claims to be from later."""
    now = datetime.now(UTC)
    local = now.astimezone(ZoneInfo(settings.company.timezone))
    said = f"{local:%Y-%m-%d %H:%M} in {settings.company.timezone}, {now:%H:%M} UTC"
    newest = _newest_input(settings)
    if newest is not None and newest > now:
        yield Finding("clock", "look", f"{said}; an input was written at {newest:%Y-%m-%d %H:%M}")
    else:
        yield Finding("clock", "ok", said)


def _newest_input(settings: Settings) -> datetime | None:
    times = [path.stat().st_mtime for path in _files(settings)]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _files(settings: Settings) -> set[Path]:
    found = set()
    for name, source in settings.sources.items():
        try:
            found |= {each.path for each in find_files(settings, name)} if source.path else set()
        except StilleError:
            continue
    return found


def disk(settings: Settings) -> Iterator[Finding]:
    """Free space and the right to write, where runs write."""
    needed = max(_LEAST_FREE, _COPIES * sum(path.stat().st_size for path in _files(settings)))
    for name, folder in (("var", settings.paths.var), ("out", settings.paths.out)):
        there = next(
            path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()
        )
        free = shutil.disk_usage(there).free
        said = f"{folder} ({name}): {free / 1e9:,.1f} GB free, about {needed / 1e9:,.1f} GB needed"
        if not os.access(there, os.W_OK):
            code = PublicationError.exit_code
            yield Finding("disk", "bad", f"{there} cannot be written; paths.{name} needs it", code)
        elif free < needed:
            yield Finding("disk", "bad", said, PublicationError.exit_code)
        else:
            yield Finding("disk", "ok", said)


def sources(settings: Settings) -> Iterator[Finding]:
    """Whether the files of every table are there and can be read."""
    for name in (name for name in TABLES if name in settings.sources):
        if settings.sources[name].path is None:
            continue
        try:
            paths = [each.path for each in find_files(settings, name)]
        except StilleError as error:
            yield Finding(f"source {name}", "bad", str(error), error.exit_code)
            continue
        size = sum(path.stat().st_size for path in paths)
        if any(not os.access(path, os.R_OK) for path in paths) or size == 0:
            said = f"{paths[0]}: {'empty' if size == 0 else 'cannot be read'}"
            yield Finding(f"source {name}", "bad", said, ContractError.exit_code)
        else:
            yield Finding(f"source {name}", "ok", f"files: {len(paths)}, {size / 1e6:,.1f} MB")


def databases(settings: Settings) -> Iterator[Finding]:
    """Whether every database answers and has its tables."""
    yield from (
        Finding(f"source {name}", "ok", f"{columns} columns in {where}")
        for name, where, columns in look_at_tables(settings.sources)
    )
