"""Reader of publications: the current one, integrity by digest, and idempotence by identity.

A publication counts only while every file has its digest, as whoever copies one may be cut off.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import ConfigError, PublicationError
from pipelines.publication.manifest import MANIFEST, files_below
from pipelines.runtime.atomic_files import digest, storage_errors

STAGING = ".staging-"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Publication:
    """Where one run's files stand under ``out``, before and after they are published."""

    out: Path
    as_of: date
    run_id: str

    def __post_init__(self) -> None:
        if not _RUN_ID.fullmatch(self.run_id):
            raise ConfigError(
                f"run id {self.run_id!r} cannot name a folder: use letters, digits, '.', '_', '-'."
            )

    @property
    def staging(self) -> Path:
        return self.out / f"{STAGING}{self.run_id}"

    @property
    def folder(self) -> Path:
        return self.out / self.as_of.isoformat() / self.run_id


def current(out: Path) -> Publication | None:
    """What ``out/current`` points at; None before the first publication.

    Raises ``PublicationError`` when the pointer was not made by ``publish``.
    """
    link = out / "current"
    if not os.path.lexists(link):
        return None
    try:
        as_of, run_id = link.readlink().parts
        return Publication(out, date.fromisoformat(as_of), run_id)
    except (OSError, ValueError, ConfigError) as error:
        raise PublicationError(
            f"{link} is not a link to <as-of date>/<run id>, so it was not made by a publication. "
            "Move it away, then run again."
        ) from error


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest as it stands; raises ``PublicationError`` when it is none."""
    with storage_errors(f"read {folder}"):
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
            str(manifest["created"]), manifest["stille"].keys(), _digests(manifest)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PublicationError(f"{folder / MANIFEST} is damaged: {error!r}.") from error
    return manifest


def _digests(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {entry["path"]: entry["hash"] for entry in manifest["resources"]}


def manifest_facts(folder: Path) -> dict[str, Any]:
    """What the manifest of a publication tells of its night as a whole."""
    return dict(json.loads((folder / MANIFEST).read_bytes())["stille"])


def verify(folder: Path) -> dict[str, Any]:
    """The manifest of a publication whose every file is there and has its digest.

    Raises ``PublicationError`` naming the folder and the files that differ.
    """
    manifest = _manifest(folder)
    with storage_errors(f"read {folder}"):
        found = {path: digest(folder / path) for path in files_below(folder)}
    if found != _digests(manifest):
        names = sorted(path for path, _ in found.items() ^ _digests(manifest).items())
        raise PublicationError(
            f"{folder} differs from its manifest: {', '.join(dict.fromkeys(names))}. Run again."
        )
    return manifest


def complete(publications: Iterable[Publication]) -> Iterator[tuple[Publication, dict[str, Any]]]:
    """The complete ones of publications with their manifests; damaged ones do not count.

    Files are read and hashed when a publication's turn comes, so the newest costs one reading.
    """
    for publication in publications:
        with suppress(PublicationError):
            yield publication, verify(publication.folder)


def publications_of(out: Path, as_of: date, **identity: object) -> list[Publication]:
    """Publications of an as-of date (and ``Stamp.identity``), by manifest alone, newest first."""
    made = []
    for path in (out / as_of.isoformat()).glob(f"*/{MANIFEST}"):
        with suppress(PublicationError, ConfigError):
            manifest, publication = _manifest(path.parent), Publication(out, as_of, path.parts[-2])
            if manifest["stille"].items() >= identity.items():
                made.append((str(manifest["created"]), publication.run_id, publication))
    return [each for *_, each in sorted(made, key=lambda one: one[:2], reverse=True)]


def newest_of(out: Path, as_of: date, **identity: object) -> Publication | None:
    """The complete publication of an as-of date (and identity) made last; None without one."""
    return next((each for each, _ in complete(publications_of(out, as_of, **identity))), None)


def newest_publications(out: Path) -> tuple[Publication, ...]:
    """The complete publication of each as-of date that was made last, dates in order."""
    newest = (newest_of(out, day) for day in sorted(days_of(out)))
    return tuple(publication for publication in newest if publication is not None)


def days_of(out: Path) -> set[date]:
    """The as-of dates below ``out``, published in full or not."""
    days = (day_of(path.parts[-3]) for path in out.glob(f"*/*/{MANIFEST}"))
    return {day for day in days if day is not None}


def day_of(name: str) -> date | None:
    """The ISO date that a file or folder is named after; None for another name.

    >>> day_of("2026-03-02"), day_of("current")
    (datetime.date(2026, 3, 2), None)
    """
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
