"""``stille doctor``: health checks of machine, sources, registry and Prefect; the exit code."""

import os
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from features.contract import TABLES
from features.errors import (
    BusyError,
    ConfigError,
    ContractError,
    ModelError,
    PublicationError,
    StilleError,
    without_passwords,
)
from pipelines.config.mapping import refuse_mutable
from pipelines.config.measurement import EFFECT_VERSION, newest
from pipelines.config.settings import Settings, load_settings
from pipelines.doctor.freshness import newest_night
from pipelines.publication import status
from pipelines.publication.reader import current, days_of
from pipelines.sources.database_reader import inspect_tables
from pipelines.sources.files import find_files

_LEAST_FREE = 1_000_000_000
_COPIES = 4

Status = Literal["ok", "look", "bad"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check; ``exit_code`` is 0 unless it keeps a night from publishing."""

    check: str
    status: Status
    message: str
    exit_code: int = 0


def learning(settings: Settings) -> Iterator[Diagnosis]:
    """Whether every attribute can be learned from."""
    refuse_mutable(settings.sources)
    attributes = len(settings.sources["customers"].attributes)
    if attributes:
        yield Diagnosis("learning", "ok", f"{attributes} attributes, all static")


def privacy(settings: Settings) -> Iterator[Diagnosis]:
    """Whether the answer to a customer who asks can tell all that it has to."""
    unset = [f"privacy.{name}" for name, value in settings.privacy if value is None]
    if unset:
        lack = f"{' and '.join(unset)} not set"
        message = f"{lack}: the answer to a customer who asks does not tell it"
        yield Diagnosis("privacy", "look", message)


def clock(settings: Settings) -> Iterator[Diagnosis]:
    """The time here, and whether an input claims to be from later."""
    now = datetime.now(UTC)
    local = now.astimezone(ZoneInfo(settings.company.timezone))
    message = f"{local:%Y-%m-%d %H:%M} in {settings.company.timezone}, {now:%H:%M} UTC"
    times = [path.stat().st_mtime for path in _files(settings)]
    latest = datetime.fromtimestamp(max(times, default=0), UTC)
    if latest > now:
        message += f"; an input was written at {latest:%Y-%m-%d %H:%M}"
    yield Diagnosis("clock", "look" if latest > now else "ok", message)


def _files(settings: Settings) -> set[Path]:
    found = set()
    for name in (name for name, source in settings.sources.items() if source.path):
        with suppress(StilleError):
            found |= {each.path for each in find_files(settings, name)}
    return found


def disk(settings: Settings) -> Iterator[Diagnosis]:
    """Free space and the right to write, where runs write."""
    needed = max(_LEAST_FREE, _COPIES * sum(path.stat().st_size for path in _files(settings)))
    for name, folder in (("var", settings.paths.var), ("out", settings.paths.out)):
        path = folder.absolute()
        there = next(each for each in (path, *path.parents) if each.exists())
        free = shutil.disk_usage(there).free
        low, lack = free < needed, f"about {needed / 1e9:,.1f} GB needed"
        message = f"{folder} ({name}): {free / 1e9:,.1f} GB free, {lack}"
        if not os.access(there, os.W_OK):
            low, message = True, f"{there} cannot be written; paths.{name} needs it"
        code = PublicationError.exit_code if low else 0
        yield Diagnosis("disk", "bad" if low else "ok", message, code)


def sources(settings: Settings) -> Iterator[Diagnosis]:
    """Whether the files of every table are there and can be read."""
    for name in (name for name in TABLES if name in settings.sources):
        if settings.sources[name].path is not None:
            yield from _faults(f"source {name}", partial(_files_of, name), settings)


def _files_of(name: str, settings: Settings) -> Iterator[Diagnosis]:
    paths = [each.path for each in find_files(settings, name)]
    size = sum(path.stat().st_size for path in paths)
    if size == 0 or any(not os.access(path, os.R_OK) for path in paths):
        raise ContractError(f"{paths[0]}: {'cannot be read' if size else 'empty'}")
    yield Diagnosis(f"source {name}", "ok", f"files: {len(paths)}, {size / 1e6:,.1f} MB")


def databases(settings: Settings) -> Iterator[Diagnosis]:
    """Whether every database answers and has its tables."""
    yield from (
        Diagnosis(f"source {name}", "ok", f"{columns} columns in {where}")
        for name, where, columns in inspect_tables(settings.sources)
    )


_PATIENCE_SECONDS = 5


def lock(settings: Settings) -> Iterator[Diagnosis]:
    """Whether a run is publishing now."""
    path = settings.paths.out / ".lock"
    if not path.is_file():
        yield Diagnosis("lock", "ok", "nobody has published here yet")
        return
    lock = FileLock(path, blocking=False, fallback_to_soft=False)
    try:
        with lock:
            yield Diagnosis("lock", "ok", f"{path}: free")
    except Timeout:
        message = f"{path}: a run is publishing now; a second one would end with 75"
        yield Diagnosis("lock", "look", message, BusyError.exit_code)


def last_night(settings: Settings) -> Iterator[Diagnosis]:
    """How the newest night ended."""
    name, ended, code = newest_night(settings)
    if name is None:
        yield Diagnosis("last night", "look", "none yet; run: stille nightly")
        return
    message = f"{name}: {ended}" + ("" if code is None else f", exit code {code}")
    yield Diagnosis("last night", "ok" if ended == "succeeded" else "look", message)


def lists(settings: Settings) -> Iterator[Diagnosis]:
    """Whether tables of what customers allow are mapped, and the status of the newest night."""
    gaps, night = [*status.missing_tables(settings)], current(settings.paths.out)
    told = night and status.published_status(night.folder)
    notices = [*gaps, *(notice for notice in told or () if notice not in gaps)]
    headline, *said = status.sentences(notices)
    for notice, sentence in zip(notices, said, strict=True):
        when = "" if night is None or notice in gaps else f"{night.as_of}: "
        yield Diagnosis("lists", "bad" if notice.tone == "bad" else "look", when + sentence)
    if night and told == ():
        yield Diagnosis("lists", "ok", f"{night.as_of}: {headline}")


def contact(settings: Settings) -> Iterator[Diagnosis]:
    """The newest verdict on whether contact helps."""
    effect = newest(settings.paths.effect, date.max, EFFECT_VERSION)
    if effect.data is not None:
        status: Status = "look" if effect.data["harmful"] else "ok"
        yield Diagnosis("contact", status, f"{effect.day}: {effect.data['verdict']}")
    elif effect.unreadable:
        path = settings.paths.effect / f"{effect.day}.json"
        yield Diagnosis("contact", "look", f"{path}: cannot be read; run: stille effect")


def model(settings: Settings) -> Iterator[Diagnosis]:
    """Whether there is a champion, and whether runs can be logged."""
    if not settings.may_hold_models():
        where = settings.tracking.uri or settings.paths.mlflow_database
        raise ModelError(f"no model yet: {where} is not there. Train one: stille train.")
    from pipelines.tracking import registry

    require = partial(registry.require_store, settings, *registry.EXPERIMENTS)
    champion = registry.with_timeout(settings, require)
    if champion is None:
        raise ModelError("no version carries the alias champion. Train one: stille train.")
    yield Diagnosis("model", "ok", f"{champion.label} is champion")


def treated(settings: Settings) -> Iterator[Diagnosis]:
    """Whether training can tell who was treated, and what happens to customers left alone."""
    mapped, nights = "treatments" in settings.sources, len(days_of(settings.paths.out))
    if not mapped and not nights:
        return
    sources = ["the table treatments"] if mapped else []
    sources += [f"the call lists of {nights} published nights"] if nights else []
    message = f"who was treated is known from {' and '.join(sources)}"
    if not mapped:
        message += ", called or not; map the table treatments under sources to tell who was"
    reported = settings.paths.reported_treatments
    if reported.is_file():
        message += f"; {pq.read_metadata(reported).num_rows:,} contacts by stille outcomes"
    share = settings.list.holdout_share
    if share == 0:
        message += "; nobody is held out now (list.holdout_share) to show what happens without"
    yield Diagnosis("treated", "ok" if mapped and share else "look", message)


def prefect(_: Settings) -> Iterator[Diagnosis]:
    """Whether the configured server answers; without one, each run starts its own."""
    address = os.environ.get("PREFECT_API_URL", "")
    place = without_passwords(address)
    if not address.startswith(("http://", "https://")):
        yield Diagnosis("Prefect", "ok", "no server configured; each run starts its own")
        return
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=_PATIENCE_SECONDS):  # noqa: S310  (http, checked above)
            yield Diagnosis("Prefect", "ok", f"{place} answers")
    except (OSError, ValueError) as error:
        answer = f"{place} does not answer ({type(error).__name__})"
        yield Diagnosis("Prefect", "look", f"{answer}; nights run untracked until it does")


# Which of several faults decides the exit code: what must be mended first comes first.
_BY_URGENCY = (ConfigError, PublicationError, ContractError, ModelError, BusyError)
_CHECKS: tuple[Callable[[Settings], Iterator[Diagnosis]], ...] = (
    *(learning, privacy, clock, disk, sources, databases, lock),
    *(last_night, lists, contact, treated, model, prefect),
)


def examine(config: Path) -> list[Diagnosis]:
    """Look at the configuration and, where that can be read, at all of ``_CHECKS``."""
    try:
        settings = load_settings(config)
    except StilleError as error:
        return [Diagnosis("configuration", "bad", str(error), error.exit_code)]
    diagnoses = [Diagnosis("configuration", "ok", f"{config}: {len(settings.sources)} tables")]
    for check in _CHECKS:
        diagnoses += _faults(check.__name__.replace("_", " "), check, settings)
    return diagnoses


def _faults(
    name: str, check: Callable[[Settings], Iterator[Diagnosis]], settings: Settings
) -> Iterator[Diagnosis]:
    """What a check found, and the error that ended it, under ``name``."""
    try:
        yield from check(settings)
    except StilleError as error:
        yield Diagnosis(name, "bad", str(error), error.exit_code)


def exit_code(diagnoses: list[Diagnosis]) -> int:
    """The exit code of the fault to mend first; 0 when there is none."""
    codes = {each.exit_code for each in diagnoses} - {0}
    ranked = [kind.exit_code for kind in _BY_URGENCY]
    return min(codes, key=lambda code: ranked.index(code) if code in ranked else -1, default=0)
